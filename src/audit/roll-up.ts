import { parseAmount, toStored } from '../protocol/amount.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import { type AccountRow, rowAfter } from './account-row.ts';
import { type CreditMovement, creditMovement } from './credit-movement.ts';
import { dayOf } from './day.ts';
import type { Entry } from '../protocol/entry.ts';
import { stateOf } from './projection.ts';

/**
 * What some entries add to `spend`: calls that have ended, what was decided of them later, or denials, under one key. Asset and payee of a call that was accepted in an
 * earlier chunk stand in its row alone, so `call` stays, and SQL looks them up in the transaction that adds.
 */
export type Spent = {
  /** UTC day of the entry. */
  readonly day: string;
  readonly tool: string;
  /** Who was above at that moment: an index into `aboves`. */
  readonly above: number;
  readonly call?: Hex;
  readonly calls: number;
  readonly charged: number;
  readonly denied: number;
  readonly failed: number;
};

export type RollUp = {
  readonly spent: readonly Spent[];
  /** Each list of accounts above that held in these entries. */
  readonly aboves: readonly (readonly AccountId[])[];
  /** The account after them. */
  readonly row: AccountRow;
  /** What its credit did, besides paying for its calls. */
  readonly movements: readonly CreditMovement[];
};

/**
 * Walks a run of entries in the order of the chain, from the account as it was before: a grant that is taken between two calls puts the
 * second one, and not the first, below somebody. Pure. @throws RangeError for an amount storage would round
 */
export const rollUp = (entries: readonly Entry[], before: AccountRow): RollUp => {
  let row = before;
  const aboves = [before.above];
  const denials = new Map<string, Spent>();
  const ends: Spent[] = [];
  for (const entry of entries) {
    const next = rowAfter(row, entry);
    if (next.above !== row.above) aboves.push(next.above);
    row = next;
    const key = { day: dayOf(entry.at), tool: entry.tool ?? '', above: aboves.length - 1 };
    if (entry.type === 'call.denied') {
      const name = JSON.stringify(key);
      const denied = (denials.get(name)?.denied ?? 0) + (entry.count ?? 1);
      denials.set(name, { ...key, calls: 0, charged: 0, failed: 0, denied });
    } else if (entry.call !== undefined && isEnd(entry)) {
      const { amounts, call } = entry;
      const charged = stored(amounts?.charged) - stored(amounts?.credited);
      ends.push({
        ...key,
        call,
        calls: 1,
        charged,
        failed: stateOf(entry) === 'committed' ? 0 : 1,
        denied: 0,
      });
    } else if (entry.call !== undefined && entry.type === 'call.resolved') {
      const charged = stored(entry.amounts?.charged) - stored(entry.amounts?.before);
      if (charged !== 0) ends.push({ ...key, call: entry.call, ...NOTHING, charged });
    }
  }
  const movements = entries.flatMap((entry) => creditMovement(entry) ?? []);
  return { spent: [...ends, ...denials.values()], aboves, row, movements };
};

const NOTHING = { calls: 0, charged: 0, denied: 0, failed: 0 } as const;

/** Each call ends in one entry. One that settles first and whose money cannot move ends with its payment; a late answer ends nothing. */
const isEnd = ({ type, decision }: Entry): boolean =>
  type === 'call.finished' ||
  type === 'call.abandoned' ||
  ((type === 'payment.failed' || type === 'payment.released') && decision !== undefined);

const stored = (value: string | undefined): number => toStored(parseAmount(value ?? '0') ?? 0n);
