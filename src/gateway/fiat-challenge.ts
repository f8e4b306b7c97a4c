import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config/config.ts';
import { ZERO_ADDRESS } from '../core/hex.ts';
import { formatDollars } from '../protocol/amount.ts';
import { USD, USD_ADDRESS } from '../protocol/fiat-asset.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { RequestHead } from './paid-request.ts';

/**
 * The reason of the 401 for a card tool: what an account signs to spend its budget in fiat, and the price (docs/wire-format.md §20). The
 * payee is the operator's on the chain of the signature.
 */
export const fiatChallengeOf = (
  config: Pick<Config, 'networks' | 'payTo'>,
  { audience, tool, method, target, contentType }: RequestHead,
  { price, pricing, asset = USD }: Tool,
): Reason => {
  const payees = config.networks.flatMap((network) => {
    const payTo = config.payTo.get(network);
    return payTo === undefined ? [] : { network, payTo };
  });
  return {
    reason: 'intent_required',
    audience,
    networks: payees.map(({ network }) => network),
    tool,
    intent: {
      audience,
      tool,
      method,
      target,
      contentType,
      payTo: payees[0]?.payTo ?? ZERO_ADDRESS,
      asset: USD_ADDRESS,
      maxAmount: price.toString(),
    },
    fiat: {
      asset,
      amount: price.toString(),
      dollars: formatDollars(price),
      pricing,
      payees: Object.fromEntries(payees.map(({ network, payTo }) => [network, payTo])),
    },
  };
};
