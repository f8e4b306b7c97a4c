import type { Seconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { ContractCall } from '../../src/settlement/relayer/calldata.ts';
import {
  chooseBatch,
  choosePermit,
  chooseSuspects,
  isNear,
  type Pending,
} from '../../src/settlement/relayer/pending.ts';
import {
  feeLimit,
  type Fees,
  feesFor,
  FILLER_GAS,
  gasFor,
  paymentsIn,
} from '../../src/settlement/relayer/fees.ts';
import { flightsFor } from '../../src/settlement/relayer/flights.ts';
import type { Facts } from '../../src/settlement/relayer/node.ts';
import { put } from '../store/noun.ts';
import { broadcast } from './broadcast.ts';
import type { RelayerContext } from './context.ts';
import { FLIGHT } from './flight.ts';
import {
  pendingIn,
  fail,
  flightsOf,
  isSuspect,
  type Memory,
  openFlight,
  reservedOf,
  waitingOf,
} from './memory.ts';
import { tryPayments } from './trial.ts';
import { groupsOf } from './unanswered.ts';

/** The most unmined transactions for payments that may fail. While such payments wait, one place is reserved for them. */
const MAX_SUSPECT = 2;

/** Trials of one round without a transaction. The remaining payments are tried in the next round, after `confirm`. */
const MAX_FAILED = 8;

/** Sends transactions while payments are due and there is a nonce, gas and a free place for them. */
export const dispatch = async (context: RelayerContext, facts: Facts): Promise<void> => {
  const { setup, memory } = context;
  for (let failed = 0; failed < MAX_FAILED;) {
    const now = context.now();
    const nonce = nextNonce(memory, facts, now);
    if (nonce === undefined) return;
    const far = feesFor(facts.market, feeLimit(setup.maxFeePerGas, 'far'));
    const fees = far ?? feesFor(facts.market, feeLimit(setup.maxFeePerGas, 'near'));
    if (fees === undefined) {
      if (waitingOf(memory, now).length > 0) fail(memory, 'gas_too_dear', now);
      return;
    }
    if (flightsOf(memory).some(({ record }) => record.nonce > nonce)) {
      // A reorganisation deeper than `CONFIRMATIONS` left a gap: no higher nonce can be mined before this one, so a filler takes it.
      const filler = { to: setup.address, data: '0x' as Hex };
      if (
        !(await sendTransaction(context, facts, {
          nonce,
          keys: [],
          call: filler,
          gas: FILLER_GAS,
          fees,
        }))
      )
        return;
      continue;
    }
    const waiting = waitingOf(memory, now);
    // Expensive gas is spent only on payments that would otherwise expire.
    const ready = far ? waiting : waiting.filter((one) => isNear(one, now));
    if (waiting.length > 0 && ready.length === 0) fail(memory, 'gas_too_dear', now);
    const chosen = choose(context, facts, ready, now);
    const affordable = chosen.slice(0, affords(facts, memory, fees));
    if (chosen.length > 0 && affordable.length === 0) fail(memory, 'insufficient_gas', now);
    if (affordable.length === 0) return;
    const tried = await tryPayments(context, affordable);
    if (tried.kind === 'unknown') return;
    if (tried.kind === 'none') {
      failed += 1;
      continue;
    }
    const { call, gas, good } = tried;
    const keys = good.map(({ key }) => key);
    if (!(await sendTransaction(context, facts, { nonce, keys, call, gas, fees }))) return;
  }
};

const choose = (
  { setup, memory }: RelayerContext,
  { blockGas }: Facts,
  waiting: readonly Pending[],
  now: Seconds,
): readonly Pending[] => {
  const { gasPerPayment } = memory.counters;
  // Nonces must not pile up on a chain that makes no blocks.
  const most = flightsFor({ ...setup, blockGas, gasPerPayment });
  const unmined = flightsOf(memory).filter(({ block }) => block === undefined);
  const risky = unmined.filter((one) => pendingIn(memory, one).some((of) => isSuspect(memory, of)));
  // One suspect payment per payer at a time, so that no payer occupies all of these places.
  const flying = new Set(
    risky.flatMap((one) => pendingIn(memory, one).map(({ authorization }) => authorization.from)),
  );
  const suspects = waiting.filter(
    (one) => isSuspect(memory, one) && !flying.has(one.authorization.from),
  );
  if (unmined.length >= most) return [];
  if (unmined.length - risky.length < (suspects.length > 0 ? most - 1 : most)) {
    const [permits = [], clean = []] = partition(waiting.filter((one) => !isSuspect(memory, one)));
    const permit = choosePermit(permits, now);
    // The payment that waits longest goes first, so that neither full batches nor permits keep the others waiting.
    if (permit !== undefined && !clean.some(({ at }) => at < permit.at)) return [permit];
    for (const group of groupsOf(memory.unanswered, clean, now)) {
      const chosen = chooseBatch(group, setup, now);
      if (chosen.length > 0) return chosen.slice(0, memory.unanswered.most);
    }
    if (permit !== undefined) return [permit];
  }
  if (risky.length >= MAX_SUSPECT) return [];
  const alone = suspects.map((one) =>
    one.permit !== undefined || memory.contracts.has(one.authorization.from)
      ? { ...one, strikes: Math.max(2, one.strikes) }
      : one,
  );
  return chooseSuspects(alone, setup)
    .slice(0, memory.unanswered.most)
    .flatMap(({ key }) => memory.pending.get(key) ?? []);
};

/** Splits permits from payments that can share a transaction. */
const partition = (waiting: readonly Pending[]): readonly (readonly Pending[])[] => [
  waiting.filter(({ permit }) => permit !== undefined),
  waiting.filter(({ permit }) => permit === undefined),
];

/** How many payments one transaction can carry: the balance must cover their worst-case gas, and they must fit into a block. */
const affords = ({ balance, blockGas }: Facts, memory: Memory, { maxFeePerGas }: Fees): number => {
  const gas = (balance - reservedOf(memory)) / (maxFeePerGas > 0n ? maxFeePerGas : 1n);
  const each = gasFor(2, 'key') - gasFor(1, 'key');
  if (gas < gasFor(1, 'contract')) return 0;
  return Math.min(Number((gas - gasFor(0, 'key')) / each), paymentsIn(blockGas));
};

type Outgoing = {
  readonly nonce: number;
  readonly keys: readonly string[];
  readonly call: ContractCall;
  readonly gas: bigint;
  readonly fees: Fees;
};

/** Signs a transaction, stores it, and only then broadcasts it. @returns false if it could not be signed. */
const sendTransaction = async (
  context: RelayerContext,
  facts: Facts,
  { nonce, keys, call, gas, fees }: Outgoing,
): Promise<boolean> => {
  const { setup, disk, memory } = context;
  const signed = await setup.sign({ chainId: setup.chainId, nonce, ...call, gas, ...fees });
  const at = context.now();
  if (!signed.ok) {
    fail(memory, signed.error, at);
    return false;
  }
  const { hash, raw } = signed.value;
  const attempt = { ...fees, hash, at, block: facts.head.number };
  const record = { nonce, keys, attempts: [attempt], raw } as const;
  // Race: the object dies between signing and broadcasting. It then finds the transaction in storage and broadcasts the same bytes.
  disk.write([put(FLIGHT, record)]);
  const flight = openFlight(record);
  memory.flights.set(nonce, flight);
  for (const key of keys) memory.trials.delete(key);
  await broadcast(context, flight);
  return true;
};

/**
 * How long a node may report fewer transactions than another node did. Afterwards the relayer trusts the lower count: a reorganisation
 * removed the transactions.
 */
const BEHIND: Seconds = 60;

/**
 * The lowest nonce that is neither in a block nor in a stored transaction; undefined while the node's count cannot be trusted.
 *
 * Race: a node that lags behind reports a nonce as free that is used. Signing other payments for it would only burn gas.
 */
export const nextNonce = (
  memory: Pick<Memory, 'flights' | 'floor' | 'behindSince'>,
  { count }: Pick<Facts, 'count'>,
  now: Seconds,
): number | undefined => {
  if (count < memory.floor) {
    memory.behindSince ??= now;
    if (now - memory.behindSince < BEHIND) return undefined;
  }
  memory.behindSince = undefined;
  memory.floor = count;
  let nonce = count;
  while (memory.flights.has(nonce)) nonce += 1;
  return nonce;
};
