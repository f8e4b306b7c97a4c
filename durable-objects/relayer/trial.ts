import {
  aggregate,
  aggregated,
  type ContractCall,
  type Payer,
  transferData,
} from '../../src/settlement/relayer/calldata.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { gasFor } from '../../src/settlement/relayer/fees.ts';
import type { Pending } from '../../src/settlement/relayer/pending.ts';
import type { Desk } from './desk.ts';
import { tellBounces } from './bounces.ts';
import { fail, isHeld, rememberContract, waitingOf } from './memory.ts';

/** What the next transaction may carry, after it has been tried on the newest state. */
export type Tried =
  | {
      readonly kind: 'good';
      readonly good: readonly Pending[];
      readonly call: ContractCall;
      readonly gas: bigint;
    }
  /** None of them can go now, and each has been put off or dropped. */
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown' };

/**
 * Looks at the payers and tries the calls on the newest state. A payer with code can burn the gas of all that share a
 * transaction with it (63 of 64 parts go into `isValidSignature`), or succeed when tried and fail when mined, so it goes
 * alone: looked at now, because a key can delegate to code at any time (EIP-7702).
 */
export const tryPayments = async (desk: Desk, chosen: readonly Pending[]): Promise<Tried> => {
  const { node, memory } = desk;
  const payers = await node.payers(chosen.map(({ authorization }) => authorization.from));
  if (payers.size === 0) {
    fail(memory, 'payers_unknown', desk.now());
    return { kind: 'unknown' };
  }
  const byKey: Pending[] = [];
  const byCode: Pending[] = [];
  for (const one of chosen) {
    const { from } = one.authorization;
    const payer = payers.get(from);
    if (payer === undefined) putOff(desk, [one]);
    else if (payer === 'contract') {
      rememberContract(memory, from);
      if (isHeld(memory, from, desk.now())) putOff(desk, [one]);
      else byCode.push(one);
    } else {
      memory.contracts.delete(from);
      byKey.push(one);
    }
  }
  if (byKey.length > 0) return tryTogether(desk, byKey);
  const [alone] = byCode;
  return alone === undefined ? { kind: 'none' } : tryAlone(desk, alone, 'contract');
};

const tryAlone = async (desk: Desk, one: Pending, payer: Payer): Promise<Tried> => {
  const call = { to: desk.setup.token.address, data: transferData(one, payer) };
  const gas = gasFor(1, payer);
  const [simulated] = await desk.node.simulate([{ ...call, gas }]);
  if (simulated?.kind === 'returned') return { kind: 'good', good: [one], call, gas };
  if (simulated?.kind === 'reverted') {
    const aside = await setAside(desk, [one]);
    if (payer === 'contract' && desk.memory.pending.has(one.key)) putOffRest(desk, one);
    return aside;
  }
  // It may be this call that the node has no answer to: the next round begins with another one.
  putOff(desk, [one]);
  if (payer === 'contract') putOffRest(desk, one);
  return { kind: 'unknown' };
};

const tryTogether = async (desk: Desk, many: readonly Pending[]): Promise<Tried> => {
  const [first] = many;
  if (first === undefined) return { kind: 'none' };
  if (many.length === 1) return tryAlone(desk, first, 'key');
  const to = desk.setup.token.address;
  const calls = many.map((one) => ({ to, data: transferData(one, 'key') }));
  const gas = gasFor(many.length, 'key');
  const [simulated] = await desk.node.simulate([{ ...aggregate(calls), gas }]);
  const flags =
    simulated?.kind === 'returned' ? aggregated(simulated.data, many.length) : undefined;
  // Somebody has burnt the gas of all since the payers were looked at, or there is no Multicall3 here, or no node that tries so much.
  if (flags === undefined) return tryAlone(desk, first, 'key');
  const good = many.filter((_, at) => flags[at] === true);
  const bad = many.filter((_, at) => flags[at] !== true);
  if (bad.length > 0) {
    const aside = await setAside(desk, bad);
    if (good.length === 0) return aside;
  }
  if (good.length === 1 && good[0] !== undefined) return tryAlone(desk, good[0], 'key');
  return {
    kind: 'good',
    good,
    call: aggregate(calls.filter((_, at) => flags[at] === true)),
    gas: gasFor(good.length, 'key'),
  };
};

/** Drops what can never move any more, and tries the rest again later. */
const setAside = async (desk: Desk, bad: readonly Pending[]): Promise<Tried> => {
  const { node, setup, store, memory } = desk;
  const used = await node.used(
    setup.token.address,
    bad.map(({ authorization }) => authorization),
  );
  // Used by somebody else, or cancelled: what that means is for the account's own look to say (law 5).
  const ended = bad.filter((_, at) => used[at] === true).map(({ key }) => key);
  if (ended.length > 0) store.write({ ended });
  for (const key of ended) {
    memory.pending.delete(key);
    memory.trials.delete(key);
  }
  const left = bad.filter((_, at) => used[at] !== true);
  putOff(desk, left);
  // Not awaited: neither nodes nor accounts that are slow may keep other payments from leaving.
  void tellBounces(desk, left);
  return { kind: 'none' };
};

/** Each of a payer with code takes a question of its own: were they all tried, nobody else's would ever leave. */
const putOffRest = (desk: Desk, { key, authorization: { from } }: Pending): void =>
  putOff(
    desk,
    waitingOf(desk.memory, desk.now()).filter(
      (other) => other.authorization.from === from && other.key !== key,
    ),
  );

const FIRST_PAUSE: Seconds = 2;
const LONGEST_PAUSE: Seconds = 60;

/** Writes nothing: a payer who is not good for it now may be in a minute, and who never is costs only questions. */
const putOff = ({ memory, now }: Desk, payments: readonly Pending[]): void => {
  for (const { key } of payments) {
    const failures = (memory.trials.get(key)?.failures ?? 0) + 1;
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1));
    memory.trials.set(key, { failures, until: now() + pause });
  }
};
