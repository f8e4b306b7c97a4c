import type { Address } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { feeLimit, feesFor, gasFor } from '../../src/settlement/relayer/fees.ts';
import { isRefused, keyOf, NEAR, type Pending } from '../../src/settlement/relayer/pending.ts';
import type { Relay, Relayed } from '../../src/protocol/relayer-contract.ts';
import type { Desk } from './desk.ts';
import { isBarred } from './burners.ts';
import { inFlight, isHeld, type Memory, reservedOf } from './memory.ts';

/** Payments that may wait at once: beyond, other backends are asked. */
const MOST_PENDING = 5_000;
/** And of one payer: payments of next to nothing are cheap to make, and must not keep everybody else out. */
const MOST_OF_PAYER = 1_000;
/** With less time left a payment is not taken: signing, a batch and a block have to fit in. */
const LEAST: Seconds = 10;
/** As hex: the gateway takes none of more than 4 KiB. */
const MOST_SIGNATURE = 2 + 2 * 4_096;
/** 65 bytes; of any other length it is a contract's. */
const KEY_SIGNATURE = 2 + 2 * 65;

type Verdict = Relayed['verdict'];

/** Takes payments over: each is stored before it is answered for. */
export const take = (desk: Desk, relays: readonly Relay[], urgent: boolean): readonly Verdict[] => {
  const { memory, store } = desk;
  const now = desk.now();
  const fresh = new Map<string, Pending>();
  const counts = new Map<Address, number>();
  const count = ({ authorization }: Pick<Pending, 'authorization'>): void => {
    counts.set(authorization.from, (counts.get(authorization.from) ?? 0) + 1);
  };
  for (const one of memory.pending.values()) count(one);
  const isCrowded = (): boolean => memory.pending.size + fresh.size >= MOST_PENDING;
  const isGreedy = (payer: Address): boolean => (counts.get(payer) ?? 0) >= MOST_OF_PAYER;
  let hopeless: readonly Pending[] | undefined;
  const isFull = (payer: Address): boolean => {
    if (!isCrowded() && !isGreedy(payer)) return false;
    // Looked for once a call: within it nothing more becomes hopeless.
    hopeless ??= hopelessOf(memory, now);
    const evicted = isCrowded()
      ? hopeless
      : hopeless.filter(({ authorization }) => authorization.from === payer);
    const gone = new Set(evicted);
    hopeless = hopeless.filter((one) => !gone.has(one));
    evict(desk, evicted);
    for (const { authorization } of evicted) {
      counts.set(authorization.from, (counts.get(authorization.from) ?? 0) - 1);
    }
    return isCrowded() || isGreedy(payer);
  };
  const verdicts = relays.map((relay): Verdict => {
    const key = keyOf(relay.payment.authorization);
    const verdict = admit(desk, relay, key, urgent);
    if (verdict !== 'taken' || fresh.has(key)) return verdict;
    const known = memory.pending.get(key);
    if (known === undefined && !isReported(memory, key)) {
      if (isFull(relay.payment.authorization.from)) return 'full';
      fresh.set(key, pendingOf(relay, key, urgent, now));
      count(relay.payment);
    } else if (known !== undefined && urgent) {
      // In memory only: who waits for it does not survive this object either.
      memory.pending.set(key, { ...known, urgent });
    }
    return verdict;
  });
  if (fresh.size > 0) store.write({ pending: [...fresh.values()] });
  for (const one of fresh.values()) memory.pending.set(one.key, one);
  return verdicts;
};

/**
 * What keeps a place without ever leaving. To lose it is safe: its account presents it again. One that was struck stays, so that its
 * strikes are not forgotten.
 */
const hopelessOf = (memory: Memory, now: Seconds): readonly Pending[] => {
  const flying = inFlight(memory);
  return [...memory.pending.values()].filter(
    ({ key, strikes, authorization }) =>
      strikes === 0 &&
      !flying.has(key) &&
      ((memory.trials.get(key)?.failures ?? 0) >= MOST_FAILURES ||
        isHeld(memory, authorization.from, now)),
  );
};

const evict = ({ memory, store }: Desk, payments: readonly Pending[]): void => {
  if (payments.length === 0) return;
  store.write({ ended: payments.map(({ key }) => key) });
  for (const { key } of payments) {
    memory.pending.delete(key);
    memory.trials.delete(key);
  }
};

/** What to say of payments that were taken, after they have been tried: somebody waits, and another backend can be asked. */
export const afterwards = ({ memory }: Desk, relays: readonly Relay[]): readonly Verdict[] =>
  relays.map(({ payment }) =>
    memory.trials.has(keyOf(payment.authorization)) ? 'refused' : 'taken',
  );

/** Failed trials after which other backends are asked also where nobody waits. */
const MOST_FAILURES = 2;

const admit = (
  { setup, memory, now }: Desk,
  { payment }: Relay,
  key: string,
  urgent: boolean,
): Verdict => {
  const { token, authorization, signature } = payment;
  const ours =
    token.network === setup.network &&
    token.address === setup.token.address &&
    authorization.to === setup.payTo &&
    signature.length <= MOST_SIGNATURE;
  if (!ours) return 'unsupported';
  const left = Number(authorization.validBefore) - now();
  if (left < LEAST) return 'expired';
  const known = memory.pending.get(key);
  if (known !== undefined) {
    const failures = memory.trials.get(key)?.failures ?? 0;
    const held = isHeld(memory, authorization.from, now()) && !inFlight(memory).has(key);
    return isRefused(known) || failures >= MOST_FAILURES || held ? 'refused' : 'taken';
  }
  if (isReported(memory, key)) return 'taken';
  const hasCode = memory.contracts.has(authorization.from) || signature.length !== KEY_SIGNATURE;
  if (isBarred(memory.burners, authorization.from, hasCode ? 'contract' : 'key', now()))
    return 'refused';
  const { facts } = memory.facts ?? {};
  if (facts === undefined) return 'taken';
  // Who can wait waits for cheaper gas, as long as there is time.
  const patient = !urgent && left > 2 * NEAR;
  // What will be near its deadline when it leaves may cost what such payments may, unless it has to leave now.
  const deadline = !urgent && left <= 2 * NEAR ? 'near' : 'far';
  const fees = feesFor(facts.market, feeLimit(setup.maxFeePerGas, deadline));
  if (fees === undefined) return patient ? 'taken' : 'fee';
  const needed = gasFor(1, 'contract') * fees.maxFeePerGas;
  return facts.balance - reservedOf(memory) < needed ? 'gas' : 'taken';
};

/** It has settled, and its account is about to hear of it. */
const isReported = ({ reports }: Memory, key: string): boolean =>
  [...reports.values()].some(({ untold }) => untold.has(key));

const pendingOf = (
  { account, call, payment, sinceBlock }: Relay,
  key: string,
  urgent: boolean,
  at: Seconds,
): Pending => ({
  key,
  account,
  call,
  authorization: payment.authorization,
  signature: payment.signature,
  sinceBlock,
  at,
  urgent,
  strikes: 0,
});
