import * as z from 'zod/mini';
import { chainIdOf, type Network } from '../protocol/account-id.ts';
import { schemaFault } from '../protocol/fault.ts';
import { address, printable, readingText, uint256 } from '../protocol/wire-fields.ts';
import { PAYMENT_REQUIRED_HEADER } from '../protocol/x402/headers.ts';
import { networkOfName } from '../protocol/x402/networks.ts';
import type { Requirement } from '../protocol/x402/requirement.ts';
import { CountersignError } from './errors.ts';
import { isRecord, readBase64Json, readJsonBody } from './json.ts';

/** An entry of `accepts`. */
export type Entry =
  | {
      readonly kind: 'payable';
      readonly requirement: Requirement;
      /** As received: version 2 payments echo it. */
      readonly raw: unknown;
    }
  /** An entry that this client does not support. */
  | { readonly kind: 'other'; readonly what: 'scheme' | 'network'; readonly saw: string };

/** The offer of a 402, parsed but not trusted: the client checks every value against its own rules. */
export type ReceivedOffer = {
  readonly version: 1 | 2;
  readonly error: string | undefined;
  readonly entries: readonly Entry[];
  /** As received. */
  readonly resource: unknown;
  readonly extensions: Readonly<Record<string, unknown>>;
  /** The audience and tool that a bound payment must name (docs/wire-format.md §5); undefined if the server offers no binding. */
  readonly binding: { readonly audience: string; readonly tool: string } | undefined;
  /** Only credit can pay (`agent-credit`); a payment would buy nothing. */
  readonly creditOnly: boolean;
};

const MAX_HEADER = 16_384;
const MAX_BODY = 65_536;
const MAX_ENTRIES = 32;
const MAX_TEXT = 256;

const text = z.string('must be a string');
const record = z.nullish(
  z.custom<Readonly<Record<string, unknown>>>(isRecord, 'must be an object'),
);
const accepts = z
  .array(z.unknown(), 'must be an array')
  .check(
    z.minLength(1, 'must not be empty'),
    z.maxLength(MAX_ENTRIES, `has more than ${MAX_ENTRIES}`),
  );

const offer = (version: 1 | 2) =>
  z.looseObject(
    {
      x402Version: z.literal(version, `must be ${version}`),
      error: z.nullish(text),
      accepts,
      resource: z.nullish(z.unknown()),
      extensions: record,
    },
    'must be an object',
  );

const kindSchema = z.looseObject({ scheme: text, network: text }, 'must be an object');

const seconds = z
  .number('must be a positive integer')
  .check(
    z.refine((value) => Number.isSafeInteger(value) && value > 0, 'must be a positive integer'),
  );

const caip2 = readingText<Network>('must be an EVM network', (name) =>
  chainIdOf(name) === undefined ? undefined : (name as Network),
);

const common = {
  scheme: z.enum(['exact', 'upto']),
  asset: address,
  payTo: address,
  maxTimeoutSeconds: seconds,
  extra: record,
};
const entry2 = z.looseObject({ ...common, network: caip2, amount: uint256 });
const entry1 = z.pipe(
  z.looseObject({
    ...common,
    network: readingText('must be an EVM network', networkOfName),
    maxAmountRequired: uint256,
  }),
  z.transform(({ maxAmountRequired, ...more }) => ({ ...more, amount: maxAmountRequired })),
);

/** `extensions["agent-intent"]`. The client ignores any other version or binding form. */
const bindingSchema = z.looseObject({
  info: z.looseObject({
    version: z.literal(1),
    audience: printable(MAX_TEXT),
    tool: printable(64).check(z.refine((tool) => tool !== '')),
    binding: z.literal('eip3009-nonce'),
  }),
});

/** `extensions["agent-credit"]` of a tool that accepts credit only. */
const creditSchema = z.looseObject({
  info: z.looseObject({ version: z.literal(1), required: z.literal(true) }),
});

/**
 * Reads the offer of a 402: the header `PAYMENT-REQUIRED` (version 2, at most 16 KiB), otherwise a JSON body of version 1 (at most
 * 64 KiB).
 *
 * @throws CountersignError `offer_missing`, or `offer_malformed` with the field
 */
export const readOffer = async (response: Response, withinMs?: number): Promise<ReceivedOffer> => {
  const header = response.headers.get(PAYMENT_REQUIRED_HEADER);
  if (header !== null) {
    const json = readBase64Json(header, MAX_HEADER);
    if (json === undefined) throw malformed(response, PAYMENT_REQUIRED_HEADER, UNREADABLE);
    return parse(response, PAYMENT_REQUIRED_HEADER, 2, json);
  }
  const json = await readJsonBody(response, MAX_BODY, withinMs);
  if (typeof json !== 'object' || json === null || !('x402Version' in json)) {
    throw new CountersignError('offer_missing', 'The server requests payment, but not with x402.', {
      response,
    });
  }
  return parse(response, 'body', 1, json);
};

const UNREADABLE = 'must be base64 of JSON, sent once, of at most 16384 characters';

const parse = (response: Response, root: string, version: 1 | 2, json: unknown): ReceivedOffer => {
  const parsed = offer(version).safeParse(json);
  if (!parsed.success) throw fault(response, root, parsed.error.issues);
  const extensions = parsed.data.extensions ?? {};
  const bound = bindingSchema.safeParse(extensions['agent-intent']);
  return {
    version,
    error: parsed.data.error?.slice(0, MAX_TEXT),
    entries: parsed.data.accepts.map((raw, at) =>
      entryOf(response, `${root}.accepts.${at}`, version, raw),
    ),
    resource: parsed.data.resource ?? undefined,
    extensions,
    binding: version === 2 && bound.success ? intentTerms(bound.data.info) : undefined,
    creditOnly: creditSchema.safeParse(extensions['agent-credit']).success,
  };
};

/** Keeps only what an intent names: other fields of the server must not get into the signed intent. */
const intentTerms = ({ audience, tool }: { readonly audience: string; readonly tool: string }) => ({
  audience,
  tool,
});

const entryOf = (response: Response, root: string, version: 1 | 2, raw: unknown): Entry => {
  const kind = kindSchema.safeParse(raw);
  if (!kind.success) throw fault(response, root, kind.error.issues);
  const { scheme, network } = kind.data;
  // Version 1 has no scheme but "exact".
  if (scheme !== 'exact' && (scheme !== 'upto' || version === 1))
    return { kind: 'other', what: 'scheme', saw: scheme.slice(0, 64) };
  const isEvm = version === 2 ? chainIdOf(network) : networkOfName(network);
  if (isEvm === undefined) return { kind: 'other', what: 'network', saw: network.slice(0, 64) };
  const parsed = (version === 2 ? entry2 : entry1).safeParse(raw);
  if (!parsed.success) throw fault(response, root, parsed.error.issues);
  const { asset, payTo, amount, maxTimeoutSeconds, extra } = parsed.data;
  return {
    kind: 'payable',
    requirement: {
      scheme: parsed.data.scheme,
      network: parsed.data.network,
      amount,
      asset,
      payTo,
      maxTimeoutSeconds,
      extra: extra ?? {},
    },
    raw,
  };
};

const fault = (
  response: Response,
  root: string,
  issues: Parameters<typeof schemaFault>[1],
): CountersignError => {
  const { field, hint } = schemaFault(root, issues, {});
  return malformed(response, field, hint);
};

const malformed = (response: Response, field: string, hint: string): CountersignError =>
  new CountersignError('offer_malformed', `${field} ${hint}.`, { response });
