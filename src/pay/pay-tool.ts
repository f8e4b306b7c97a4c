import * as z from 'zod/mini';
import { isAddress } from '../core/hex.ts';
import { plainText } from '../core/plain-text.ts';
import { isObject } from '../core/json-object.ts';
import { chainIdOf, type Network } from '../protocol/account-id.ts';
import { parseAmount } from '../protocol/amount.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { type ArgumentField, entryOf, type Place } from './argument-field.ts';

/** A tool that a person can pay for here. */
export type PayTool = {
  readonly id: string;
  readonly method: string;
  /** Path at the gateway; with a trailing `/`, the caller chooses the rest. */
  readonly path: string;
  /** Atomic units of USDC; zero for a free tool. */
  readonly price: bigint;
  /** Whether the price is the most, not the exact one. */
  readonly isUpTo: boolean;
  /** How a metered price follows usage, in words. */
  readonly rates?: string;
  readonly settlement: 'deferred' | 'upfront' | 'credit' | 'free';
  /** Where a payment can be made, the gateway's default first. Empty for a free tool. */
  readonly networks: readonly Network[];
  readonly fields: readonly ArgumentField[];
};

/** The most bytes of `/openapi.json` that the page reads. */
export const MAX_DOCUMENT = 8 * 1024 * 1024;

const parameter = z.looseObject({
  name: z.string(),
  in: z.literal(['query', 'header', 'path']),
  required: z.optional(z.boolean()),
  description: z.optional(z.string()),
  schema: z.optional(z.unknown()),
});

const amount = z.string().check(z.refine((text) => parseAmount(text) !== undefined));

/** The part of an operation that the page needs (src/discovery/openapi-document.ts writes it). */
const operation = z.looseObject({
  'x-countersign-tool': z.string(),
  parameters: z.optional(z.array(parameter)),
  requestBody: z.optional(
    z.looseObject({
      content: z.record(z.string(), z.looseObject({ schema: z.optional(z.unknown()) })),
    }),
  ),
  'x-countersign-terms': z.optional(
    z.looseObject({
      amount,
      pricing: z.literal(['exact', 'upto']),
      rates: z.exactOptional(z.string()),
      settlement: z.literal(['deferred', 'upfront', 'credit', 'card']),
      accepts: z.optional(z.array(z.looseObject({ network: z.string(), asset: z.string() }))),
    }),
  ),
});
type Operation = z.infer<typeof operation>;

/**
 * Finds a tool in the gateway's OpenAPI document. A tool of any method is called with GET.
 *
 * @returns undefined if the document has no such tool, or this page cannot pay for it
 */
export const payToolIn = (document: unknown, id: string): PayTool | undefined => {
  if (!isObject(document) || !isObject(document['paths'])) return undefined;
  for (const [path, methods] of Object.entries(document['paths'])) {
    if (!isObject(methods)) continue;
    for (const [method, stated] of Object.entries(methods)) {
      if (!isObject(stated) || stated['x-countersign-tool'] !== id) continue;
      const parsed = operation.safeParse(stated);
      return parsed.success ? payTool(path, method, parsed.data) : undefined;
    }
  }
  return undefined;
};

const payTool = (path: string, method: string, stated: Operation): PayTool | undefined => {
  const terms = stated['x-countersign-terms'];
  if (terms?.settlement === 'card') return undefined;
  const networks = (terms?.accepts ?? []).flatMap(({ network, asset }) =>
    isPayable(network, asset) ? [network] : [],
  );
  if (terms !== undefined && networks.length === 0) return undefined;
  return {
    id: stated['x-countersign-tool'],
    method: method.toUpperCase(),
    path: path.replace(/\{path\}$/, ''),
    price: parseAmount(terms?.amount ?? '0') ?? 0n,
    isUpTo: terms?.pricing === 'upto',
    ...(terms?.rates === undefined ? {} : { rates: plainText(terms.rates) }),
    settlement: terms?.settlement ?? 'free',
    networks,
    fields: fieldsOf(method, stated),
  };
};

/** The client pays only in the token that it knows for the network. */
const isPayable = (network: string, asset: string): network is Network => {
  const token = chainIdOf(network) === undefined ? undefined : tokenOf(network as Network);
  return isAddress(asset.toLowerCase()) && token?.address === asset.toLowerCase();
};

const PLACES = { query: 'query', header: 'header', path: 'rest' } as const;

const fieldsOf = (
  method: string,
  { parameters = [], requestBody }: Operation,
): readonly ArgumentField[] => {
  const outside = parameters.map(({ name, in: at, required, description, schema }) =>
    fieldOf(name, PLACES[at], required === true, schema, description),
  );
  const schema = requestBody?.content['application/json']?.schema;
  return [...outside, ...bodyFields(method, schema, requestBody !== undefined)];
};

const bodyFields = (
  method: string,
  schema: unknown,
  isDescribed: boolean,
): readonly ArgumentField[] => {
  if (!isDescribed) {
    return /^(?:post|put|patch)$/.test(method)
      ? [fieldOf('Body', 'body', false, undefined, 'JSON')]
      : [];
  }
  const members =
    isObject(schema) && schema['type'] === 'object' ? schema['properties'] : undefined;
  if (!isObject(members)) return [fieldOf('Body', 'body', true, schema)];
  const required: unknown = isObject(schema) ? schema['required'] : [];
  return Object.entries(members).map(([name, each]) =>
    fieldOf(name, 'member', Array.isArray(required) && required.includes(name), each),
  );
};

const fieldOf = (
  name: string,
  place: Place,
  isRequired: boolean,
  schema: unknown,
  said?: string,
): ArgumentField => {
  const own =
    isObject(schema) && typeof schema['description'] === 'string' ? schema['description'] : '';
  return { name, place, isRequired, description: said ?? own, entry: entryOf(schema, place) };
};
