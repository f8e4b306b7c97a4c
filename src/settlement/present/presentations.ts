import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { Backend } from '../backends/backend.ts';
import { isOnChain, type Observation } from '../chain/observation.ts';
import { paymentKey, type SettlementTask, type TaskResult } from './task.ts';

/** A payment that a backend has in hand since the head of the chain was `block`. */
export type Presentation = {
  readonly block: number;
  readonly at: Seconds;
  readonly by: Backend;
  /** The first settlement that a backend claimed and the chain does not show, whichever backend has the payment now. */
  readonly claimed: ClaimedSettlement | undefined;
};

/** A backend claimed that a payment is settled when the head of the chain was `block`. */
export type ClaimedSettlement = Pick<Presentation, 'block' | 'at' | 'by'> & {
  readonly transaction: Hex;
};

/** The payments that backends may be working on, one map per isolate; the oldest are forgotten first. */
export type Presentations = Map<string, Presentation>;

const CAPACITY = 10_000;
const BLOCKS = 2;
/** A chain that makes blocks only on demand (a local one) may not make any: then this time is enough. */
const PATIENCE: Seconds = 30;

/**
 * Whether a payment may be presented (again): two blocks after a backend took it in hand. This only saves gas.
 *
 * Race: another isolate may present the same payment meanwhile. Its single-use nonce makes that safe.
 */
export const mayPresent = (
  presentations: Presentations,
  key: string,
  headBlock: number,
  now: Seconds,
): boolean => {
  const last = presentations.get(key);
  return last === undefined || headBlock >= last.block + BLOCKS || now >= last.at + PATIENCE;
};

/** Notes that a backend took a payment in hand. An earlier claimed settlement is kept. */
export const notePresented = (
  presentations: Presentations,
  key: string,
  presentation: Presentation,
): void => {
  const claimed = presentations.get(key)?.claimed ?? presentation.claimed;
  presentations.delete(key);
  presentations.set(key, { ...presentation, claimed });
  if (presentations.size <= CAPACITY) return;
  for (const oldest of presentations.keys()) {
    presentations.delete(oldest);
    return;
  }
};

/** A node may lag some blocks behind a facilitator's. A settlement that is missing after this many blocks and seconds was false. */
export const FALSE_AFTER_BLOCKS = 10;
const FALSE_AFTER: Seconds = 30;

/** Records in the backends' health what the chain now shows about payments that they had in hand. */
export const checkPresentations = (
  presentations: Presentations,
  results: readonly TaskResult<SettlementTask>[],
  now: Seconds,
): void => {
  for (const { task, observation } of results) {
    const key = paymentKey(task);
    const presentation = presentations.get(key);
    if (presentation === undefined) continue;
    const { by, claimed } = presentation;
    if (isOnChain(observation)) {
      checkClaimed(presentations, key, observation, by);
      presentations.delete(key);
      // A backend that keeps payments has recorded its success when it took this one.
      if (!by.keepsPayments) by.health.record('success');
    } else if (
      claimed !== undefined &&
      observation.kind === 'unused' &&
      isFalse(claimed, observation, now)
    ) {
      if (claimed.by === by) presentations.delete(key);
      else presentations.set(key, { ...presentation, claimed: undefined });
      claimed.by.health.record('fault', 'false_success');
    }
  }
};

/**
 * A payment moves once. If the chain shows a transaction after another backend than the claiming one presented the payment, and it is not
 * the claimed transaction, the claim was false, however early that is.
 */
export const checkClaimed = (
  presentations: Presentations,
  key: string,
  observation: Observation,
  last: Backend,
): void => {
  const { claimed } = presentations.get(key) ?? {};
  if (claimed === undefined || claimed.by === last || observation.kind !== 'settled') return;
  if (claimed.transaction.toLowerCase() === observation.transaction) return;
  claimed.by.health.record('fault', 'false_success');
};

const isFalse = (
  { block, at }: ClaimedSettlement,
  { headBlock }: { readonly headBlock: number },
  now: Seconds,
): boolean => headBlock >= block + FALSE_AFTER_BLOCKS && now >= at + FALSE_AFTER;
