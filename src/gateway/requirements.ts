import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config.ts';
import {
  DEFERRED_TIMEOUT,
  type Requirement,
  requirementOf,
  UPFRONT_TIMEOUT,
} from '../protocol/x402/requirement.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';

/** Returns the x402 payment requirements of a tool: one per network, in the operator's order, because clients take the first. */
export const requirementsOf = (config: Config, tool: Tool): Requirement[] =>
  config.networks.flatMap((network) => {
    const token = tokenOf(network);
    const payTo = config.payTo.get(network);
    return token === undefined || payTo === undefined
      ? []
      : requirementOf(token, payTo, tool.price, timeoutOf(tool));
  });

/** A deferred payment may be settled up to an hour later, an upfront one within five minutes. */
const timeoutOf = (tool: Tool): number =>
  tool.settlement === 'deferred' ? DEFERRED_TIMEOUT : UPFRONT_TIMEOUT;
