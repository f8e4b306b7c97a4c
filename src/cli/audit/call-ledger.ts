import { entryHash } from '../../audit/entry.ts';
import { type CallUpdate, project } from '../../audit/projection.ts';
import { withoutUndefined } from '../../core/without-undefined.ts';
import type { Hex } from '../../core/hex.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import { type Facts, factsIf } from '../../protocol/log/facts.ts';

/** One call as the log shows it, from acceptance to the end of its payment. Amounts are atomic units. */
export type LedgerCall = {
  readonly kind: 'call';
  /** The entry that accepted the call, parked it, or refused it. */
  readonly entry: Facts<'call.accepted' | 'call.parked' | 'call.refused'>;
  /** The hash of that entry. */
  readonly hash: Hex;
  /** The account at the top of the tree at that time; the account itself without a parent. */
  readonly owner: AccountId;
  readonly outcome: 'running' | 'waiting' | 'committed' | 'released' | 'abandoned' | 'refused';
  readonly endedAt?: number;
  readonly charged: bigint;
  /** The part of the charge that bought credit in a top-up: reports do not count it as a cost. */
  readonly bought: bigint;
  /** The part of the payment that became credit: of a top-up, of a failed or a metered call, of a payment that moved late. */
  readonly credited: bigint;
  readonly refunded: bigint;
  readonly reason?: string;
  readonly status?: number;
  /** Whether the amount of a silent tool waits for an operator. */
  readonly isKept: boolean;
  readonly payment: 'none' | 'open' | 'settled' | 'failed' | 'released';
  readonly transaction?: Hex;
  readonly block?: number;
};

/** Equal denials within ten seconds are one entry. */
export type LedgerDenial = {
  readonly kind: 'denial';
  readonly entry: Facts<'call.denied'>;
  readonly hash: Hex;
  readonly owner: AccountId;
};

/** The events of a call after its end: refunds, and a payment that moved although it was released or written off. */
type Afterwards = {
  readonly refunded: bigint;
  readonly late?: Pick<LedgerCall, 'transaction' | 'block' | 'credited'>;
  readonly hasFailed?: true;
};

/** Collects events after the end of calls, which are rare. This first pass over a log lets the second pass forget ended calls. */
export const createAfterwards = (): {
  readonly see: (entry: Entry) => void;
  readonly of: (call: Hex) => Afterwards;
} => {
  const known = new Map<Hex, Afterwards>();
  const of = (call: Hex): Afterwards => known.get(call) ?? { refunded: 0n };
  return {
    of,
    see: (logged) => {
      const entry = factsIf(logged, 'call.refunded', 'payment.failed', 'payment.settled');
      if (entry?.call === undefined) return;
      if (entry.type === 'call.refunded') {
        known.set(entry.call, { ...of(entry.call), refunded: BigInt(entry.amounts.refunded ?? 0) });
        return;
      }
      if (entry.type === 'payment.failed') {
        known.set(entry.call, { ...of(entry.call), hasFailed: true });
        return;
      }
      const { credited, transaction, block } = entry.payment;
      // A payment that bought nothing is credit in full. What a metered call has not charged is in its own entries.
      const boughtNothing = credited !== undefined && credited === entry.amounts.amount;
      if (!boughtNothing && of(entry.call).hasFailed === undefined) return;
      const late = { credited: BigInt(credited ?? 0), ...transactionOf({ transaction, block }) };
      known.set(entry.call, { ...of(entry.call), late });
    },
  };
};

/** A call that may get further entries. `entries`: `begin`, and the entries after it. */
type Running = Pick<LedgerCall, 'owner'> & {
  readonly begin: LedgerCall['entry'];
  readonly entries: readonly Entry[];
};

/**
 * Folds the log of one account into calls and denials, in the order in which they ended; calls that have not ended come last. Keeps only
 * unfinished calls in memory. Reads the facts of a call from its entries as the audit consumer does (`project`).
 */
export const createCallLedger = (
  account: AccountId,
  afterwards: (call: Hex) => Afterwards,
): {
  readonly see: (entry: Entry) => readonly (LedgerCall | LedgerDenial)[];
  readonly end: () => readonly LedgerCall[];
} => {
  const open = new Map<Hex, Running>();
  let owner = account;
  const finished = (call: Hex, one: LedgerCall): LedgerCall => {
    const { refunded, late } = afterwards(call);
    return { ...one, refunded, ...(late === undefined ? {} : { ...late, payment: 'settled' }) };
  };
  return {
    see: (logged) => {
      owner = factsIf(logged, 'grant.taken')?.outcome.above?.findLast(isAccount) ?? owner;
      const denial = factsIf(logged, 'call.denied');
      if (denial !== undefined)
        return [{ kind: 'denial', entry: denial, hash: entryHash(logged), owner }];
      const { call } = logged;
      if (call === undefined) return [];
      const known = open.get(call);
      const begin = factsIf(logged, 'call.accepted', 'call.parked', 'call.refused');
      const next =
        begin === undefined || (begin.type === 'call.refused' && known !== undefined)
          ? known && { ...known, entries: [...known.entries, logged] }
          : { begin, owner, entries: [logged] };
      if (next === undefined) return [];
      const line = lineOf(next);
      const isOver = line.endedAt !== undefined && !line.isKept && line.payment !== 'open';
      if (isOver) open.delete(call);
      else open.set(call, next);
      return isOver ? [finished(call, line)] : [];
    },
    end: () => [...open].map(([call, one]) => finished(call, lineOf(one))),
  };
};

const isAccount = (text: string): text is AccountId => parseAccountId(text) !== undefined;

const lineOf = ({ begin, owner, entries }: Running): LedgerCall => {
  const [row] = project(entries);
  const refusal = entries.map((entry) => factsIf(entry, 'call.refused')).find((each) => each);
  const payment = row?.payment?.state === 'open' ? undefined : row?.payment;
  const charged = BigInt(row?.charged ?? 0);
  const reason = refusal?.outcome.reason ?? row?.reason;
  return {
    kind: 'call',
    ...{ entry: begin, hash: entryHash(entries[0] as Entry), owner, charged, refunded: 0n },
    outcome: refusal === undefined ? stateOf(row?.state) : 'refused',
    // A decision about a kept amount changes what counted before, and buys nothing.
    bought: row?.spent === undefined || row.kept !== undefined ? 0n : charged - BigInt(row.spent),
    credited: BigInt(payment?.credited ?? 0),
    isKept: row?.kept === 'held',
    payment: row?.payment?.state ?? 'none',
    ...withoutUndefined({ endedAt: row?.endedAt, reason }),
    ...(row?.status === undefined || row.status === 0 ? {} : { status: row.status }),
    ...transactionOf(payment ?? {}),
  };
};

/** A call that waits for a person has no row. */
const stateOf = (state: CallUpdate['state']): LedgerCall['outcome'] =>
  state === undefined ? 'waiting' : state === 'held' ? 'running' : state;

const transactionOf = ({
  transaction,
  block,
}: {
  readonly transaction?: string | undefined;
  readonly block?: number | undefined;
}): Pick<LedgerCall, 'transaction' | 'block'> =>
  withoutUndefined({ transaction: transaction as Hex | undefined, block });
