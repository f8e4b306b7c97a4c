import { type AlertRule, severityOf } from '../protocol/alert.ts';
import { formatDollars } from '../protocol/amount.ts';
import type { WebhookEvent } from './message.ts';

/** An alert in words. Plain text of one line each; `title` holds no text of others. */
export type AlertText = {
  readonly title: string;
  readonly what: string;
  readonly next: string;
  /** Severity, account, log entry and time. */
  readonly where: string;
};

const MAX_VALUE = 300;

/** Text of others on one line: no control characters, no change of direction (CWE-117). */
const clean = (value: unknown): string =>
  (typeof value === 'string' || typeof value === 'number' ? String(value) : '')
    .replace(/[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ')
    .trim()
    .slice(0, MAX_VALUE);

/**
 * Title, what happened and the next step of each alert. `{name}` is a value of its detail, `{$name}` one in dollars (a gateway accepts
 * dollar tokens of six decimals only), `{@name}` a time; `{who}` and `{account}` are the account.
 */
const RULES: { readonly [rule in AlertRule]: string } = {
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
  card_charged:
    'A card was charged that no call pays for|The issuer charged {$amount} on a card of the tool {tool}: {kind}. No account pays it.|Compare it with the issuer, and dispute it with the merchant: docs/cards.md.',
  database_size:
    'The database is {percent} % full|A full database accepts no more log.|Bind an R2 bucket as AUDIT_ARCHIVE, or lower RETAIN_DAYS: docs/operations.md, section 3.',
  database_unavailable:
    'The database accepted no log|Calls ran and settled. Accounts kept their entries.|Nothing, unless it repeats.',
  log_forked:
    'An account has two histories|{account} sent entries from {seq} on that differ from those in the transparency log. They are not stored in it.|As operator: `countersign settlements letters`. The object of the account was probably restored to an earlier time.',
  database_behind:
    'The database lost entries of the log|D1 lacks entries {from} to {to} of {account}, which the transparency log has: it was restored to an earlier time.|Nothing is lost in R2 or in a backup: docs/operations.md says how to bring them back.',
  log_behind:
    'The transparency log is behind|No signed checkpoint covers entry {seq} of {account}, which D1 has had since {@since}.|Correct LOG_KEY, or read the logs of the Worker: docs/operations.md. Accounts keep what the log lacks.',
  witness:
    'A witness of the log does not cosign|{witness} ({kind}) since {@since}: {reason}. The log goes on without its cosignature.|`away`: check its URL in WITNESSES, or ask its operator. `conflict`: it knows another tree of this log, so compare checkpoints before anything else.',
  archive:
    'The archive does not answer|R2 has failed since {@since}. D1 deletes nothing, and reads of older log fail.|It continues by itself. If it lasts: `npx wrangler r2 bucket list`.',
  payee_missing:
    'A payee was dropped too early|{payments} payments of {$amount} are open to {payee} on {network}, which neither PAY_TO nor FORMER_PAY_TO names.|Put it into FORMER_PAY_TO, and deploy: a payment lasts an hour at most.',
  backend:
    'A facilitator rejects bound payments|{backend} on {network}: {error}. Other backends settle.|Move it to the end of FACILITATORS, and deploy.',
};

/** Other words for an alert whose `kind`, `reason` or `source` has this value: each part that is not empty. */
const VARIANTS: Readonly<Record<string, string>> = {
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

/** Title, what happened and the next step of an alert. `own`: values that its detail lacks. An unknown kind gets the words of its rule. */
export const alertWords = (
  rule: AlertRule | undefined,
  detail: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, string>> = {},
): Omit<AlertText, 'where'> => {
  // One pass: braces in a value stay text.
  const filled = (text: string): string =>
    text.replace(/\{([$@]?)(\w+)\}/g, (_, mark: string, key: string) => {
      const value = clean(detail[key] ?? own[key]);
      if (mark === '@') return timeOf(Number(value));
      return mark === '$' && /^-?[0-9]+$/.test(value) ? formatDollars(BigInt(value)) : value;
    });
  const words = rule === undefined ? TEST : RULES[rule];
  const variant = clean(detail['kind'] ?? detail['reason'] ?? detail['source']);
  const others = (VARIANTS[`${rule ?? ''} ${variant}`] ?? '').split('|');
  const [title = '', what = '', next = ''] = words
    .split('|')
    .map((text, at) => filled(others[at] || text));
  // One text for the end of every outage: what failed, and since when.
  return detail['kind'] === 'ended'
    ? { title: `Over: ${title}`, what: filled(ENDED), next: 'Nothing to do.' }
    : { title, what, next };
};

/** Puts an event into words. `label`: the label of the alert's account, which the account's owner may have chosen. */
export const alertText = (event: WebhookEvent, label?: string): AlertText => {
  const { timestamp, data } = JSON.parse(event.body) as {
    readonly timestamp: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
  const { rule, account = '', seq } = event;
  const detail = (data['detail'] ?? {}) as Readonly<Record<string, unknown>>;
  const address = account.slice(account.lastIndexOf(':') + 1);
  const name = clean(label);
  const own: Readonly<Record<string, string>> = {
    account,
    webhook: clean(data['webhook']),
    who: name === '' ? address : `${name} (${address.slice(0, 6)}…${address.slice(-4)})`,
  };
  const { title, what, next } = alertWords(rule, detail, own);
  const where =
    rule === undefined
      ? timestamp
      : `${severityOf(rule, detail['kind'])}, ${account}, entry ${seq ?? ''}, ${timestamp}`;
  return data['truncated'] === true
    ? { title, what: TRUNCATED, next, where }
    : { title, what, next, where };
};

/** Names what failed. Values that the detail lacks are empty. */
const ENDED = 'It began at {@since}: {network} {backend}{tool}{queue}.';
const TEST = 'Test|The webhook {webhook} works.|Nothing to do.';
const TRUNCATED = 'The details are too long for a message: the log entry has them.';

const timeOf = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return seconds > 0 && !Number.isNaN(date.getTime())
    ? `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
    : 'never';
};
