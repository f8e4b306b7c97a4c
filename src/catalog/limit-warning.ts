import type { Policy } from '../policy/policy.ts';
import { matchesTool } from '../policy/rules/tools.ts';
import { type FiatAsset, isFiat, USD } from '../protocol/fiat-asset.ts';
import { type Catalogue, cheapestTool } from './catalogue.ts';

/** A limit below the price of every paid tool of one asset that the policy allows. Amounts are decimal strings of atomic units. */
export type LimitWarning = {
  /** Field of the policy, e.g. `perCall`, `windows[0].limit`. */
  readonly field: string;
  readonly limit: string;
  /** The cheapest paid tool of the asset that the policy allows, and its price. */
  readonly tool: string;
  readonly price: string;
  /** The currency of the price. Absent: a dollar token. */
  readonly asset?: FiatAsset;
};

/** `own`: the only asset that the limit counts, if it names one. */
type Limit = {
  readonly field: string;
  readonly limit: bigint | undefined;
  readonly own?: string | undefined;
};

/** The asset of a price, as tools name it: undefined for the dollar token of each network. */
type Priced = FiatAsset | undefined;

const PRICED: readonly Priced[] = [undefined, USD];

const pricedIn = (asset: string): Priced => (isFiat(asset) ? asset : undefined);

/** The assets that a limit counts. A policy that does not name the dollar opens no card (docs/policy.md), so its limits count tokens. */
const countedIn = ({ assets }: Policy, own: string | undefined): readonly Priced[] => {
  const allowed = assets?.map(pricedIn);
  const wanted: readonly Priced[] = own === undefined ? (allowed ?? [undefined]) : [pricedIn(own)];
  return PRICED.filter((each) => wanted.includes(each) && (allowed?.includes(each) ?? true));
};

/**
 * Returns the limits of a policy that are below the price of its cheapest tool of the same asset. They are usually amounts in the wrong
 * unit, which would deny every call paid in it. A limit of zero is intended, so it raises no warning.
 */
export const limitWarnings = (
  { tools }: Pick<Catalogue, 'tools'>,
  policy: Policy,
): readonly LimitWarning[] => {
  const limits: readonly Limit[] = [
    { field: 'perCall', limit: policy.perCall },
    ...policy.windows.map(({ limit, asset: own }, at) => ({
      ...{ field: `windows[${at}].limit`, limit, own },
    })),
    { field: 'lifetime', limit: policy.lifetime },
  ];
  return limits.flatMap(({ field, limit, own }) =>
    countedIn(policy, own).flatMap((asset) => {
      const cheapest = cheapestTool(tools, asset, ({ id }) =>
        matchesTool(policy.tools ?? ['*'], id),
      );
      if (cheapest === undefined || limit === undefined || limit === 0n) return [];
      const { id: tool, price } = cheapest;
      if (limit >= price) return [];
      const amounts = { limit: limit.toString(), tool, price: price.toString() };
      return [{ field, ...amounts, ...(asset === undefined ? {} : { asset }) }];
    }),
  );
};
