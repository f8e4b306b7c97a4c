import type { Seconds } from '../core/clock.ts';
import { type Backend, RELAYER } from './backends/backend.ts';
import { isOnChain } from './backends/backend-answer.ts';
import type { ChainView } from './chain/observe-payments.ts';
import type { SettlementTask } from './message.ts';
import type { Claim, Presentations } from './present/presentations.ts';
import { keyOf, type Seen } from './present/task.ts';

/** A node may be some blocks behind those that a facilitator has seen: what is not there after so many, and so long, was never there. */
export const BROKEN_BLOCKS = 10;
const BROKEN_AFTER: Seconds = 30;

/**
 * Tells backends what the chain says meanwhile of payments that they had in hand before: a settlement that was claimed and does
 * not come was none.
 */
export const keepPromises = (
  presentations: Presentations,
  seen: readonly Seen<SettlementTask>[],
  now: Seconds,
): void => {
  for (const { task, view } of seen) {
    const key = keyOf(task);
    const note = presentations.get(key);
    if (note === undefined) continue;
    const { by, claim } = note;
    if (isOnChain(view)) {
      judgeClaim(presentations, key, view, by);
      presentations.delete(key);
      if (by.name !== RELAYER) by.learn('good');
    } else if (claim !== undefined && view.view === 'unused' && isBroken(claim, view, now)) {
      if (claim.by === by) presentations.delete(key);
      else presentations.set(key, { ...note, claim: undefined });
      claim.by.learn('fault', 'false_success');
    }
  }
};

/**
 * A payment moves once: where the chain shows another transaction after `last` was shown it too, the settlement that somebody else
 * had claimed before was none, however soon that is known.
 */
export const judgeClaim = (
  presentations: Presentations,
  key: string,
  view: ChainView,
  last: Backend,
): void => {
  const { claim } = presentations.get(key) ?? {};
  if (claim === undefined || claim.by === last || view.view !== 'settled') return;
  if (claim.transaction.toLowerCase() === view.transaction) return;
  claim.by.learn('fault', 'false_success');
};

const isBroken = (
  { block, at }: Claim,
  { headBlock }: { readonly headBlock: number },
  now: Seconds,
): boolean => headBlock >= block + BROKEN_BLOCKS && now >= at + BROKEN_AFTER;
