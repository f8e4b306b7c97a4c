import type { AlertRule } from './alert.ts';

/**
 * Title, what happened and the next step of each alert. `{name}` is a value of its detail, `{$name}` one in dollars (a gateway accepts
 * dollar tokens of six decimals only), `{@name}` a time; `{who}` and `{account}` are the account.
 */
export const alertTexts: { readonly [rule in AlertRule]: string } = {
  facilitator_away:
    'A facilitator does not settle|{backend} has failed since {@since} ({error}), and no other backend settles on {network}. New payers are refused; accepted payments wait.|Put another one into FACILITATORS, or a relayer into RELAYERS, and deploy.',
  chain_stuck:
    'The chain does not answer|No node of {network} has answered since {@since}. Payments wait; calls from credit and every freeze still work.|Put another node first in RPC_URLS, and deploy.',
  upstream_failing:
    'A tool fails|{failed} of the last {calls} calls of the tool {tool} failed, since {@since}. Their callers pay nothing.|Look at its upstream, or take it off sale: `countersign tools disable {tool}`.',
  queue_late:
    'A queue has stopped|The oldest message of the {queue} queue has waited since {@oldest}.|Read the logs of the consumer: `npx wrangler tail`.',
  cron_missed:
    'The cron trigger does not run|It last ran at {@since}. Meanwhile nothing checks for outages, compares ledger and chain, or archives the log.|Put `crons = ["* * * * *"]` under `[triggers]` in wrangler.toml, and deploy.',
  soft_limit:
    '{percent} % of a limit is used|{who} has used {$used} of {$max} ({limit}). Resets: {@resetsAt}.|The gateway denies calls beyond it. `countersign policy set {account}` raises it.',
  approval:
    'A call waits for your approval|{who} wants to pay {$amount} for the tool {tool}. A policy asks a person above {$above}. The call waits until {@until}.|`countersign approvals approve {account} {call}`, or `refuse`.',
  breaker:
    'A loop was stopped|{who} repeats one request to the tool {tool}.|Follow the agent: `countersign tail {account}`.',
  debt: "An account owes money|{who} owes {$debt}: a payment failed after its call.|The gateway denies its calls until `countersign credits top-up '{$debt}' --to {account}`.",
  stuck:
    'A payment does not settle|{$amount} of {who} for the tool {tool} is open since {@since}.|As operator: `countersign settlements show {account} {call}`.',
  dead_letter:
    'A message failed for good|{queue}: {reason}.|When the cause is gone, as operator: `countersign settlements resend {letter}`.',
  webhook_disabled:
    'A webhook is disabled|{failures} messages in a row to {webhook} failed.|Correct the receiver, then `countersign webhooks add {webhook}`.',
  gas: 'The relayer has little gas|{address} on {network} pays for about {covers} more payments.|Send ether to this address.',
  reconciliation:
    'Ledger and chain differ|A payment on {network} differs ({kind}): {$chain} on the chain, {$ledger} in the ledger.|As operator: `countersign settlements reconcile`.',
  catalogue_stale:
    'The tools may be out of date|An isolate could not read the tools, and sells by its last version.|It passes by itself.',
  tool_changed:
    'A remote tool changed|{host} changed the tool {tool}. The gateway does not sell it.|As operator: `countersign tools check-mcp`, then with `--accept`.',
  secret_returned:
    'An upstream returned a credential|{host} put the secret {secret} into an answer of the tool {tool}. The gateway removed it.|Read what the tool answers. If you do not trust it: `countersign secret rotate {secret}`.',
  absurd_usage:
    'A tool reported absurd usage|{reason}. The call of the tool {tool} failed, and its caller paid nothing.|Compare the meter of the tool with what its upstream answers, or take it off sale: `countersign tools disable {tool}`.',
  card_charged:
    'A card was charged that no call pays for|The issuer charged {$amount} on a card of the tool {tool}: {kind}. No account pays it.|Compare it with the issuer, and dispute it with the merchant: docs/cards.md.',
  database_size:
    'The database is {percent} % full|A full database accepts no more log.|Bind an R2 bucket as AUDIT_ARCHIVE, or lower RETAIN_DAYS: docs/operations.md, section 3.',
  database_unavailable:
    'The database accepted no log|Calls ran and settled. Accounts kept their entries.|Nothing, unless it repeats.',
  log_forked:
    'An account has two histories|{account} sent entries from {seq} on that differ from those in the transparency log. They are not stored in it.|As operator: `countersign settlements letters`. The object of the account was probably restored to an earlier time.',
  account_behind:
    'An account lost its newest state|Its object was restored to an earlier time or lost. It has forgotten what entries {from} to {to} say: calls, spend of limits, credit, policies and grants.|Compare them with `countersign accounts show`, and correct credit, policies and grants. It starts no call before {@until}: docs/restore.md.',
  database_behind:
    'The database lost entries of the log|D1 lacks entries {from} to {to} of {account}, which the transparency log has: it was restored to an earlier time.|Nothing is lost in R2 or in a backup: docs/operations.md says how to bring them back.',
  log_behind:
    'The transparency log is behind|No signed checkpoint covers entry {seq} of {account}, which D1 has had since {@since}.|Correct LOG_KEY, or read the logs of the Worker: docs/operations.md. Accounts keep what the log lacks.',
  witness:
    'A witness of the log does not cosign|{witness} ({kind}) since {@since}: {reason}. The log continues without its cosignature.|`away`: check its URL in WITNESSES, or ask its operator. `conflict`: it knows another tree of this log, so compare checkpoints before anything else.',
  archive:
    'The archive does not answer|R2 has failed since {@since}. D1 deletes nothing, and reads of older log fail.|It continues by itself. If it lasts: `npx wrangler r2 bucket list`.',
  payee_missing:
    'A payee was dropped too early|{payments} payments of {$amount} are open to {payee} on {network}, which neither PAY_TO nor FORMER_PAY_TO names.|Put it into FORMER_PAY_TO, and deploy: a payment lasts an hour at most.',
  backend:
    'A facilitator rejects bound payments|{backend} on {network}: {error}. Other backends settle.|Move it to the end of FACILITATORS, and deploy.',
};

