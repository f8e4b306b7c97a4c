import type { Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Backend } from '../backends/backend.ts';

/** A payment is in the hands of a backend since the head of the chain was `block`. */
export type Presentation = {
  readonly block: number;
  readonly at: Seconds;
  readonly by: Backend;
  /** The first settlement that was claimed and has not come, whoever has the payment now. */
  readonly claim: Claim | undefined;
};

/** A backend said that a payment is settled when the head of the chain was `block`. */
export type Claim = {
  readonly block: number;
  readonly at: Seconds;
  readonly by: Backend;
  readonly transaction: Hex;
};

/** Which payments a backend may be working on; one an isolate, the oldest forgotten first. */
export type Presentations = Map<string, Presentation>;

const CAPACITY = 10_000;
const BLOCKS = 2;
/** A chain that makes blocks only when needed (a local one) may stand still: then this long is enough. */
const PATIENCE: Seconds = 30;

/**
 * Whether a payment may be presented (again): two blocks after a backend has taken it (design §6). Only a saving of gas:
 * another isolate may present the same payment meanwhile, and its single-use nonce makes that safe.
 */
export const mayPresent = (
  presentations: Presentations,
  key: string,
  headBlock: number,
  now: Seconds,
): boolean => {
  const last = presentations.get(key);
  return last === undefined || hasPassed(last, headBlock) || now >= last.at + PATIENCE;
};

const hasPassed = ({ block }: Presentation, headBlock: number): boolean =>
  headBlock >= block + BLOCKS;

/** Notes that a backend has taken a payment. What was claimed of it before is not forgotten. */
export const notePresented = (
  presentations: Presentations,
  key: string,
  presentation: Presentation,
): void => {
  const claim = presentations.get(key)?.claim ?? presentation.claim;
  presentations.delete(key);
  presentations.set(key, { ...presentation, claim });
  if (presentations.size <= CAPACITY) return;
  for (const oldest of presentations.keys()) {
    presentations.delete(oldest);
    return;
  }
};
