import type { AssetId } from '../../../src/protocol/account-id.ts';
import { link } from '../../../src/audit/entry.ts';
import { type Entry } from '../../../src/protocol/entry.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { hashOf } from '../tree/issued.ts';
import { saidNow, saidOnce } from './recent-alerts.ts';
import { crossings } from './soft-limit.ts';
import { type AccountState, purseOf } from '../state.ts';
import { done } from '../commands/tree-change.ts';
import type { Applied } from '../../../src/protocol/account/applied.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { AlertBody } from '../../../src/protocol/account/alert.ts';

const MAX_DETAILS = 16;
const MAX_TEXT = 512;

/** An account with the entries of alerts that belong to no call. */
type Alerted = { readonly state: AccountState; readonly loose: readonly Entry[] };

/**
 * Looks at what a decision did to the account's money, and adds what its people should hear of: a limit that is nearly used up, a
 * debt. Only where something is written anyway, and in the same transaction (laws 2 and 12).
 */
export const withAlerts = <Verdict>(
  before: AccountState,
  decision: Decision<Verdict>,
  context: Context,
): Decision<Verdict> => {
  const { state, durable } = decision;
  if (!durable || state.purses === before.purses) return decision;
  const assets = Object.keys(state.purses) as AssetId[];
  let alerted: Alerted = { state, loose: [] };
  for (const asset of assets) {
    if (state.purses[asset] === before.purses[asset]) continue;
    const crossed = crossings(before, alerted.state, asset, context);
    const { credit } = purseOf(state, asset);
    const owes = credit < 0n && purseOf(before, asset).credit >= 0n;
    const debt: AlertBody = { rule: 'debt', detail: { asset, debt: (-credit).toString() } };
    const alerts = [...crossed.alerts, ...(owes ? [debt] : [])];
    alerted = raise({ ...alerted, state: crossed.state }, alerts, context);
  }
  const { loose } = alerted;
  return loose.length === 0
    ? decision
    : { ...decision, state: alerted.state, loose: [...decision.loose, ...loose] };
};

/** The same tool with the same request too often: an agent in a loop, which its owner hears of once in a while for each tool. */
export const tripped = (
  state: AccountState,
  { tool, request }: Call,
  context: Context,
): Alerted => {
  const first = saidOnce(state, `breaker ${tool}`, context.now);
  return first === undefined
    ? { state, loose: [] }
    : raise({ state: first, loose: [] }, [{ rule: 'breaker', detail: { tool, request } }], context);
};

/** An alert that was raised outside the account. Idempotent: the same one within `ALERT_PAUSE` changes nothing. */
export const takeAlert = (
  state: AccountState,
  { alert }: Extract<AccountCommand, { readonly kind: 'alert' }>,
  context: Context,
): Decision<Applied> => {
  // A newer Worker may raise what this object does not know.
  if (!RULES.has(alert.rule)) return unchanged(state, { verdict: 'unavailable' });
  // Law 12: where nothing is known of an account, nobody is there to hear of it.
  if (state.head.seq === 0) return done(state, false);
  const body = { rule: alert.rule, detail: plain(alert.detail) };
  const first = saidNow(state, hashOf([body.rule, body.detail]), context.now);
  if (first === undefined) return done(state, false);
  const alerted = raise({ state: first, loose: [] }, [body], context);
  return {
    ...alerted,
    records: [],
    durable: true,
    verdict: done(alerted.state, true).verdict,
  };
};

const RULES: ReadonlySet<string> = new Set([
  'soft_limit',
  'breaker',
  'debt',
  'stuck',
  'dead_letter',
  'webhook_disabled',
  'gas',
  'reconciliation',
  'catalogue_stale',
  'database_size',
  'database_unavailable',
  'backend',
] satisfies AlertBody['rule'][]);

/** Puts alerts at the end of the chain. */
const raise = (
  { state, loose }: Alerted,
  alerts: readonly AlertBody[],
  context: Context,
): Alerted => {
  let { head } = state;
  const entries = alerts.map(({ rule, detail }) => {
    const linked = link(head, state.account, context.salt(), {
      type: 'alert.raised',
      at: context.now,
      rule,
      outcome: detail,
    });
    ({ head } = linked);
    return linked.entry;
  });
  return { state: { ...state, head }, loose: [...loose, ...entries] };
};

/** What an entry can hold. One that does not fit, or is not read, could never leave, nor anything after it (law 11). */
const plain = (detail: AlertBody['detail']): AlertBody['detail'] =>
  Object.fromEntries(
    Object.entries(detail)
      .slice(0, MAX_DETAILS)
      .map(([name, value]) => [
        short(name),
        typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)
          ? value
          : short(String(value)),
      ]),
  );

const short = (text: string): string => text.slice(0, MAX_TEXT).toWellFormed();
