import { encodeBase64, utf8 } from '../../crypto/bytes.ts';
import { checksummed } from '../../crypto/address.ts';
import { BAZAAR_EXTENSION, CREDIT_EXTENSION, type Extensions } from './extensions.ts';
import { offeredName } from './networks.ts';
import type { Requirement } from './requirement.ts';

/** The offer of a 402: one price for one resource, once on each network. */
export type Offer = {
  readonly resource: Resource;
  readonly error: string;
  /** By network in the operator's order: clients pay the first entry that they can. */
  readonly requirements: readonly [Requirement, ...Requirement[]];
  /** `offeredExtensions`, `creditExtension` if the tool accepts credit, and `bazaarExtension` if its operator wants it indexed. */
  readonly extensions: Extensions;
};

export type Resource = {
  /** Absolute URL, as the client requested it. */
  readonly url: string;
  readonly description: string;
  readonly mimeType: string;
};

/** Some proxies reject response headers above 2 KiB. An operator whose tool has `bazaar` accepts a longer one. */
const MAX_HEADER = 2048;
const MAX_BAZAAR_HEADER = 4096;

/** A requirement as JSON of x402 version 2. */
export const wireRequirement = (requirement: Requirement) => ({
  scheme: requirement.scheme,
  network: requirement.network,
  amount: requirement.amount.toString(),
  asset: checksummed(requirement.asset),
  payTo: checksummed(requirement.payTo),
  maxTimeoutSeconds: requirement.maxTimeoutSeconds,
  extra: requirement.extra,
});

/** The parts of an offer that a shortened header keeps. */
type Cut = {
  readonly resource: Partial<Resource>;
  readonly extensions: Extensions;
  /** How many requirements, from the first. */
  readonly count: number;
};

const version2 = (offer: Offer, { resource, extensions, count }: Cut) => ({
  x402Version: 2,
  error: offer.error,
  resource,
  accepts: offer.requirements.slice(0, count).map(wireRequirement),
  extensions,
});

/** The offer as an object of x402 v2 (`PaymentRequired`), for transports without a limit on headers. */
export const paymentRequired = (offer: Offer) => version2(offer, wholeOf(offer));

const wholeOf = ({ resource, extensions, requirements }: Offer): Cut => ({
  resource,
  extensions,
  count: requirements.length,
});

const encode = (offer: Offer, cut: Cut): string =>
  encodeBase64(utf8(JSON.stringify(version2(offer, cut))));

/**
 * Writes the header `PAYMENT-REQUIRED` (x402 v2): base64 JSON under 2 KiB, or under 4 KiB with `bazaar`. The caller chooses the URL and
 * could make the header too long, so this drops parts until it fits: the description, the query, the path, the extensions for credit and
 * `bazaar`, then networks from the end. The binding extension always stays. The gateway decides nothing from the dropped parts.
 */
export const encodePaymentRequired = (offer: Offer): string => {
  const most = BAZAAR_EXTENSION in offer.extensions ? MAX_BAZAAR_HEADER : MAX_HEADER;
  let value = '';
  for (const cut of cutsOf(offer)) {
    value = encode(offer, cut);
    if (value.length < most) return value;
  }
  return value;
};

const cutsOf = (offer: Offer): readonly Cut[] => {
  const { resource, extensions, requirements } = offer;
  const { url, mimeType } = resource;
  const { [CREDIT_EXTENSION]: _credit, [BAZAAR_EXTENSION]: _bazaar, ...needed } = extensions;
  const whole = wholeOf(offer);
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

/** The JSON body of the same 402 for version 1 clients, with the networks that all of them accept. Version 1 has no scheme but `exact`. */
export const paymentRequiredBody = (offer: Offer) => ({
  x402Version: 1,
  error: offer.error,
  accepts: offer.requirements.flatMap((requirement) => {
    const name = requirement.scheme === 'exact' ? offeredName(requirement.network) : undefined;
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
