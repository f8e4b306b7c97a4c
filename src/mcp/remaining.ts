import type { Tool } from '../catalog/tool.ts';
import { isFiat } from '../protocol/fiat-asset.ts';
import type { LimitState } from '../protocol/account/denial.ts';
import type { Rights } from '../protocol/account/rights.ts';
import { leastMaximum } from '../protocol/tool-terms.ts';

/** The limit that allows the fewest further calls of a tool. */
export type Remaining = {
  readonly rule: string;
  /** Calls at the tool's price, or at its maximum. */
  readonly calls: number;
  /** Atomic units; calls for a rate. */
  readonly remaining: string;
  readonly resets_at?: number;
};

/**
 * Returns the tightest limit of an account for a tool; undefined without one. Counts the account's own limits only: an ancestor may have
 * less left, which only the call itself or a dry run shows. Limits on money in another asset than the tool's price do not count.
 */
export const remainingFor = (
  tool: Pick<Tool, 'price' | 'pricing' | 'meter' | 'asset'>,
  { perCall, limits, asset: counted }: Rights,
): Remaining | undefined => {
  const { price, asset } = tool;
  if (perCall !== undefined && leastMaximum(tool, price) > BigInt(perCall)) {
    return { rule: 'per_call', calls: 0, remaining: perCall };
  }
  const isCounted = isFiat(counted) === (asset !== undefined);
  let tightest: Remaining | undefined;
  for (const limit of limits) {
    const calls = callsWithin(limit, isCounted ? price : 0n);
    if (calls === undefined || (tightest !== undefined && calls >= tightest.calls)) continue;
    tightest = {
      rule: limit.rule,
      calls,
      remaining: limit.remaining,
      ...(limit.resetsAt === undefined ? {} : { resets_at: limit.resetsAt }),
    };
  }
  return tightest;
};

const callsWithin = ({ rule, remaining }: LimitState, price: bigint): number | undefined => {
  if (rule.endsWith('rate')) return Number(remaining);
  return price === 0n ? undefined : Number(BigInt(remaining) / price);
};
