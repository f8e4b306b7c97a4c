import type { Policy } from '../policy/policy.ts';
import { matchesTool } from '../policy/rules/tools.ts';
import { type Catalogue, cheapestTool } from './catalogue.ts';

/** A limit below the price of every paid tool that the policy allows. Amounts are decimal strings of atomic units. */
export type LimitWarning = {
  /** Field of the policy, e.g. `perCall`, `windows[0].limit`. */
  readonly field: string;
  readonly limit: string;
  /** The cheapest paid tool that the policy allows, and its price. */
  readonly tool: string;
  readonly price: string;
};

/**
 * Returns the limits of a policy that are below the price of its cheapest tool. They are usually amounts in the wrong unit, which would
 * deny every paid call. A limit of zero is intended, so it raises no warning.
 */
export const limitWarnings = (
  { tools }: Pick<Catalogue, 'tools'>,
  policy: Policy,
): readonly LimitWarning[] => {
  const cheapest = cheapestTool(tools, ({ id }) => matchesTool(policy.tools ?? ['*'], id));
  if (cheapest === undefined) return [];
  const { id: tool, price } = cheapest;
  const limits: readonly (readonly [field: string, limit: bigint | undefined])[] = [
    ['perCall', policy.perCall],
    ...policy.windows.map(({ limit }, at) => [`windows[${at}].limit`, limit] as const),
    ['lifetime', policy.lifetime],
  ];
  return limits.flatMap(([field, limit]) =>
    limit === undefined || limit === 0n || limit >= price
      ? []
      : { field, limit: limit.toString(), tool, price: price.toString() },
  );
};
