import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config/config.ts';
import { uptoSenderOf } from '../config/upto-sender.ts';
import { plainText } from '../core/plain-text.ts';
import type { Binding, SettlementMode } from '../protocol/tool-terms.ts';
import { formatDollars } from '../protocol/amount.ts';
import type { FiatAsset } from '../protocol/fiat-asset.ts';
import type { Meter } from '../protocol/meter/meter.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import {
  DEFERRED_TIMEOUT,
  type Requirement,
  requirementOf,
  UPFRONT_TIMEOUT,
  uptoRequirementOf,
} from '../protocol/x402/requirement.ts';

/** What anyone may know about a tool. */
export type PublicTool = {
  readonly id: string;
  /** HTTP method, or `*` for any. */
  readonly method: string;
  /** Path at the gateway; a trailing `/*` matches every path below. */
  readonly path: string;
  /** The operator's words, as plain text. A page must still escape them. */
  readonly description: string;
  readonly mimeType: string;
  readonly settlement: SettlementMode;
  /** `upto`: the price is a maximum. */
  readonly pricing: Tool['pricing'];
  /** How the charge follows usage; `meterWords` states it in words. Only with `upto`. */
  readonly meter?: Meter;
  /** `intent`: only proofs that are bound to the request pay. */
  readonly binding: Binding;
  /** Whether the offer describes the tool for indexes of x402 (`bazaar`). */
  readonly bazaar: boolean;
  /** Atomic units; 0 only for a free tool. */
  readonly price: bigint;
  /** The currency of the price of a card tool. Absent: the dollar token of each network. */
  readonly asset?: FiatAsset;
  /** The price as `$0.02`. */
  readonly dollars: string;
  /** What a payer can sign, once on each network, in the operator's order. Empty for free tools and card tools. */
  readonly requirements: readonly Requirement[];
};

/** The settings that decide what an offer contains. */
type OfferConfig = Pick<Config, 'networks' | 'payTo' | 'relayers' | 'facilitators'>;

/**
 * Describes a tool to the public. The offer of the 402, the pages, every document of discovery and the lists of MCP use this one function,
 * so none of them can show another price than the gateway charges.
 */
export const publicTool = (config: OfferConfig, tool: Tool): PublicTool => ({
  id: tool.id,
  method: tool.method,
  path: tool.path,
  description: plainText(tool.description),
  mimeType: tool.mimeType,
  settlement: tool.settlement,
  pricing: tool.pricing,
  ...(tool.meter === undefined ? {} : { meter: tool.meter }),
  binding: tool.requireBinding,
  bazaar: tool.bazaar,
  price: tool.price,
  dollars: formatDollars(tool.price),
  ...(tool.asset === undefined ? {} : { asset: tool.asset }),
  requirements: tool.settlement === 'free' ? [] : requirementsOf(config, tool),
});

/**
 * Returns the x402 payment requirements of a tool, by network in the operator's order, because clients take the first. A tool of variable
 * price has two on each network: `upto` first, which moves only the charge, and `exact` for clients that know no other scheme, unless the
 * tool refuses it. None for a card tool: a token paid for it would buy nothing.
 */
export const requirementsOf = (config: OfferConfig, tool: Tool): readonly Requirement[] => {
  const known = offered.get(tool);
  if (known?.config === config) return known.requirements;
  const requirements = (tool.settlement === 'card' ? [] : config.networks).flatMap((network) => {
    const token = tokenOf(network);
    const payTo = config.payTo.get(network);
    if (token === undefined || payTo === undefined) return [];
    const terms = [token, payTo, tool.price, timeoutOf(tool)] as const;
    const sender = takesUpto(tool) ? uptoSenderOf(config, network) : undefined;
    return [
      ...(sender === undefined ? [] : [uptoRequirementOf(...terms, sender)]),
      ...(tool.meter?.exact === false ? [] : [requirementOf(...terms)]),
    ];
  });
  offered.set(tool, { config, requirements });
  return requirements;
};

/** A tool that takes credit only has an offer for its network, payee and asset; no payment pays for it. */
const takesUpto = ({ pricing, settlement }: Tool): boolean =>
  pricing === 'upto' && settlement !== 'credit';

type Offered = { readonly config: object; readonly requirements: readonly Requirement[] };

/** The last result for each tool. Neither a configuration nor a tool changes while it exists. */
const offered = new WeakMap<Tool, Offered>();

/** A deferred payment may be settled up to an hour later, an upfront one within five minutes. */
const timeoutOf = (tool: Tool): number =>
  tool.settlement === 'deferred' ? DEFERRED_TIMEOUT : UPFRONT_TIMEOUT;
