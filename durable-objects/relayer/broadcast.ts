import type { Seconds } from '../../src/core/clock.ts';
import { min } from '../../src/protocol/amount.ts';
import {
  feeLimit,
  type Fees,
  type Market,
  replacementFees,
} from '../../src/settlement/relayer/fees.ts';
import type { Facts } from '../../src/settlement/relayer/node.ts';
import { isNear } from '../../src/settlement/relayer/pending.ts';
import { readUnsigned } from '../../src/settlement/relayer/transaction.ts';
import { put } from '../store/noun.ts';
import type { RelayerContext } from './context.ts';
import { FLIGHT, type FlightRecord, newest } from './flight.ts';
import { pendingIn, fail, flightsOf, type LiveFlight } from './memory.ts';

const KNOWN = /already known|already imported|known transaction|already exists/i;

/** Kinds of a node's error messages. The text itself never gets into logs. */
const REJECTIONS: readonly (readonly [pattern: RegExp, kind: string])[] = [
  [/nonce too low|lower than the current nonce/i, 'nonce_too_low'],
  [/underpriced|less than block base fee|fee cap/i, 'underpriced'],
  [/insufficient funds/i, 'insufficient_gas'],
  [/gas limit/i, 'gas_limit'],
];

/**
 * Broadcasts the stored bytes of a transaction. The node's answer is only a hint: a transaction that it rejects may have been accepted
 * before, or by another node. Only the chain shows its outcome.
 */
export const broadcast = async (context: RelayerContext, flight: LiveFlight): Promise<void> => {
  const now = context.now();
  flight.sentAt = now;
  const rejection = await context.node.send(flight.record.raw);
  if (rejection === undefined || KNOWN.test(rejection)) return;
  const kind = REJECTIONS.find(([pattern]) => pattern.test(rejection))?.[1] ?? 'refused';
  fail(context.memory, `send: ${kind}`, now);
};

/** A transaction is stuck after this many blocks, or after this time and at least one block. */
const STUCK_BLOCKS = 3;
const STUCK: Seconds = 30;
/** How often the same bytes are broadcast again: a node may have dropped them. */
const AGAIN: Seconds = 8;
/** Replacements of one transaction, each an eighth dearer. Afterwards it is only broadcast again, unless its fee is below the base fee. */
const MAX_ATTEMPTS = 20;

/** Broadcasts again, in order of nonces, the transactions that are not in a block, and replaces stuck ones with higher fees. */
export const rebroadcast = async (context: RelayerContext, facts: Facts): Promise<void> => {
  for (const flight of flightsOf(context.memory)) {
    if (flight.record.nonce < facts.count) continue;
    const fees = isStuck(flight, facts, context.now())
      ? higherFees(context, flight, facts)
      : undefined;
    if (fees !== undefined && (await replace(context, flight, facts, fees))) continue;
    if (flight.sentAt === undefined || context.now() - flight.sentAt >= AGAIN) {
      await broadcast(context, flight);
    }
  }
};

const isTooCheap = ({ record }: LiveFlight, { baseFee, tip }: Market): boolean =>
  newest(record).maxFeePerGas < baseFee + tip;

const isStuck = (flight: LiveFlight, { head, market, count }: Facts, now: Seconds): boolean => {
  const { block, at } = newest(flight.record);
  const blocks = head.number - block;
  const late = blocks >= STUCK_BLOCKS || (blocks >= 1 && now - at >= STUCK);
  // A transaction behind a stuck one waits for it, unless its own fee is too low as well.
  return late && (flight.record.nonce === count || isTooCheap(flight, market));
};

const higherFees = (
  { setup, memory, now }: RelayerContext,
  flight: LiveFlight,
  { market, balance }: Facts,
): Fees | undefined => {
  const { attempts, nonce } = flight.record;
  if (attempts.length >= MAX_ATTEMPTS && !isTooCheap(flight, market)) return undefined;
  // No higher nonce can be mined before this one, so a deadline in a later transaction counts for this one.
  const near = flightsOf(memory)
    .filter(({ record }) => record.nonce >= nonce)
    .some((one) => pendingIn(memory, one).some((payment) => isNear(payment, now())));
  const limit = feeLimit(setup.maxFeePerGas, near ? 'near' : 'far');
  // No node accepts a transaction that the balance does not cover, and only the newest attempt is broadcast.
  return replacementFees(newest(flight.record), market, min(limit, balance / flight.gas));
};

/** Signs the same calls for the same nonce with higher fees: whichever transaction is mined moves the same payments. */
const replace = async (
  { setup, memory, disk, now, ...rest }: RelayerContext,
  flight: LiveFlight,
  facts: Facts,
  fees: Fees,
): Promise<boolean> => {
  const signed = await setup.sign({ ...readUnsigned(flight.record.raw), ...fees });
  if (!signed.ok) {
    fail(memory, signed.error, now());
    return false;
  }
  const { hash, raw } = signed.value;
  const attempt = { ...fees, hash, at: now(), block: facts.head.number };
  const record: FlightRecord = {
    ...flight.record,
    attempts: [...flight.record.attempts, attempt],
    raw,
  };
  disk.write([put(FLIGHT, record)]);
  flight.record = record;
  await broadcast({ setup, memory, disk, now, ...rest }, flight);
  return true;
};
