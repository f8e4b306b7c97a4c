import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { chainIdOf, type Network } from '../account-id.ts';
import { schemaFault, type WireFault, type WireReason } from '../fault.ts';
import type { AgentIntent } from '../intent/agent-intent.ts';
import type { Authorization, Permit } from '../payment.ts';
import { address, bytes32, readingText, signature, uint256 } from '../wire-fields.ts';
import { acceptedExtensions } from './extensions.ts';
import { networkOfName } from './networks.ts';
import type { Requirement } from './requirement.ts';

/** A payment as the client presented it: parsed, but not yet checked against the offer, the request or the signature. */
export type PaymentPayload = {
  readonly version: 1 | 2;
  readonly network: Network;
  /** The requirement that the client states it accepted, unsigned. Version 1 payloads have none. */
  readonly accepted?: Requirement;
  readonly authorization: Authorization;
  /** Set for a Permit2 permit of the scheme `upto`, whose other fields are those of `authorization`. */
  readonly permit?: Permit;
  readonly signature: Hex;
  /** A secret of client and gateway: never log or forward it. */
  readonly paymentIdentifier?: string;
  /** From `extensions["agent-intent"]`. The parser does not check that the nonce commits to it. */
  readonly intent?: AgentIntent;
};

/** The wire form of an `Authorization`: exactly these keys, integers as decimal strings. */
export const authorizationSchema = z.strictObject(
  {
    from: address,
    to: address,
    value: uint256,
    validAfter: uint256,
    validBefore: uint256,
    nonce: bytes32,
  },
  'must be an object with from, to, value, validAfter, validBefore, nonce',
);

const payload = z.strictObject(
  { signature, authorization: authorizationSchema },
  'must be an EIP-3009 payload: an object with signature and authorization',
);

export const exact = z.literal('exact', 'must be "exact"');

export const caip2 = readingText<Network>(
  'must be an EVM network in CAIP-2 form, e.g. eip155:8453',
  (text) => (chainIdOf(text) === undefined ? undefined : (text as Network)),
);
export const networkName = readingText(
  'must be an x402 v1 name of an EVM network, e.g. base',
  networkOfName,
);

/** Whether a number can be `maxTimeoutSeconds`. */
export const isTimeout = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) > 0;

export const timeout = z
  .number('must be a positive integer')
  .check(z.refine(isTimeout, 'must be a positive integer'));

/** The longest texts of a resource, in characters. */
export const MAX_DESCRIPTION = 4096;
export const MAX_MIME_TYPE = 256;

const optionalText = (limit: number) =>
  z.nullish(z.string('must be a string').check(z.maxLength(limit, `is longer than ${limit}`)));

/** An unsigned echo that decides nothing. Clients may add fields to it. */
const resource = z.looseObject(
  {
    url: z.string('must be a string').check(z.minLength(1, 'must not be empty')),
    description: optionalText(MAX_DESCRIPTION),
    mimeType: optionalText(MAX_MIME_TYPE),
  },
  'must be an object with url',
);

export const extra = z.nullish(z.record(z.string(), z.unknown(), 'must be an object'));

/** `PaymentRequirements` of x402 v2. */
export const requirement = z.strictObject(
  {
    scheme: exact,
    network: caip2,
    amount: uint256,
    asset: address,
    payTo: address,
    maxTimeoutSeconds: timeout,
    extra,
  },
  'must be an offer: an object with scheme, network, amount, asset, payTo, maxTimeoutSeconds',
);

/** The members of every version 2 payload beside `accepted` and `payload`. */
export const version2Members = {
  x402Version: z.literal(2, 'must be 2 in this payload'),
  resource: z.nullish(resource),
  extensions: z.nullish(acceptedExtensions),
};

export const PAYLOAD_HINT = 'must be an x402 payment payload, an object';

const version2 = z.strictObject(
  { ...version2Members, accepted: requirement, payload },
  PAYLOAD_HINT,
);

const version1 = z.strictObject(
  {
    x402Version: z.literal(1, 'must be 1 in this payload'),
    scheme: exact,
    network: networkName,
    payload,
  },
  PAYLOAD_HINT,
);

/** The paths of a payload whose fault has a reason of its own. */
export const PAYLOAD_REASONS: Readonly<Record<string, WireReason>> = {
  x402Version: 'unsupported_version',
  scheme: 'unsupported_scheme',
  'accepted.scheme': 'unsupported_scheme',
  network: 'unsupported_network',
  'accepted.network': 'unsupported_network',
};

/** Reads the JSON of a payment payload with the schemas. Parameters and result are those of `readPaymentPayload`. */
export const parsePayload = (
  version: 1 | 2,
  root: string,
  json: unknown,
): Result<PaymentPayload, WireFault> => {
  if (version === 1) {
    const parsed = version1.safeParse(json);
    if (!parsed.success) return err(schemaFault(root, parsed.error.issues, PAYLOAD_REASONS));
    const { network, payload: paid } = parsed.data;
    return ok({ version, network, ...paid });
  }
  const parsed = version2.safeParse(json);
  if (!parsed.success) return err(schemaFault(root, parsed.error.issues, PAYLOAD_REASONS));
  const { accepted, extensions, payload: paid } = parsed.data;
  return ok({
    version,
    network: accepted.network,
    accepted: { ...accepted, extra: accepted.extra ?? {} },
    ...paid,
    ...extendedBy(extensions),
  });
};

/** What the extensions add to a payment. */
export const extendedBy = (
  extensions: z.output<typeof acceptedExtensions> | null | undefined,
): Pick<PaymentPayload, 'paymentIdentifier' | 'intent'> => {
  const identifier = extensions?.['payment-identifier']?.info.id ?? undefined;
  const intent = extensions?.['agent-intent']?.info.intent;
  return {
    ...(identifier === undefined ? {} : { paymentIdentifier: identifier }),
    ...(intent === undefined ? {} : { intent }),
  };
};
