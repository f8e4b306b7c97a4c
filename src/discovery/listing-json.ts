import { checksummed } from '../crypto/address.ts';
import { wireRequirement } from '../protocol/x402/offer.ts';
import { meterWords } from '../protocol/meter/meter-words.ts';
import type { PublicTool } from '../gateway/public-tool.ts';
import { DOCUMENTS, type ListedTool, type Listing } from './listing.ts';
import { isoTime } from '../audit/tool-health.ts';

/** The listing for programs: `GET /`. Amounts are atomic units, times ISO 8601. */
export const listingJson = (listing: Listing) => ({
  audience: listing.audience,
  status: listing.isPaused ? 'paused' : 'ok',
  documents: Object.fromEntries(
    Object.entries(DOCUMENTS).map(([name, path]) => [name, listing.audience + path]),
  ),
  payees: listing.payees.map(({ network, asset, payTo }) => ({
    network,
    asset: checksummed(asset),
    pay_to: checksummed(payTo),
  })),
  health_at: listing.healthAt === undefined ? null : isoTime(listing.healthAt),
  tools: listing.tools.map(toolJson),
});

const toolJson = (tool: ListedTool) => ({
  id: tool.id,
  method: tool.method,
  path: tool.path,
  url: tool.url,
  description: tool.description,
  mime_type: tool.mimeType,
  ...priceJson(tool),
  settlement: tool.settlement,
  binding: tool.binding,
  accepts: tool.requirements.map(wireRequirement),
  health: {
    state: tool.health.state,
    last_success: tool.health.lastSuccess ?? null,
    last_failure: tool.health.lastFailure ?? null,
  },
});

/** The price of a tool as documents for programs write it. */
export const priceJson = ({ price, dollars, pricing, meter, asset }: PublicTool) => ({
  price: dollars,
  amount: price.toString(),
  ...(asset === undefined ? {} : { asset }),
  pricing,
  ...(meter === undefined ? {} : { rates: meterWords(meter, price), meter }),
});
