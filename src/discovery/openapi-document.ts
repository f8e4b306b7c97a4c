import { METHODS } from '../catalog/route.ts';
import { wireRequirement } from '../protocol/x402/offer.ts';
import { priceJson } from './listing-json.ts';
import type { ListedTool, Listing } from './listing.ts';
import { describeRequest } from './request-description.ts';
import type { ManagementDocument } from './management-document.ts';

type Json = { readonly [name: string]: unknown };

/** `/openapi.json`: the tools that are sold, and below them the management API of every gateway. */
export const openApiDocument = (listing: Listing, management: ManagementDocument): Json => ({
  ...management,
  info: { ...management.info, title: `Countersign gateway ${new URL(listing.audience).host}` },
  servers: [{ url: listing.audience }],
  tags: [{ name: 'tools', description: 'What this gateway sells.' }, ...management.tags],
  paths: { ...toolPaths(listing), ...management.paths },
  components: {
    ...management.components,
    securitySchemes: { ...management.components.securitySchemes, Payment: PAYMENT },
  },
});

const PAYMENT = {
  type: 'apiKey',
  in: 'header',
  name: 'PAYMENT-SIGNATURE',
  description:
    'An x402 payment for exactly this request, not a key: base64 of a PaymentPayload. The 402 to a request without it says what to sign.',
} as const;

const toolPaths = ({ tools }: Listing): Readonly<Record<string, Json>> => {
  const paths: Record<string, Record<string, Json>> = {};
  // A tool of one method goes before a tool of any method, as in the routes.
  for (const tool of tools.toSorted(
    (a, b) => Number(a.method === '*') - Number(b.method === '*'),
  )) {
    const path = (paths[templateOf(tool)] ??= {});
    for (const method of tool.method === '*' ? METHODS : [tool.method]) {
      path[method.toLowerCase()] ??= operationOf(tool, method);
    }
  }
  return paths;
};

/** `/tools/echo/*` as a template of OpenAPI, which has no wildcards. */
const templateOf = ({ path }: ListedTool): string => path.replace(/\*$/, '{path}');

const REST = {
  name: 'path',
  in: 'path',
  required: true,
  schema: { type: 'string' },
  description: 'The rest of the path; may have several segments.',
} as const;

const operationOf = (tool: ListedTool, method: string): Json => {
  const { parameters, ...body } = describeRequest(tool.source);
  return {
    // A colon is in no id, so operations of two tools never share a name.
    operationId: tool.method === '*' ? `call:${tool.id}:${method}` : `call:${tool.id}`,
    summary: tool.id,
    description: tool.description,
    tags: ['tools'],
    'x-countersign-tool': tool.id,
    ...(tool.requirements.length === 0
      ? { security: [{ AgentIntent: [] }], ...(tool.price > 0n ? fiatTerms(tool) : {}) }
      : { security: [{ Payment: [] }, { AgentIntent: [] }], ...paymentOf(tool) }),
    parameters: [...(tool.path.endsWith('*') ? [REST] : []), ...parameters],
    ...body,
    responses: {
      200: {
        description: 'The answer of the tool.',
        content: { [tool.mimeType]: {} },
      },
      ...(tool.requirements.length === 0 ? { 401: UNSIGNED } : { 402: UNPAID }),
      default: { $ref: '#/components/responses/default' },
    },
  };
};

const UNSIGNED = { $ref: '#/components/responses/401' } as const;

const UNPAID = {
  description: 'Payment required: the price and what to sign. Nothing was charged.',
  headers: {
    'PAYMENT-REQUIRED': {
      schema: { type: 'string' },
      description:
        'base64 of a PaymentRequired of x402 version 2; the body has the terms of version 1.',
    },
  },
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required: ['x402Version', 'accepts'],
        properties: { x402Version: { const: 1 }, accepts: { type: 'array' } },
      },
    },
  },
} as const;

/** The price of a tool that tokens cannot pay, in a form that no x402 client would try to pay. */
const fiatTerms = (tool: ListedTool): Json => ({
  'x-countersign-terms': {
    ...priceJson(tool),
    settlement: tool.settlement,
    binding: tool.binding,
  },
});

/** The price in the form that indexes of x402 services read, and the gateway's own terms beside it. */
const paymentOf = (tool: ListedTool): Json => ({
  'x-payment-info': {
    price:
      tool.pricing === 'upto'
        ? { mode: 'dynamic', currency: 'USD', min: decimal(0n), max: decimal(tool.price) }
        : { mode: 'fixed', currency: 'USD', amount: decimal(tool.price) },
    protocols: [{ x402: {} }],
  },
  'x-countersign-terms': {
    ...priceJson(tool),
    settlement: tool.settlement,
    binding: tool.binding,
    accepts: tool.requirements.map(wireRequirement),
  },
});

/** Writes atomic units as dollars with six decimals. */
const decimal = (amount: bigint): string =>
  `${amount / 1_000_000n}.${(amount % 1_000_000n).toString().padStart(6, '0')}`;
