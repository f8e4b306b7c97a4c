import type { Desk } from './desk.ts';
import { fail, type LiveFlight } from './memory.ts';

const KNOWN = /already known|already imported|known transaction|already exists/i;

/** What a node says against a transaction, told apart without repeating its words. */
const REFUSALS: readonly (readonly [pattern: RegExp, kind: string])[] = [
  [/nonce too low|lower than the current nonce/i, 'nonce_too_low'],
  [/underpriced|less than block base fee|fee cap/i, 'underpriced'],
  [/insufficient funds/i, 'insufficient_gas'],
  [/gas limit/i, 'gas_limit'],
];

/**
 * Broadcasts the stored bytes. What the node says is a hint: a transaction it refuses may have been taken by it before, or by
 * another one. What became of it is seen on the chain.
 */
export const broadcast = async (desk: Desk, flight: LiveFlight): Promise<void> => {
  const now = desk.now();
  flight.sentAt = now;
  const refusal = await desk.node.send(flight.record.raw);
  if (refusal === undefined || KNOWN.test(refusal)) return;
  const kind = REFUSALS.find(([pattern]) => pattern.test(refusal))?.[1] ?? 'refused';
  fail(desk.memory, `send: ${kind}`, now);
};
