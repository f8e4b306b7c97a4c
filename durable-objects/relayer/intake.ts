import type { Seconds } from '../../src/core/clock.ts';
import type { Address, Hex } from '../../src/core/hex.ts';
import type { Payment } from '../../src/protocol/payment.ts';
import type { Relay, Relayed } from '../../src/protocol/relayer-contract.ts';
import { feeLimit, feesFor, gasFor } from '../../src/settlement/relayer/fees.ts';
import { isRefused, keyOf, NEAR, type Pending } from '../../src/settlement/relayer/pending.ts';
import { put, remove } from '../store/noun.ts';
import { isBarred } from './burners.ts';
import type { RelayerContext } from './context.ts';
import { newest } from './flight.ts';
import { inFlight, isPayerBarred, type Memory, reservedOf } from './memory.ts';
import { PENDING } from './pending-noun.ts';
import { unansweredAlone } from './unanswered.ts';

/**
 * Payments that may wait at once; further ones go to other backends. At 100 calls a second they are 100 seconds without a block. They take
 * about 1 KB each.
 */
const MAX_PENDING = 10_000;
/** Characters of their signatures: those of contracts may have 8 KB each, and an object has 128 MB. */
const MAX_CHARACTERS = 10_000_000;
/** Payments to other sellers that may wait at once, and to one of their addresses: the gateway's own sales keep the other half. */
const MAX_FACILITATED = 5_000;
const MAX_OF_ADDRESS = 2_000;
/** Payments of one payer: tiny payments are cheap to make and must not crowd out other payers. */
const MAX_OF_PAYER = 2_000;
/** The least remaining validity of an accepted payment: signing, a batch and a block must fit in. */
const LEAST: Seconds = 10;
/** Hex characters: the gateway accepts signatures of at most 4 KiB. */
const MAX_SIGNATURE = 2 + 2 * 4_096;
/** Hex characters of 65 bytes; a signature of another length is a contract's. */
const KEY_SIGNATURE = 2 + 2 * 65;

type Verdict = Relayed['verdict'];

/** Takes payments. Each is stored before its verdict is returned. */
export const take = (
  context: RelayerContext,
  relays: readonly Relay[],
  urgent: boolean,
): readonly Verdict[] => {
  const { memory, disk } = context;
  const now = context.now();
  const { pending } = memory;
  const fresh: Pending[] = [];
  const isCrowded = (): boolean =>
    pending.size >= MAX_PENDING || pending.characters() >= MAX_CHARACTERS;
  const isGreedy = (payer: Address): boolean => pending.ofPayer(payer) >= MAX_OF_PAYER;
  let hopeless: readonly Pending[] | undefined;
  const isFull = (payer: Address): boolean => {
    if (!isCrowded() && !isGreedy(payer)) return false;
    // Computed once per call, because no payment becomes hopeless during the call.
    hopeless ??= hopelessOf(memory, now);
    const evicted = isCrowded()
      ? hopeless
      : hopeless.filter(({ authorization }) => authorization.from === payer);
    const gone = new Set(evicted);
    hopeless = hopeless.filter((one) => !gone.has(one));
    evict(context, evicted);
    return isCrowded() || isGreedy(payer);
  };
  const verdicts = relays.map((relay): Verdict => {
    const key = keyOf(relay.payment);
    const verdict = admit(context, relay, key, urgent);
    if (verdict !== 'taken') return verdict;
    const known = pending.get(key);
    if (known === undefined && !memory.reported.has(key)) {
      if (isFullOfOthers(memory, relay) || isFull(relay.payment.authorization.from)) return 'full';
      const one = pendingOf(relay, key, urgent, now);
      fresh.push(one);
      pending.set(key, one);
    } else if (known !== undefined && urgent) {
      // In memory only: the request that waits for the payment ends with this object too.
      pending.set(key, { ...known, urgent });
    }
    return verdict;
  });
  if (fresh.length === 0) return verdicts;
  try {
    disk.write(fresh.map((one) => put(PENDING, one)));
  } catch (cause) {
    // A payment that is not stored must not count as taken, even when it is presented again.
    for (const { key } of fresh) pending.delete(key);
    throw cause;
  }
  return verdicts;
};

/** Whether payments to other sellers, whose caller may be anyone, already use up their places: the gateway's own sales keep the others. */
const isFullOfOthers = ({ pending }: Memory, { account, payment }: Relay): boolean =>
  account === undefined &&
  (pending.facilitated() >= MAX_FACILITATED ||
    pending.facilitated(payment.authorization.to) >= MAX_OF_ADDRESS);

/**
 * Payments that keep a place and are never sent. Dropping one is safe, because its account presents it again. A payment with strikes stays, so
 * that its strikes are not forgotten.
 */
const hopelessOf = (memory: Memory, now: Seconds): readonly Pending[] => {
  const flying = inFlight(memory);
  return [...memory.pending.values()].filter(
    (one) =>
      one.strikes === 0 &&
      !flying.has(one.key) &&
      (isForOthers(memory, one, now) || isPayerBarred(memory, one.authorization.from, now)),
  );
};

const evict = (
  { memory, disk }: Pick<RelayerContext, 'memory' | 'disk'>,
  payments: readonly Pending[],
): void => {
  if (payments.length === 0) return;
  disk.write(payments.map(({ key }) => remove(PENDING, key)));
  for (const { key } of payments) {
    memory.pending.delete(key);
    memory.trials.delete(key);
  }
};

