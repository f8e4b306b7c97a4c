import { wireRequirement } from '../protocol/x402/offer.ts';
import { DOCUMENTS, type Listing } from './listing.ts';

/**
 * `/.well-known/x402`, for indexes of x402 services. `resources` is the list of URLs that they know; `items` has the terms, in the
 * form in which facilitators list resources (x402 `GET /discovery/resources`). Free tools are not part of it: nothing is paid for them.
 */
export const x402Document = ({ audience, tools }: Listing) => {
  const priced = tools.filter(({ requirements }) => requirements.length > 0);
  return {
    version: 1,
    x402Version: 2,
    openapi: audience + DOCUMENTS.openapi,
    resources: [...new Set(priced.map(({ url }) => url))],
    items: priced.map((tool) => ({
      resource: tool.url,
      type: 'http',
      method: tool.method,
      x402Version: 2,
      accepts: tool.requirements.map(wireRequirement),
      description: tool.description,
      mimeType: tool.mimeType,
      metadata: {
        tool: tool.id,
        path: tool.path,
        pricing: tool.pricing,
        settlement: tool.settlement,
        binding: tool.binding,
      },
    })),
  };
};
