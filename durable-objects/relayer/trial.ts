import type { Seconds } from '../../src/core/clock.ts';
import {
  aggregate,
  aggregated,
  type ContractCall,
  type Payer,
  transferData,
} from '../../src/settlement/relayer/calldata.ts';
import { gasFor, permitGas } from '../../src/settlement/relayer/fees.ts';
import type { Simulated, Trial } from '../../src/settlement/relayer/node.ts';
import type { Pending } from '../../src/settlement/relayer/pending.ts';
import { settleCall } from '../../src/settlement/relayer/permit-calldata.ts';
import { remove } from '../store/noun.ts';
import type { RelayerContext } from './context.ts';
import { fail, isPayerBarred, rememberContract, waitingOf } from './memory.ts';
import { PENDING } from './pending-noun.ts';
import { notifyBounces } from './report.ts';
import { noteAnswered, noteUnanswered, shrink } from './unanswered.ts';

/** The result of a trial: the payments that the next transaction may carry. */
export type Tried =
  | {
      readonly kind: 'good';
      readonly good: readonly Pending[];
      readonly call: ContractCall;
      readonly gas: bigint;
    }
  /** None of them can be sent now; each was postponed or dropped. */
  | { readonly kind: 'none' }
  /** The node did not answer. The payments are tried again, fewer at once. */
  | { readonly kind: 'unknown' };

/**
 * Reads the payers' code and simulates the calls on the newest state.
 *
 * Attack: a payer with code burns the gas of every payment that shares its transaction (`isValidSignature` gets 63/64 of it, EIP-150), or
 * succeeds in the simulation and fails on the chain. So its payment gets a transaction of its own. Its code is read now, because a key can
 * delegate to code at any time (EIP-7702).
 */
export const tryPayments = async (
  context: RelayerContext,
  chosen: readonly Pending[],
): Promise<Tried> => {
  const { node, memory } = context;
  const payers = await node.payers(chosen.map(({ authorization }) => authorization.from));
  if (payers.size === 0) {
    fail(memory, 'payers_unknown', context.now());
    shrink(memory.unanswered, chosen.length);
    return { kind: 'unknown' };
  }
  const byKey: Pending[] = [];
  const byCode: Pending[] = [];
  for (const one of chosen) {
    const { from } = one.authorization;
    const payer = payers.get(from);
    if (payer === undefined) postpone(context, [one]);
    else if (payer === 'contract') {
      rememberContract(memory, from);
      if (isPayerBarred(memory, from, context.now())) postpone(context, [one]);
      else byCode.push(one);
    } else {
      memory.contracts.delete(from);
      byKey.push(one);
    }
  }
  if (byKey.length > 0) return tryTogether(context, byKey);
  const [alone] = byCode;
  return alone === undefined ? { kind: 'none' } : tryAlone(context, alone, 'contract');
};

/** Simulates the call that carries these payments. */
const simulate = async (
  { node, memory, now }: RelayerContext,
  tried: readonly Pending[],
  call: Trial,
): Promise<Simulated> => {
  const [simulated = { kind: 'unknown' }] = await node.simulate([call]);
  if (simulated.kind === 'unknown') noteUnanswered(memory.unanswered, tried, now());
  else noteAnswered(memory.unanswered, tried);
  return simulated;
};

const tryAlone = async (context: RelayerContext, one: Pending, payer: Payer): Promise<Tried> => {
  const { token } = context.setup;
  const call =
    one.permit === undefined
      ? { to: token.address, data: transferData(one, payer) }
      : settleCall({ ...one, token });
  const gas = one.permit === undefined ? gasFor(1, payer) : permitGas(one.permit, payer);
  const simulated = await simulate(context, [one], { ...call, gas });
  if (simulated.kind === 'unknown') return simulated;
  if (simulated.kind === 'returned') return { kind: 'good', good: [one], call, gas };
  const aside = await setAside(context, [one]);
  if (payer === 'contract' && context.memory.pending.has(one.key)) postponeRest(context, one);
  return aside;
};

const tryTogether = async (context: RelayerContext, many: readonly Pending[]): Promise<Tried> => {
  const [first] = many;
  if (first === undefined) return { kind: 'none' };
  if (many.length === 1) return tryAlone(context, first, 'key');
  const to = context.setup.token.address;
  const calls = many.map((one) => ({ to, data: transferData(one, 'key') }));
  const gas = gasFor(many.length, 'key');
  const simulated = await simulate(context, many, { ...aggregate(calls), gas });
  if (simulated.kind === 'unknown') return simulated;
  const flags = simulated.kind === 'returned' ? aggregated(simulated.data, many.length) : undefined;
  // A payer has since delegated to code that burnt the gas of the whole call, or the chain has no Multicall3.
  if (flags === undefined) return tryAlone(context, first, 'key');
  const good = many.filter((_, at) => flags[at] === true);
  const bad = many.filter((_, at) => flags[at] !== true);
  if (bad.length > 0) {
    const aside = await setAside(context, bad);
    if (good.length === 0) return aside;
  }
  if (good.length === 1 && good[0] !== undefined) return tryAlone(context, good[0], 'key');
  return {
    kind: 'good',
    good,
    call: aggregate(calls.filter((_, at) => flags[at] === true)),
    gas: gasFor(good.length, 'key'),
  };
};

/** Drops payments that can never move any more, and postpones the rest. */
const setAside = async (context: RelayerContext, bad: readonly Pending[]): Promise<Tried> => {
  const { node, setup, disk, memory } = context;
  const used = await node.used(setup.token.address, bad);
  // The nonce was used by another transaction or cancelled: the account concludes from the chain what that means (law 5).
  const ended = bad.filter((_, at) => used[at] === true).map(({ key }) => key);
  if (ended.length > 0) disk.write(ended.map((key) => remove(PENDING, key)));
  for (const key of ended) {
    memory.pending.delete(key);
    memory.trials.delete(key);
  }
  const remaining = bad.filter((_, at) => used[at] !== true);
  postpone(context, remaining);
  // Not awaited: slow nodes and accounts must not delay other payments.
  void notifyBounces(context, remaining);
  return { kind: 'none' };
};

/** Postpones the payer's other payments. Each payment of a payer with code needs a query of its own: trying all of them would block the others. */
const postponeRest = (context: RelayerContext, { key, authorization: { from } }: Pending): void =>
  postpone(
    context,
    waitingOf(context.memory, context.now()).filter(
      (other) => other.authorization.from === from && other.key !== key,
    ),
  );

const FIRST_PAUSE: Seconds = 2;
const LONGEST_PAUSE: Seconds = 60;

/** Postpones payments, in memory only: the payer may have funds in a minute, and a payer that never has costs only queries. */
const postpone = ({ memory, now }: RelayerContext, payments: readonly Pending[]): void => {
  for (const { key } of payments) {
    const failures = (memory.trials.get(key)?.failures ?? 0) + 1;
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1));
    memory.trials.set(key, { failures, until: now() + pause });
  }
};
