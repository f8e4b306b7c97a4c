import type { AssetId } from '../../../src/protocol/account-id.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import { isDurable } from '../../store/decision.ts';
import { applied, done } from '../commands/command-answer.ts';
import { type Context, type Decision, enter } from '../decision.ts';
import { purseOf } from '../purse.ts';
import type { AccountState } from '../state.ts';
import { hashOf } from '../tree/authority-over.ts';
import { raisedNow, raisedOnce } from './recent-alerts.ts';
import { crossings } from './soft-limit.ts';

const MAX_DETAILS = 16;
const MAX_TEXT = 512;

/** An account, and entries of alerts that belong to no call. */
type Alerted = Pick<Decision<unknown>, 'state' | 'entries'>;

/**
 * Adds alerts about what a decision did to the account's money: a limit that is nearly used up, a debt. Only if something is written
 * anyway, and in the same transaction (laws 2 and 12).
 */
export const withAlerts = <Verdict>(
  before: AccountState,
  decision: Decision<Verdict>,
  context: Context,
): Decision<Verdict> => {
  const { state } = decision;
  if (!isDurable(decision) || state.purses === before.purses) return decision;
  let alerted: Alerted = { state, entries: [] };
  for (const asset of Object.keys(state.purses) as AssetId[]) {
    if (state.purses[asset] === before.purses[asset]) continue;
    const crossed = crossings(before, alerted.state, asset, context);
    const { credit } = purseOf(state, asset);
    const owes = credit < 0n && purseOf(before, asset).credit >= 0n;
    if (crossed.alerts.length === 0 && !owes) continue;
    const debt: AlertBody = { rule: 'debt', detail: { asset, debt: (-credit).toString() } };
    const alerts = owes ? [...crossed.alerts, debt] : crossed.alerts;
    alerted = raise({ ...alerted, state: crossed.state }, alerts, context);
  }
  const { entries } = alerted;
  return entries.length === 0
    ? decision
    : { ...decision, state: alerted.state, entries: [...decision.entries, ...entries] };
};

/** Raises an alert about an agent in a loop, which repeats one request of one tool, once in a while for each tool. */
export const raiseBreaker = (
  state: AccountState,
  { tool, request }: Call,
  context: Context,
): Alerted | undefined => {
  const first = raisedOnce(state, `breaker ${tool}`, context.now);
  const alert: AlertBody = { rule: 'breaker', detail: { tool, request } };
  return first && raise({ state: first, entries: [] }, [alert], context);
};

/** Records an alert that was raised outside the account. Idempotent: the same alert within `ALERT_PAUSE` changes nothing. */
export const takeAlert = (
  state: AccountState,
  { alert }: Extract<AccountCommand, { readonly kind: 'alert' }>,
  context: Context,
): Decision<CommandVerdict> => {
  // An account without entries writes no alert (law 12).
  if (state.head.seq === 0) return done(state, false);
  const body = { rule: alert.rule, detail: plain(alert.detail) };
  const first = raisedNow(state, hashOf([body.rule, body.detail]), context.now);
  if (first === undefined) return done(state, false);
  const alerted = raise({ state: first, entries: [] }, [body], context);
  return applied(alerted.state, {}, alerted.entries);
};

/** Appends alerts to the chain. */
const raise = (
  { state, entries }: Alerted,
  alerts: readonly AlertBody[],
  context: Context,
): Alerted => {
  let next = state;
  const added = alerts.map(({ rule, detail }) => {
    const entered = enter(next, context, { type: 'alert.raised', rule, outcome: detail });
    next = entered.state;
    return entered.entry;
  });
  return { state: next, entries: [...entries, ...added] };
};

/**
 * Truncates details to the maximum that an entry can hold. An entry that no reader accepts could never be exported, nor any entry after it
 * (law 11).
 */
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
