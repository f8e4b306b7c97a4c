import type { Hex } from '../../../src/core/hex.ts';
import type { Verdict } from '../../../src/policy/evaluate.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import type { Context } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { type HeldGrant, linksOf } from '../tree/grants.ts';
import { CREDIT } from '../tree/share.ts';
import { countersOf } from '../tree/sources.ts';
import { shareOf, type Tree } from '../tree/tree.ts';
import { usedShareText } from '../tree/tree.ts';
import type { Funding } from './funds.ts';
import * as money from './money.ts';
import { HOLD_GRACE, SETTLE_LEASE } from './permit.ts';
import type { CallRecord } from './record.ts';

type Funded = Extract<Funding, { readonly funded: true }>;

/** Builds the record of a new call: its facts, its source of money, and every counter that it counts in. */
export const draftOf = (
  state: AccountState,
  call: Call,
  attempt: Hex,
  policy: Hex,
  grant: HeldGrant | undefined,
  funding: Funded,
  context: Context,
): CallRecord => {
  const runsNow = funding.paidBy !== 'upfront';
  const isTopUp = call.topUp !== undefined;
  const isPayment = funding.paidBy === 'deferred' || funding.paidBy === 'upfront';
  return {
    id: call.call,
    request: call.request,
    tool: call.tool,
    attempt,
    state: 'held',
    payment: isPayment ? 'held' : 'none',
    paidBy: funding.paidBy,
    onSilence: call.onSilence,
    timeoutSeconds: call.timeoutSeconds,
    asset: call.asset,
    price: call.price,
    charged: 0n,
    acceptedAt: context.now,
    dispatchedAt: runsNow ? context.now : 0,
    holdUntil: context.now + (runsNow ? call.timeoutSeconds + HOLD_GRACE : SETTLE_LEASE),
    validBefore: call.validBefore,
    sinceBlock: state.factsBlock,
    hadLastLook: false,
    identifier: call.identifier,
    transaction: undefined,
    // Credit pays: drop the authorization, so that nothing can present it from here.
    held: isPayment ? call.payment : undefined,
    topUp: call.topUp?.to,
    answer: undefined,
    acceptedEntry: state.head.hash,
    finishedEntry: undefined,
    policy,
    windows: isTopUp
      ? []
      : money.counted(
          state,
          call.asset,
          countersOf(state, call.asset, grant, context),
          context.now,
        ),
    grant: grant?.grant.hash,
    usedShares: isTopUp ? [] : usedSharesOf(state, grant, call.price, funding.lender),
    entries: [],
  };
};

/** The ancestors' shares that a call counts in: every counter of every ancestor, and the lender's credit. */
const usedSharesOf = (
  { tree, leases }: AccountState,
  grant: HeldGrant | undefined,
  price: bigint,
  lender: CallRecord['grant'],
): readonly string[] => {
  if (grant === undefined || price === 0n) return [];
  return linksOf(grant).flatMap(({ hash: issued }) => {
    const names = [...(leases[issued]?.names ?? []), ...(issued === lender ? [CREDIT] : [])];
    return names.map((name) =>
      usedShareText({ issued, name, start: shareOf(tree, issued, name).start }),
    );
  });
};

/** Rate states and repeats after an accepted call. */
export const counting = (
  state: AccountState,
  { arrivals, repeats }: Extract<Verdict, { readonly allowed: true }>,
): AccountState => {
  const { base = state.arrival, owner: ownerArrival } = arrivals;
  const tree: Tree =
    ownerArrival === undefined && Object.keys(repeats).length === 0
      ? state.tree
      : {
          ...state.tree,
          ownerArrival: ownerArrival ?? state.tree.ownerArrival,
          repeats: { ...state.tree.repeats, ...repeats },
        };
  return { ...state, arrival: base, tree };
};