/** Other words for an alert whose `kind`, `reason` or `source` has this value: each part that is not empty. */
export const alertVariants: Readonly<Record<string, string>> = {
  'facilitator_away others':
    '|{backend} has failed on {network} since {@since} ({error}). Other backends settle.|Nothing to do yet. If it lasts, take it out of FACILITATORS, and deploy.',
  'chain_stuck old':
    'The chain makes no blocks|The newest block of {network} is {block}, made at {@made}. Payments wait.|If an explorer shows newer blocks, put another node first in RPC_URLS, and deploy. Otherwise wait for the chain.',
  'webhook_disabled gone': '|The receiver of {webhook} is gone.',
  'reconciliation more': '|{differences} more payments on {network} differ.',
  'reconciliation behind':
    'Ledger and chain are not compared|The node of {network} has returned no transfers for six hours.|Put another node first in RPC_URLS, and deploy.',
  'reconciliation unreadable':
    'Ledger and chain are not compared|The node of {network} does not return block {block}.|Put another node first in RPC_URLS, and deploy.',
  'catalogue_stale file': '|An isolate could not read the tools, and sells by tools.json.',
  'archive missing':
    'The archive lost an object|R2 lacks {object}, or has other bytes. D1 keeps the log that was in it.|Find out who changed the bucket: docs/operations.md, section 3.',
  'archive differs':
    'The archive has two versions of a day|R2 has {object} beside {other}, as after D1 was restored to an earlier time.|Compare both before you remove one: STORAGE.md.',
  'tool_changed gone': '|{host} no longer has the tool {tool}.',
};

/** The parts of the gateway that a person looks at after an alert. */
export type AlertGroup = 'Money' | 'Calls' | 'Settlement' | 'Operation';

/** When each alert is raised (docs/management.md §8), in the order of a page, which alone loads this. */
export const alertTopics: {
  readonly [rule in AlertRule]: { readonly group: AlertGroup; readonly when: string };
} = {
  soft_limit: {
    group: 'Money',
    when: 'An account used most of a limit: 80 %, or the share that its policy sets.',
  },
  debt: { group: 'Money', when: 'The credit of an account fell below zero.' },
  card_charged: { group: 'Money', when: 'The issuer charged a card that no call pays for.' },
  payee_missing: {
    group: 'Money',
    when: 'Payments are open to an address that PAY_TO does not name.',
  },
  reconciliation: { group: 'Money', when: 'Ledger and chain differ about a payment.' },
  approval: { group: 'Calls', when: 'A call waits for the approval of a person.' },
  upstream_failing: {
    group: 'Calls',
    when: 'Most of the newest calls of a tool failed. Sent again when it works.',
  },
  breaker: { group: 'Calls', when: 'An agent repeated one request, and the gateway stopped it.' },
  tool_changed: {
    group: 'Calls',
    when: 'The server of an MCP tool changed or removed it. It is not sold now.',
  },
  secret_returned: {
    group: 'Calls',
    when: 'An upstream answered with a secret, which the gateway removed.',
  },
  absurd_usage: {
    group: 'Calls',
    when: 'A metered tool reported usage that cannot be true. Its call cost nothing.',
  },
  catalogue_stale: {
    group: 'Calls',
    when: 'The gateway could not read its tools and sells their last version.',
  },
  stuck: { group: 'Settlement', when: 'A payment is still open 15 minutes after its call ended.' },
  facilitator_away: {
    group: 'Settlement',
    when: 'A facilitator or relayer does not settle. Sent again when it does.',
  },
  chain_stuck: {
    group: 'Settlement',
    when: 'No node of a network answers, or it makes no blocks. Sent again when that ends.',
  },
  gas: { group: 'Settlement', when: 'A relayer has little left for gas.' },
  backend: { group: 'Settlement', when: 'A facilitator rejects payments that are valid.' },
  dead_letter: { group: 'Settlement', when: 'No consumer could process a message.' },
  queue_late: {
    group: 'Operation',
    when: 'The messages of a queue wait too long. Sent again when that ends.',
  },
  cron_missed: {
    group: 'Operation',
    when: 'The cron trigger, which checks for outages, does not run. Sent again when it does.',
  },
  webhook_disabled: { group: 'Operation', when: 'The gateway stopped sending to a webhook.' },
  database_size: { group: 'Operation', when: 'The database is 70 % or 90 % full.' },
  database_unavailable: { group: 'Operation', when: 'The database accepts no entries.' },
  account_behind: {
    group: 'Operation',
    when: 'The object of an account was restored to an earlier time, or lost.',
  },
  database_behind: { group: 'Operation', when: 'The database lacks entries that the log has.' },
  log_behind: {
    group: 'Operation',
    when: 'No signed checkpoint covers an entry that is ten minutes old.',
  },
  log_forked: { group: 'Operation', when: 'Entries of an account differ from those in the log.' },
  witness: {
    group: 'Operation',
    when: 'A witness has not cosigned the log for an hour, or knows another one.',
  },
  archive: {
    group: 'Operation',
    when: 'The archive does not answer, lacks a file, or has other bytes.',
  },
};
