import type { AccountId } from '../../protocol/account-id.ts';
import type { Appended, StoredRun } from '../../protocol/audit-log-contract.ts';
import { GENESIS } from '../entry.ts';
import { type Leaf, leafOf } from './leaf.ts';

type LogHead = Leaf['last'];

/**
 * Turns runs of entries into leaves, in the order in which they arrive. Pure.
 *
 * Queues deliver twice and out of order: entries that the log has are skipped, and entries after a missing part wait. The leaves of an
 * account begin with its first entry, and each continues the one before, so no entry is missing, and the log never has two histories of one
 * account.
 *
 * @param headOf the last entry of an account that the log has.
 */
export const sequence = (
  runs: readonly StoredRun[],
  headOf: (account: AccountId) => LogHead | undefined,
): { readonly leaves: readonly Leaf[]; readonly verdicts: readonly Appended[] } => {
  const leaves: Leaf[] = [];
  const heads = new Map<AccountId, LogHead>();
  const verdicts = runs.map((run): Appended => {
    const head = heads.get(run.account) ?? headOf(run.account) ?? GENESIS;
    const placed = place(run, head);
    if (placed.verdict !== 'new') return placed;
    leaves.push(placed.leaf);
    heads.set(run.account, placed.leaf.last);
    return { verdict: 'appended' };
  });
  return { leaves, verdicts };
};

type Placed = Appended | { readonly verdict: 'new'; readonly leaf: Leaf };

/** The leaf of the new entries of a run; undefined if there are none. */
const place = ({ account, first, prev, hashes }: StoredRun, head: LogHead): Placed => {
  const known = head.seq - first + 1;
  if (known < 0) return { verdict: 'gap', expected: head.seq + 1 };
  // A run that ends before the head: its last hash was compared when the entries after it were appended.
  if (known > hashes.length) return { verdict: 'appended' };
  const before = known === 0 ? prev : hashes[known - 1];
  if (before !== head.hash) return { verdict: 'forked' };
  const [next, ...others] = hashes.slice(known);
  if (next === undefined) return { verdict: 'appended' };
  const from = { seq: first + known, prev: head.hash };
  return { verdict: 'new', leaf: leafOf(account, from, [next, ...others]) };
};
