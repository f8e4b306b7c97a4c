import type { Address } from '../../../src/core/hex.ts';
import { evaluate, type Source } from '../../../src/policy/evaluate.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { ANY_PAYEE } from '../../../src/policy/rules/payees.ts';
import type { AssetId } from '../../../src/protocol/account-id.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import { max } from '../../../src/protocol/amount.ts';
import type { Context } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { limitCounters } from '../tree/counters.ts';
import type { CallRecord } from './call-record.ts';
import { bindingOf } from './repeat.ts';

type InFlight = NonNullable<Extract<CommandVerdict, { readonly verdict: 'applied' }>['inFlight']>;

/** Counts running calls, and how many of them a policy would have denied. They may still finish (law 4). */
export const inFlight = (
  state: AccountState,
  policy: Policy | undefined,
  running: readonly CallRecord[],
  context: Context,
): InFlight => {
  if (policy === undefined) return { held: running.length, cutOff: 0 };
  // A new window starts without them.
  const runs = new Map<AssetId, bigint>();
  for (const { asset, price } of running) runs.set(asset, (runs.get(asset) ?? 0n) + price);
  const cutOff = running.filter((record) =>
    isCutOff(state, policy, record, runs.get(record.asset) ?? 0n, context),
  );
  return { held: running.length, cutOff: cutOff.length };
};

/** Ignores the rules whose facts the record of a running call lacks: parameters, rate, validity of the proof. */
const isCutOff = (
  state: AccountState,
  { rate: _, repeat: __, maxValidity: ___, ...policy }: Policy,
  record: CallRecord,
  runs: bigint,
  context: Context,
): boolean => {
  const payTo = payeeOf(record);
  const source: Source = {
    key: 'base',
    origin: { kind: 'operator', account: state.account, hash: context.policyHash },
    status: 'active',
    policy: {
      ...policy,
      ...(payTo === undefined ? { payees: [ANY_PAYEE] } : {}),
      deny: policy.deny.filter(({ param }) => param === undefined),
      require: [],
    },
    counters: limitCounters(state, policy, record.asset, context.now).map(({ counter }) => ({
      ...counter,
      // The held amount includes the call itself.
      held: max(runs, counter.held) - record.price,
    })),
  };
  const subject = {
    tool: record.tool,
    payTo: payTo ?? ANY_PAYEE,
    asset: record.asset,
    price: record.price,
    topUp: record.topUp !== undefined,
    binding: bindingOf(record),
    validBefore: record.validBefore,
    request: record.request,
    params: {},
  };
  return !evaluate([source], subject, context.now).allowed;
};

/** The payee, from the entry that accepted the call, or from its payment. */
const payeeOf = ({ entries, held }: CallRecord): Address | undefined => {
  const payTo = entries.find(({ type }) => type === 'call.accepted')?.payment?.['payTo'];
  return typeof payTo === 'string' ? (payTo as Address) : held?.authorization.to;
};
