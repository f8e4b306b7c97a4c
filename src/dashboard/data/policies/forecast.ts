import type { Seconds } from '../../../core/clock.ts';
import { type Address, type Hex, ZERO_ADDRESS } from '../../../core/hex.ts';
import { evaluate, type Source } from '../../../policy/evaluate.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { Repeats, SpendCounter } from '../../../policy/rule.ts';
import { asksApproval } from '../../../policy/rules/approve-above.ts';
import { periodOf, windowName } from '../../../policy/window.ts';
import type { AccountId, AssetId } from '../../../protocol/account-id.ts';

/** A call that the account accepted. Amounts in atomic units. */
export type PastCall = {
  readonly call: Hex;
  readonly at: Seconds;
  readonly tool: string;
  readonly asset: AssetId;
  readonly price: bigint;
  readonly charged: bigint;
  readonly payee: Address | undefined;
  readonly binding: 'none' | 'intent';
  /** Digest of the request, if it is known. */
  readonly request: Hex | undefined;
};

/**
 * The effect that a policy would have had on past calls. `denied`: the number of denied calls, by rule. `waiting`: the number of calls that
 * would have waited for a person.
 */
export type Forecast = {
  readonly calls: number;
  readonly denied: Readonly<Record<string, number>>;
  readonly waiting: number;
};

/**
 * The part of a policy that can be applied to a list of past calls. The list has no parameters and no validity of proofs, and a period that
 * begins now does not concern the past.
 */
const comparable = (policy: Policy): Policy => {
  const { validFrom: _, validUntil: __, maxValidity: ___, ...rest } = policy;
  return {
    ...rest,
    deny: policy.deny.filter(({ param }) => param === undefined),
    require: [],
  };
};

const ORIGIN = {
  kind: 'owner',
  account: `eip155:1:${ZERO_ADDRESS}` as AccountId,
  hash: '0x' as Hex,
} as const;
const KEY = 'draft';

/**
 * Applies a policy to past calls, oldest first, with the gateway's own rules. Limits of a period count only the calls given here, so the
 * numbers are lower bounds: calls before the first one, and calls of descendants, would have used up more.
 */
export const forecast = (policy: Policy, calls: readonly PastCall[]): Forecast => {
  const kept = comparable(policy);
  const spent = new Map<string, bigint>();
  const denied: Record<string, number> = {};
  let waiting = 0;
  let arrival = 0;
  let repeats: Repeats = {};
  for (const past of calls.toSorted((a, b) => a.at - b.at)) {
    const keyOf = (name: string, start: Seconds): string => `${name} ${start} ${past.asset}`;
    const windows = kept.windows.filter(({ asset }) => asset === undefined || asset === past.asset);
    const counters = [
      ...windows.map(({ every, limit, asset = '' }) => {
        const key = keyOf(`${windowName(every)} ${asset}`, periodOf(every, past.at).start);
        return { key, counter: counterOf('window', windowName(every), limit, spent.get(key)) };
      }),
      ...(kept.lifetime === undefined ? [] : [kept.lifetime]).map((limit) => {
        const key = keyOf('lifetime', 0);
        return { key, counter: counterOf('lifetime', 'lifetime', limit, spent.get(key)) };
      }),
    ];
    const { payees: _, ...anyPayee } = kept;
    const source: Source = {
      key: KEY,
      origin: ORIGIN,
      status: 'active',
      policy: past.payee === undefined ? anyPayee : kept,
      counters: counters.map(({ counter }) => counter),
      arrival,
      repeats,
    };
    const verdict = evaluate([source], subjectOf(past), past.at);
    if (!verdict.allowed) {
      const { rule, counter } = verdict;
      const name = counter === undefined || rule === 'lifetime' ? rule : `window:${counter.name}`;
      denied[name] = (denied[name] ?? 0) + 1;
      continue;
    }
    if (asksApproval(kept, past.price)) waiting += 1;
    arrival = verdict.arrivals[KEY] ?? arrival;
    repeats = verdict.repeats[KEY] ?? repeats;
    for (const { key } of counters) spent.set(key, (spent.get(key) ?? 0n) + past.charged);
  }
  return { calls: calls.length, denied, waiting };
};

const counterOf = (
  rule: SpendCounter['rule'],
  name: string,
  limit: bigint,
  spent = 0n,
): SpendCounter => ({ rule, name, limit, spent, held: 0n });

const subjectOf = ({ call, tool, asset, price, payee, binding, request, at }: PastCall) => ({
  tool,
  asset,
  price,
  payTo: payee ?? ZERO_ADDRESS,
  topUp: false,
  binding,
  validBefore: at,
  // Without the digest of its request, a call never counts as a repeat.
  request: request ?? call,
  params: {},
});
