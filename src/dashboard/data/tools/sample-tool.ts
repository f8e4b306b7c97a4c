import type { JsonObject } from '../../../core/json-object.ts';
import type { Policy } from '../../../policy/policy.ts';
import { allowsTool } from '../../../policy/rules/tools.ts';

/** A tool that a person can call with its address alone. */
export type SampleTool = { readonly id: string; readonly url: string; readonly amount: bigint };

const sampleOf = ({ id, url, method, amount, asset, settlement }: JsonObject): SampleTool[] => {
  const isCallable = method === 'GET' || method === '*';
  // A tool with an asset of its own is paid by card, and one with a variable in its path has no address yet.
  const isPaid = asset === undefined && settlement !== 'free' && settlement !== 'card';
  return typeof id === 'string' &&
    typeof url === 'string' &&
    !url.includes('{') &&
    typeof amount === 'string' &&
    /^[0-9]+$/.test(amount) &&
    isCallable &&
    isPaid
    ? [{ id, url, amount: BigInt(amount) }]
    : [];
};

/** The cheapest paid tool that a grant allows and that answers GET; undefined if there is none. @param tools of `GET /` */
export const sampleTool = (
  tools: readonly JsonObject[],
  terms: Pick<Policy, 'tools' | 'perCall'>,
): SampleTool | undefined =>
  tools
    .flatMap(sampleOf)
    .filter(
      ({ id, amount }) =>
        allowsTool(terms, id) && (terms.perCall === undefined || amount <= terms.perCall),
    )
    .toSorted((a, b) => Number(a.amount - b.amount))
    .at(0);