/** The verdicts of urgent payments after their trial: a caller waits, and another backend can be tried. */
export const afterwards = (
  { memory }: RelayerContext,
  relays: readonly Relay[],
): readonly Verdict[] =>
  relays.map(({ payment }) => (memory.trials.has(keyOf(payment)) ? 'refused' : 'taken'));

/**
 * Drops the refused payments to other sellers. Their servers answer clients that the payment failed, and no account presents it again, so it
 * must not move later.
 */
export const dropRefused = (
  { memory, disk }: RelayerContext,
  relays: readonly Relay[],
  verdicts: readonly Verdict[],
): void => {
  const flying = inFlight(memory);
  const refused = relays.flatMap(({ account, payment }, at) => {
    const known = memory.pending.get(keyOf(payment));
    const isDropped =
      account === undefined &&
      verdicts[at] === 'refused' &&
      known !== undefined &&
      isSame(known, payment) &&
      !flying.has(known.key);
    return isDropped ? [known] : [];
  });
  evict({ memory, disk }, refused);
};

/** The newest transaction that carries a payment. */
export const transactionOf = ({ memory }: RelayerContext, { payment }: Relay): Hex | undefined => {
  const key = keyOf(payment);
  const flight = [...memory.flights.values()].find(({ record }) => record.keys.includes(key));
  return flight === undefined ? undefined : newest(flight.record).hash;
};

type Signed = Pick<Payment, 'authorization' | 'charge'>;

/** Whether two payments of one payer and nonce move the same money. If they differ, the relayer presents only the first. */
const isSame = (
  { authorization: one, charge }: Signed,
  { authorization: other, charge: otherCharge }: Signed,
): boolean =>
  one.to === other.to &&
  one.value === other.value &&
  one.validAfter === other.validAfter &&
  one.validBefore === other.validBefore &&
  charge === otherCharge;

/** Whether the key can move the charge: only the sender that a permit names can, and EIP-3009 moves exactly the value. */
const isMovable = (
  { authorization: { value }, permit, charge = value }: Payment,
  key: Address,
): boolean =>
  permit === undefined
    ? charge === value
    : permit.facilitator === key && charge > 0n && charge <= value;

/** Failed trials, or trials of its payer alone without an answer, after which other backends are tried although no caller waits. */
const MAX_FAILURES = 2;

/** Whether the caller should try other backends for a payment. The relayer still tries it, too. */
const isForOthers = (
  { trials, unanswered }: Memory,
  { key, account, authorization }: Pending,
  now: Seconds,
): boolean =>
  (trials.get(key)?.failures ?? 0) >= MAX_FAILURES ||
  // A payment to another seller has no other backend: refusing it would report it as failed because a node is slow.
  (account !== undefined && unansweredAlone(unanswered, authorization.from, now) >= MAX_FAILURES);

const admit = (
  { setup, memory, now }: RelayerContext,
  { account, payment }: Relay,
  key: string,
  urgent: boolean,
): Verdict => {
  const { token, authorization, signature } = payment;
  const { to } = authorization;
  const served = account === undefined ? setup.facilitates : setup.payees;
  const ours =
    token.network === setup.network &&
    token.address === setup.token.address &&
    served.includes(to) &&
    isMovable(payment, setup.address) &&
    signature.length <= MAX_SIGNATURE;
  if (!ours) return 'unsupported';
  const left = Number(authorization.validBefore) - now();
  if (left < LEAST) return 'expired';
  const known = memory.pending.get(key);
  if (known !== undefined) {
    // Race: two authorizations of one nonce. `taken` would let the account of the second one wait for money that never moves.
    if (!isSame(known, payment)) return 'refused';
    // A refused payment to another seller is dropped, so it is tried once more first: a running round may have chosen it.
    const held = isPayerBarred(memory, authorization.from, now()) && !inFlight(memory).has(key);
    const isUntried = account !== undefined && isForOthers(memory, known, now());
    return isRefused(known) || isUntried || held ? 'refused' : 'taken';
  }
  if (memory.reported.has(key)) return 'taken';
  const hasCode = memory.contracts.has(authorization.from) || signature.length !== KEY_SIGNATURE;
  if (isBarred(memory.burners, authorization.from, hasCode ? 'contract' : 'key', now()))
    return 'refused';
  const { facts } = memory.facts ?? {};
  if (facts === undefined) return 'taken';
  // A payment that is not urgent waits for cheaper gas while there is time.
  const patient = !urgent && left > 2 * NEAR;
  // A payment close to `validBefore` may use the higher fee limit, unless it must be sent now.
  const deadline = !urgent && left <= 2 * NEAR ? 'near' : 'far';
  const fees = feesFor(facts.market, feeLimit(setup.maxFeePerGas, deadline));
  if (fees === undefined) return patient ? 'taken' : 'fee';
  const needed = gasFor(1, 'contract') * fees.maxFeePerGas;
  return facts.balance - reservedOf(memory) < needed ? 'gas' : 'taken';
};

const pendingOf = (
  { account, call, payment, sinceBlock }: Relay,
  key: string,
  urgent: boolean,
  at: Seconds,
): Pending => ({
  key,
  ...(account === undefined ? {} : { account }),
  call,
  authorization: payment.authorization,
  signature: payment.signature,
  ...(payment.permit === undefined ? {} : { permit: payment.permit }),
  ...(payment.charge === undefined ? {} : { charge: payment.charge }),
  sinceBlock,
  at,
  urgent,
  strikes: 0,
});
