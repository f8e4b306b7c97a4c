import { encodeBase64, utf8 } from '../../crypto/bytes.ts';
import { checksummed } from '../../crypto/checksum.ts';
import { CREDIT_EXTENSION, type Extensions } from './extensions.ts';
import { offeredName } from './networks.ts';
import type { Requirement } from './requirement.ts';

/** What a 402 says: one price, on each network once, for one resource. */
export type Offer = {
  readonly resource: Resource;
  readonly error: string;
  /** One entry a network, in the operator's order: clients take the first they can pay (design §4.3). */
  readonly requirements: readonly [Requirement, ...Requirement[]];
  /** `offeredExtensions`, and `creditExtension` where credit may pay. */
  readonly extensions: Extensions;
};

export type Resource = {
  /** Absolute URL as the client sees it. */
  readonly url: string;
  readonly description: string;
  readonly mimeType: string;
};

export const PAYMENT_REQUIRED_HEADER = 'PAYMENT-REQUIRED';

/** Intermediaries were seen to refuse more (x402 facts 1.1); the value stays under it. */
const MAX_HEADER = 2048;

const wireRequirement = (requirement: Requirement) => ({
  scheme: requirement.scheme,
  network: requirement.network,
  amount: requirement.amount.toString(),
  asset: checksummed(requirement.asset),
  payTo: checksummed(requirement.payTo),
  maxTimeoutSeconds: requirement.maxTimeoutSeconds,
  extra: requirement.extra,
});

/** What is left of an offer that was too long. */
type Cut = {
  readonly resource: Partial<Resource>;
  readonly extensions: Extensions;
  /** How many of its requirements. */
  readonly count: number;
};

const encode = (offer: Offer, { resource, extensions, count }: Cut): string =>
  encodeBase64(
    utf8(
      JSON.stringify({
        x402Version: 2,
        error: offer.error,
        resource,
        accepts: offer.requirements.slice(0, count).map(wireRequirement),
        extensions,
      }),
    ),
  );

/**
 * The header `PAYMENT-REQUIRED` (x402 v2), base64 JSON, under 2 KiB. The caller chooses the URL, so a long one is cut to its
 * path, then to its origin; the description goes first, then the word of credit, which the body says too, and networks from the
 * end go last. How to bind a payment always stays. Nothing is decided by what is cut.
 */
export const encodePaymentRequired = (offer: Offer): string => {
  let value = '';
  for (const cut of cutsOf(offer)) {
    value = encode(offer, cut);
    if (value.length < MAX_HEADER) return value;
  }
  return value;
};

const cutsOf = ({ resource, extensions, requirements }: Offer): readonly Cut[] => {
  const { url, mimeType } = resource;
  const { [CREDIT_EXTENSION]: _credit, ...needed } = extensions;
  const whole: Cut = { resource, extensions, count: requirements.length };
  const origin = { ...whole, resource: { mimeType, url: originOf(url) } };
  return [
    whole,
    { ...whole, resource: { mimeType, url } },
    { ...whole, resource: { mimeType, url: url.split('?', 1)[0] ?? url } },
    origin,
    ...requirements.map((_, dropped) => ({
      ...origin,
      extensions: needed,
      count: requirements.length - dropped,
    })),
  ];
};

const originOf = (url: string): string => {
  try {
    return new URL(url).origin;
  } catch {
    return url.slice(0, 256);
  }
};

/** The JSON body of the same 402 for version 1 clients, with the networks that all of them can read. */
export const paymentRequiredBody = (offer: Offer) => ({
  x402Version: 1,
  error: offer.error,
  accepts: offer.requirements.flatMap((requirement) => {
    const name = offeredName(requirement.network);
    if (name === undefined) return [];
    return {
      scheme: requirement.scheme,
      network: name,
      maxAmountRequired: requirement.amount.toString(),
      resource: offer.resource.url,
      description: offer.resource.description,
      mimeType: offer.resource.mimeType,
      payTo: checksummed(requirement.payTo),
      maxTimeoutSeconds: requirement.maxTimeoutSeconds,
      asset: checksummed(requirement.asset),
      extra: requirement.extra,
    };
  }),
});
