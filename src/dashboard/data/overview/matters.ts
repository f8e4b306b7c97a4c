import type { ItemOf, Management } from '../../../client/management.ts';
import type { OutageRule } from '../../../protocol/alert.ts';
import { countOf, percentOf } from '../../format/amount.ts';
import { dayOf } from '../../format/time.ts';
import { failingTools } from './failing-tools.ts';
import { type Counted, MANY, type Matter, matterOf, disabledWebhooks } from './matter.ts';
import { listAddress } from '../navigation/filters.ts';
import { readGatewayFacts } from '../gateway/gateway-facts.ts';
import { firstRows } from '../reading/list.ts';
import { lateBefore, STAGES } from '../money/waiting-payments.ts';
import { gatewayNow } from '../gateway/gateway-clock.ts';
import type { Scope } from '../session/scope.ts';
import { readRanking } from '../money/spending.ts';
import { webhooksOf } from '../webhooks/webhooks.ts';

const LATE_MINUTES = STAGES.late.ages[0] / 60;

/** A backend that the gateway presents no payment to now. */
const isAway = ({ state }: ItemOf<'backends'>): boolean => state === 'open';

/** Reads the tools that fail today: one ranking of the roll-up of a day. */
const readFailing = async (
  management: Management,
  scope: Scope,
  signal: AbortSignal,
): Promise<readonly Matter[]> => {
  const today = dayOf(gatewayNow());
  const days = { from: today, to: today };
  const query = { ...days, by: 'tool', order: 'failed' } as const;
  const { rows } = await readRanking(management, scope, query, signal);
  return failingTools(rows).map(({ tool, calls, failed }) => ({
    text: `${countOf(failed)} of ${countOf(calls)} calls of ${tool} failed today (${percentOf(BigInt(failed), BigInt(calls))})`,
    href: listAddress('/calls', { tool, ...days, outcome: 'failed' }),
  }));
};

/** The gateway checks every fifteen minutes, and repeats the alert while the log is behind. */
const LOOKS_SECONDS = 20 * 60;

/** Reads whether the transparency log is behind: its alert is an entry of the gateway's account. */
const readLogLag = async (
  management: Management,
  signal: AbortSignal,
): Promise<readonly Matter[]> => {
  const { account } = await readGatewayFacts();
  const { body } = await management.call('account.entries', {
    params: { account },
    query: {
      ...{ type: 'alert.raised', rule: 'log_behind', limit: 1 },
      from: gatewayNow() - LOOKS_SECONDS,
    },
    signal,
  });
  return body.items.length === 0
    ? []
    : [
        {
          text: 'The log is behind: no signed checkpoint covers an entry that is ten minutes old',
          href: '/audit',
        },
      ];
};

const OUTAGE_PAGES: { readonly [rule in OutageRule]?: string } = {
  upstream_failing: '/tools',
  queue_late: '/settlements',
};

/** Reads what needs a person: few rows of lists that are short while nothing is wrong. */
export const readMatters = async (
  management: Management,
  scope: Scope,
  signal: AbortSignal,
): Promise<readonly Matter[]> => {
  const { role, account } = scope;
  if (role === 'owner') {
    const [waiting, failing, webhooks] = await Promise.all([
      firstRows(management, 'account.approvals', { params: { account } }, MANY, signal),
      readFailing(management, scope, signal),
      webhooksOf(scope).list(management, signal),
    ]);
    return [...approvalsOf(waiting), ...failing, ...disabledWebhooks(webhooks)];
  }
  const frozen = { query: { status: 'frozen' } } as const;
  const late = { query: { state: 'open', to: lateBefore(gatewayNow()) } } as const;
  const [
    outages,
    waiting,
    backends,
    payments,
    letters,
    differences,
    webhooks,
    accounts,
    failing,
    lag,
  ] = await Promise.all([
    management.call('outages', { signal }),
    firstRows(management, 'approvals.list', {}, MANY, signal),
    management.call('backends', { signal }),
    firstRows(management, 'settlements.list', late, MANY, signal),
    firstRows(management, 'deadletters.list', {}, MANY, signal),
    firstRows(management, 'differences.list', {}, MANY, signal),
    webhooksOf(scope).list(management, signal),
    firstRows(management, 'accounts.list', frozen, MANY, signal),
    readFailing(management, scope, signal),
    readLogLag(management, signal),
  ]);
  return [
    ...outages.body.items.map(({ rule, what, next }) => ({
      text: `${what} ${next}`,
      href: OUTAGE_PAGES[rule] ?? '/settings',
    })),
    ...approvalsOf(waiting),
    ...backends.body.items.filter(isAway).map(({ backend, last_error: error }) => ({
      text: `The gateway presents no payments to ${backend}${error === undefined ? '' : ` (${error})`}`,
      href: '/settings',
    })),
    ...matterOf(
      payments,
      `payment has been open for ${LATE_MINUTES} minutes or longer`,
      `payments have been open for ${LATE_MINUTES} minutes or longer`,
      listAddress('/settlements', { stage: 'late' }),
    ),
    ...matterOf(
      letters,
      'message could not be processed',
      'messages could not be processed',
      '/settlements',
    ),
    ...matterOf(
      differences,
      'payment differs between ledger and chain',
      'payments differ between ledger and chain',
      '/settlements',
    ),
    ...failing,
    ...lag,
    ...disabledWebhooks(webhooks),
    ...matterOf(accounts, 'agent is frozen', 'agents are frozen', '/agents'),
  ];
};

const approvalsOf = (waiting: Counted): readonly Matter[] =>
  matterOf(waiting, 'call waits for your approval', 'calls wait for your approval', '/approvals');
