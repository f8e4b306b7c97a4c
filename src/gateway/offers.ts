import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config.ts';
import {
  DEFERRED_TIMEOUT,
  type Requirement,
  requirementOf,
  UPFRONT_TIMEOUT,
} from '../protocol/x402/requirement.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';

/** What a tool may be paid with: one entry a network, in the operator's order, because clients take the first (design §4.3). */
export const offersOf = (config: Config, tool: Tool): Requirement[] =>
  config.networks.flatMap((network) => {
    const token = tokenOf(network);
    const payTo = config.payTo.get(network);
    return token === undefined || payTo === undefined
      ? []
      : requirementOf(token, payTo, tool.price, timeoutOf(tool));
  });

/** §4.2: a deferred payment may be settled up to an hour later, one that moves first within five minutes. */
const timeoutOf = (tool: Tool): number =>
  tool.settlement === 'deferred' ? DEFERRED_TIMEOUT : UPFRONT_TIMEOUT;
