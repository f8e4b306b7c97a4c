import type { AlertRule } from '../protocol/alert.ts';
import { formatDollars } from '../protocol/amount.ts';
import type { WebhookEvent } from './message.ts';

/** An alert in words. Plain text of one line each; `title` holds no text of others. */
export type AlertText = {
  readonly title: string;
  readonly what: string;
  readonly next: string;
  /** Account, log entry and time. */
  readonly where: string;
};

const MAX_VALUE = 300;

/** Text of others on one line: no control characters, no change of direction (CWE-117). */
const clean = (value: unknown): string =>
  (typeof value === 'string' || typeof value === 'number' ? String(value) : '')
    .replace(/[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ')
    .trim()
    .slice(0, MAX_VALUE);

type Facts = {
  /** The label with a short address, or the account. */
  readonly who: string;
  readonly account: string;
  readonly of: (name: string) => string;
  /** An amount in dollars: a gateway accepts dollar tokens of six decimals only. */
  readonly usd: (name: string) => string;
  readonly time: (name: string) => string;
};

type Words = readonly [title: string, what: string, next: string];

const RULES: { readonly [rule in AlertRule]: (facts: Facts) => Words } = {
  soft_limit: ({ who, account, of, usd, time }) => [
    `${of('percent')} % of a limit is used`,
    `${who} has used ${usd('used')} of ${usd('max')} (${of('limit')}).${
      of('resetsAt') === '' ? '' : ` It resets at ${time('resetsAt')} UTC.`
    }`,
    `The gateway denies calls beyond the limit. \`countersign policy set ${account}\` raises it.`,
  ],
  breaker: ({ who, account, of }) => [
    'A loop was stopped',
    `${who} repeats one request to the tool ${of('tool')}, and its policy denies more of them.`,
    `See what the agent does: \`countersign tail ${account}\`.`,
  ],
  debt: ({ who, account, usd }) => [
    'An account owes money',
    `A payment of ${who} failed after its call. It owes ${usd('debt')}, and the gateway denies its calls.`,
    `A top-up clears the debt: \`countersign credits top-up '${usd('debt')}' --to ${account}\`.`,
  ],
  stuck: ({ who, account, of, usd, time }) => [
    'A payment does not settle',
    `${usd('amount')} of ${who} for the tool ${of('tool')} is open since ${time('since')} UTC. The gateway goes on trying.`,
    `As operator: \`countersign settlements show ${account} ${of('call')}\`.`,
  ],
  dead_letter: ({ of }) => [
    'A message could not be processed',
    `The queue ${of('queue')} has a dead letter: ${of('reason')}.`,
    `When the cause is gone, as operator: \`countersign settlements resend ${of('letter')}\`.`,
  ],
  webhook_disabled: ({ of }) => [
    'A webhook is disabled',
    `The gateway stopped sending to the webhook ${of('webhook')}: ${
      of('reason') === 'gone'
        ? 'its receiver is gone'
        : `${of('failures')} messages in a row failed`
    }.`,
    `Correct the receiver, then write the webhook again: \`countersign webhooks add ${of('webhook')}\`.`,
  ],
  gas: ({ of }) => [
    'The relayer has little gas left',
    `The key ${of('address')} on ${of('network')} pays for about ${of('covers')} more payments.`,
    `Send ether to ${of('address')}. No restart is needed.`,
  ],
  reconciliation: ({ of, usd }) => {
    const on = `on ${of('network')}`;
    const kind = of('kind');
    const unread: Words = [
      'Ledger and chain were not compared',
      `The node ${on} ${
        kind === 'behind'
          ? 'has returned no transfers for six hours'
          : `does not return block ${of('block')}`
      }.`,
      'Put another node first in RPC_URLS, and deploy.',
    ];
    if (kind === 'behind' || kind === 'unreadable') return unread;
    return [
      'Ledger and chain differ',
      kind === 'more'
        ? `${of('differences')} more payments ${on} differ.`
        : `A payment ${on} differs (${kind}): ${usd('chain')} on the chain, ${usd('ledger')} in the ledger.`,
      'As operator: `countersign settlements reconcile`.',
    ];
  },
  catalogue_stale: ({ of }) => [
    'The tools may be out of date',
    `An isolate could not read the tools. It sells by ${
      of('source') === 'file' ? 'the deployed tools.json' : 'the last version it read'
    }.`,
    'It passes by itself. Put changed tools into tools.json with the next deploy.',
  ],
  tool_changed: ({ of }) => [
    'A remote tool changed',
    `${of('host')} ${of('kind') === 'gone' ? 'no longer has' : 'changed'} the tool ${of('tool')}. The gateway does not sell it.`,
    'See the change with `countersign tools check-mcp`; accept it with `--accept`.',
  ],
  secret_returned: ({ of }) => [
    'An upstream returned a credential',
    `${of('host')} put the secret ${of('secret')} into an answer of the tool ${of('tool')}. The gateway removed it.`,
    `Read what the tool answers. If you do not trust it: \`countersign secret rotate ${of('secret')}\`.`,
  ],
  database_size: ({ of }) => [
    `The database is ${of('percent')} % full`,
    `D1 holds at most ${of('max')} bytes, and a full database accepts no more log.`,
    'Archive chunks that D1 no longer needs: docs/operations.md, section 3.',
  ],
  database_unavailable: () => [
    'The database accepted no log',
    'Calls ran and settled, and accounts kept their entries until D1 answered.',
    'Nothing, unless it happens again: then read the logs of the Worker.',
  ],
  payee_missing: ({ of, usd }) => [
    'A payee was dropped too early',
    `${of('payments')} payments of ${usd('amount')} are open to ${of('payee')} on ${of('network')}, which neither PAY_TO nor FORMER_PAY_TO names.`,
    'Put it into FORMER_PAY_TO, and deploy: a payment lasts an hour at most.',
  ],
  backend: ({ of }) => [
    'A facilitator rejects bound payments',
    `${of('backend')} on ${of('network')} answers ${of('error')}. Other backends settle.`,
    'Move it to the end of FACILITATORS, or remove it, and deploy.',
  ],
};

/** Puts an event into words. `label`: of the alert's account; whoever holds the account chose it. */
export const alertText = (event: WebhookEvent, label?: string): AlertText => {
  const { timestamp, data } = JSON.parse(event.body) as {
    readonly timestamp: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
  const { rule, account = '', seq } = event;
  const detail = (data['detail'] ?? {}) as Readonly<Record<string, unknown>>;
  const of = (name: string): string => clean(detail[name]);
  const address = account.slice(account.lastIndexOf(':') + 1);
  const name = clean(label);
  const facts: Facts = {
    who: name === '' ? address : `${name} (${address.slice(0, 6)}…${address.slice(-4)})`,
    account,
    of,
    usd: (key) => (/^-?[0-9]{1,78}$/.test(of(key)) ? formatDollars(BigInt(of(key))) : of(key)),
    time: (key) => {
      const date = new Date(Number(of(key)) * 1000);
      return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 16).replace('T', ' ');
    },
  };
  const [title, what, next]: Words =
    rule === undefined
      ? ['Test', `The webhook ${clean(data['webhook'])} works.`, 'Nothing to do.']
      : RULES[rule](facts);
  const where = rule === undefined ? timestamp : `${account}, entry ${seq ?? ''}, ${timestamp}`;
  return data['truncated'] === true
    ? {
        title,
        what: 'The details are too long for a message: the log entry has them.',
        next,
        where,
      }
    : { title, what, next, where };
};
