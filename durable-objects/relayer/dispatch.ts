import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { ContractCall } from '../../src/settlement/relayer/calldata.ts';
import { chooseBatch, chooseSuspects } from '../../src/settlement/relayer/choose.ts';
import {
  feeLimit,
  type Fees,
  feesFor,
  FILLER_GAS,
  gasFor,
  paymentsIn,
} from '../../src/settlement/relayer/fees.ts';
import type { Facts } from '../../src/settlement/relayer/node.ts';
import { isNear, type Pending } from '../../src/settlement/relayer/pending.ts';
import { broadcast } from './broadcast.ts';
import type { Desk } from './desk.ts';
import {
  aboard,
  fail,
  flightsOf,
  isSuspect,
  type Memory,
  openFlight,
  reservedOf,
  waitingOf,
} from './memory.ts';
import { nextNonce } from './nonce.ts';
import { tryPayments } from './trial.ts';

/** Transactions that are not in a block yet, at most: on a chain that stands still, nonces must not pile up. */
const MOST_FLIGHTS = 4;
/** Of those, for payments that may fail; and, while such wait, for the others. */
const MOST_SUSPECT = 2;
const MOST_SHARED = 3;

/** Trials in a round of which nothing came: what else waits is tried in the next one, after a look at what flies. */
const MOST_VAIN = 8;

/** Sends transactions as long as payments have to leave, and there is room, gas and a nonce for them. */
export const dispatch = async (desk: Desk, facts: Facts): Promise<void> => {
  const { setup, memory } = desk;
  for (let vain = 0; vain < MOST_VAIN;) {
    const now = desk.now();
    const nonce = nextNonce(memory, facts, now);
    if (nonce === undefined) return;
    const far = feesFor(facts.market, feeLimit(setup.maxFeePerGas, 'far'));
    const fees = far ?? feesFor(facts.market, feeLimit(setup.maxFeePerGas, 'near'));
    if (fees === undefined) {
      if (waitingOf(memory, now).length > 0) fail(memory, 'gas_too_dear', now);
      return;
    }
    if (flightsOf(memory).some(({ record }) => record.nonce > nonce)) {
      // Whatever holds a higher nonce cannot be mined while nobody holds this one (a re-organisation deeper than `CONFIRMATIONS`).
      const filler = { to: setup.address, data: '0x' as Hex };
      if (!(await depart(desk, facts, { nonce, keys: [], call: filler, gas: FILLER_GAS, fees })))
        return;
      continue;
    }
    const waiting = waitingOf(memory, now);
    // Dear gas is for those alone that would be lost without it.
    const ready = far ? waiting : waiting.filter((one) => isNear(one, now));
    if (waiting.length > 0 && ready.length === 0) fail(memory, 'gas_too_dear', now);
    const chosen = choose(desk, ready, now);
    const affordable = chosen.slice(0, affords(facts, memory, fees));
    if (chosen.length > 0 && affordable.length === 0) fail(memory, 'insufficient_gas', now);
    if (affordable.length === 0) return;
    const tried = await tryPayments(desk, affordable);
    if (tried.kind === 'unknown') return;
    if (tried.kind === 'none') {
      vain += 1;
      continue;
    }
    const { call, gas, good } = tried;
    const keys = good.map(({ key }) => key);
    if (!(await depart(desk, facts, { nonce, keys, call, gas, fees }))) return;
  }
};

const choose = (
  { setup, memory }: Desk,
  waiting: readonly Pending[],
  now: Seconds,
): readonly Pending[] => {
  const unmined = flightsOf(memory).filter(({ block }) => block === undefined);
  const risky = unmined.filter((one) => aboard(memory, one).some((of) => isSuspect(memory, of)));
  // One at a time of each payer that may fail, so that none has that lane to itself.
  const flying = new Set(
    risky.flatMap((one) => aboard(memory, one).map(({ authorization }) => authorization.from)),
  );
  const suspects = waiting.filter(
    (one) => isSuspect(memory, one) && !flying.has(one.authorization.from),
  );
  if (unmined.length >= MOST_FLIGHTS) return [];
  if (unmined.length - risky.length < (suspects.length > 0 ? MOST_SHARED : MOST_FLIGHTS)) {
    const clean = waiting.filter((one) => !isSuspect(memory, one));
    const chosen = chooseBatch(clean, setup, now);
    if (chosen.length > 0) return chosen;
  }
  if (risky.length >= MOST_SUSPECT) return [];
  const alone = suspects.map((one) =>
    memory.contracts.has(one.authorization.from)
      ? { ...one, strikes: Math.max(2, one.strikes) }
      : one,
  );
  return chooseSuspects(alone, setup).flatMap(({ key }) => memory.pending.get(key) ?? []);
};

/** How many payments the balance pays for in one transaction, at the worst, and a block has room for. */
const affords = ({ balance, blockGas }: Facts, memory: Memory, { maxFeePerGas }: Fees): number => {
  const gas = (balance - reservedOf(memory)) / (maxFeePerGas > 0n ? maxFeePerGas : 1n);
  const each = gasFor(2, 'key') - gasFor(1, 'key');
  if (gas < gasFor(1, 'contract')) return 0;
  return Math.min(Number((gas - gasFor(0, 'key')) / each), paymentsIn(blockGas));
};

type Departure = {
  readonly nonce: number;
  readonly keys: readonly string[];
  readonly call: ContractCall;
  readonly gas: bigint;
  readonly fees: Fees;
};

/** Signs, stores, then broadcasts. @returns whether there is a transaction */
const depart = async (
  desk: Desk,
  facts: Facts,
  { nonce, keys, call, gas, fees }: Departure,
): Promise<boolean> => {
  const { setup, store, memory } = desk;
  const signed = await setup.sign({ chainId: setup.chainId, nonce, ...call, gas, ...fees });
  const at = desk.now();
  if (!signed.ok) {
    fail(memory, signed.error, at);
    return false;
  }
  const { hash, raw } = signed.value;
  const attempt = { ...fees, hash, at, block: facts.head.number };
  const record = { nonce, keys, attempts: [attempt], raw } as const;
  // Before it is broadcast: an object that dies in between finds it here, and sends these bytes instead of other ones.
  store.write({ flight: record });
  const flight = openFlight(record);
  memory.flights.set(nonce, flight);
  for (const key of keys) memory.trials.delete(key);
  await broadcast(desk, flight);
  return true;
};
