import { min } from '../../src/protocol/amount.ts';
import type { Seconds } from '../../src/core/clock.ts';
import {
  feeLimit,
  type Fees,
  type Market,
  replacementFees,
} from '../../src/settlement/relayer/fees.ts';
import type { Facts } from '../../src/settlement/relayer/node.ts';
import { isNear } from '../../src/settlement/relayer/pending.ts';
import { readUnsigned } from '../../src/settlement/relayer/transaction.ts';
import { broadcast } from './broadcast.ts';
import type { Desk } from './desk.ts';
import { aboard, fail, flightsOf, type LiveFlight } from './memory.ts';
import { type FlightRecord, newest } from './record.ts';

/** Not mined in so many blocks, or in so long a time and one block at least: the chain goes on without it. */
const STUCK_BLOCKS = 3;
const STUCK: Seconds = 30;
/** A node may have forgotten it: the same bytes again cost nothing. */
const AGAIN: Seconds = 8;
/** Fees rise by an eighth each time; after so many it is broadcast only, unless what it offers is less than a block asks. */
const MOST_ATTEMPTS = 20;

/** Broadcasts again, in the order of nonces, what is not in a block, and offers more for what is stuck. */
export const keepUp = async (desk: Desk, facts: Facts): Promise<void> => {
  for (const flight of flightsOf(desk.memory)) {
    if (flight.record.nonce < facts.count) continue;
    const fees = isStuck(flight, facts, desk.now()) ? higherFees(desk, flight, facts) : undefined;
    if (fees !== undefined && (await replace(desk, flight, facts, fees))) continue;
    if (flight.sentAt === undefined || desk.now() - flight.sentAt >= AGAIN) {
      await broadcast(desk, flight);
    }
  }
};

const isTooCheap = ({ record }: LiveFlight, { baseFee, tip }: Market): boolean =>
  newest(record).maxFeePerGas < baseFee + tip;

const isStuck = (flight: LiveFlight, { head, market, count }: Facts, now: Seconds): boolean => {
  const { block, at } = newest(flight.record);
  const blocks = head.number - block;
  const late = blocks >= STUCK_BLOCKS || (blocks >= 1 && now - at >= STUCK);
  // Behind one that is stuck itself, a transaction waits for that one, unless it is too cheap as well.
  return late && (flight.record.nonce === count || isTooCheap(flight, market));
};

const higherFees = (
  { setup, memory, now }: Desk,
  flight: LiveFlight,
  { market, balance }: Facts,
): Fees | undefined => {
  const { attempts, nonce } = flight.record;
  if (attempts.length >= MOST_ATTEMPTS && !isTooCheap(flight, market)) return undefined;
  // Nothing of a higher nonce is mined before this one: a deadline aboard any of those is a deadline of this one.
  const near = flightsOf(memory)
    .filter(({ record }) => record.nonce >= nonce)
    .some((one) => aboard(memory, one).some((payment) => isNear(payment, now())));
  const limit = feeLimit(setup.maxFeePerGas, near ? 'near' : 'far');
  // What the balance does not cover no node takes, and only the newest attempt is broadcast.
  return replacementFees(newest(flight.record), market, min(limit, balance / flight.gas));
};

/** The same calls for the same nonce, so that whichever is mined moves the same payments. */
const replace = async (
  { setup, memory, store, now, ...rest }: Desk,
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
  store.write({ flight: record });
  flight.record = record;
  await broadcast({ setup, memory, store, now, ...rest }, flight);
  return true;
};
