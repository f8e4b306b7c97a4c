import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config/config.ts';
import { callPrice, describedWithRates } from '../gateway/metered-offer.ts';
import { type PublicTool, publicTool } from '../gateway/public-tool.ts';
import { offerOf } from '../gateway/request-proof.ts';
import {
  creditExtension,
  gasSponsoringExtension,
  offeredExtensions,
} from '../protocol/x402/extensions.ts';
import { paymentRequired, paymentRequiredBody } from '../protocol/x402/offer.ts';

/** The price of a tool, in each form that MCP clients read. */
export type Terms = {
  /** `PaymentRequired` of x402 version 2. */
  readonly version2: ReturnType<typeof paymentRequired>;
  /** The same for version 1; without entries if no network has a version 1 name. */
  readonly version1: ReturnType<typeof paymentRequiredBody>;
  /** For a model that reads the result itself. */
  readonly words: string;
};

/**
 * Builds the terms of a tool. All text in them is ASCII: Cloudflare's `agents` puts the resource into its payment with `btoa`, which throws
 * on characters above U+00FF.
 *
 * @returns undefined if no network can take the price; `parseConfig` rejects such a configuration.
 */
export const termsOf = (config: Config, tool: Tool, audience: string): Terms | undefined => {
  const sold = publicTool(config, tool);
  const { description } = describedWithRates(sold);
  const plain = { ...sold, description: asciiOf(description) };
  const offer = offerOf(plain, resourceUrl(tool), {
    ...offeredExtensions(audience, tool.id),
    ...gasSponsoringExtension(sold.requirements),
    ...creditExtension(audience, tool.settlement),
  });
  return (
    offer && {
      version2: paymentRequired(offer),
      version1: paymentRequiredBody(offer),
      words: wordsOf(sold),
    }
  );
};

/** The URL of a tool in x402 (transports-v2/mcp). */
const resourceUrl = ({ id }: Tool): string => `mcp://tool/${id}`;

const asciiOf = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]/gu, '?');

const wordsOf = (tool: PublicTool): string => {
  const { id, settlement, binding } = tool;
  const how =
    settlement === 'credit'
      ? 'It takes prepaid credit only: send an Agent-Intent of an account with credit in _meta["countersign/intent"].'
      : binding === 'intent'
        ? 'It takes only a payment that is bound to this call: see extensions["agent-intent"].'
        : 'To pay, sign an x402 payment for one entry of "accepts", and call again with it in _meta["x402/payment"].';
  return `The tool ${id} costs ${callPrice(tool)}, and this request carried no payment. ${how} The gateway charged nothing.`;
};
