import { parseAmount, toStored } from '../protocol/amount.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import { type AccountRow, rowAfter } from './account-row.ts';
import { type CreditMovement, creditMovement } from './credit-movement.ts';
import { dayOf } from './day.ts';
import type { Entry } from '../protocol/entry.ts';
import { stateOf } from './projection.ts';

/**
 * An addition to `spend`: an ended call, a later decision about an ended call, or denials under one key. `call` stays because only the
 * call's row in D1 has its asset and payee; the statement looks them up.
 */
export type Spent = {
  /** UTC day of the entry. */
  readonly day: string;
  readonly tool: string;
  /** The ancestors at that moment: an index into `lineages`. */
  readonly lineage: number;
  readonly call?: Hex;
  readonly calls: number;
  readonly charged: number;
  readonly denied: number;
  readonly failed: number;
};

export type RollUp = {
  readonly spent: readonly Spent[];
  /** Each list of ancestors that the account had during these entries. */
  readonly lineages: readonly (readonly AccountId[])[];
  /** The account after them. */
  readonly row: AccountRow;
  readonly movements: readonly CreditMovement[];
};

/**
 * Rolls up entries in the order of the chain, from the row of the account before them: a call counts for the ancestors that the account had
 * when it ended. Pure.
 *
 * @throws RangeError for an amount that is not a safe integer
 */
export const rollUp = (entries: readonly Entry[], before: AccountRow): RollUp => {
  let row = before;
  const lineages = [before.ancestors];
  const denials = new Map<string, Spent>();
  const ends: Spent[] = [];
  for (const entry of entries) {
    const next = rowAfter(row, entry);
    if (next.ancestors !== row.ancestors) lineages.push(next.ancestors);
    row = next;
    const key = { day: dayOf(entry.at), tool: entry.tool ?? '', lineage: lineages.length - 1 };
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
  return { spent: [...ends, ...denials.values()], lineages, row, movements };
};

const NOTHING = { calls: 0, charged: 0, denied: 0, failed: 0 } as const;

/** Each call ends in one entry. An upfront call whose payment cannot settle ends with it; a late answer ends nothing. */
const isEnd = ({ type, decision }: Entry): boolean =>
  type === 'call.finished' ||
  type === 'call.abandoned' ||
  ((type === 'payment.failed' || type === 'payment.released') && decision !== undefined);

const stored = (value: string | undefined): number => toStored(parseAmount(value ?? '0') ?? 0n);
