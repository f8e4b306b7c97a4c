import type { Seconds } from '../core/clock.ts';
import { random32 } from '../core/hex.ts';
import { encodeBase64, utf8 } from '../crypto/bytes.ts';
import { checksummed } from '../crypto/address.ts';
import { chainIdOf } from '../protocol/account-id.ts';
import { type AgentIntent, intentDigest, intentFields } from '../protocol/intent/agent-intent.ts';
import { BOUND_VALID_AFTER } from '../protocol/intent/binding.ts';
import type { Authorization } from '../protocol/payment.ts';
import { PAYMENT_HEADER } from '../protocol/x402/headers.ts';
import { nameOfNetwork } from '../protocol/x402/networks.ts';
import type { AgentContext } from './context.ts';
import type { Choice } from './offer-choice.ts';
import type { Outgoing } from './outgoing.ts';
import { createIntent, type Proof, windowAt } from './proof.ts';
import type { ReceivedOffer } from './received-offer.ts';
import { addressOf, sign, transferTypedData } from './signer.ts';

/** The longest validity of an authorization, whatever the offer allows: until it expires, its holder can settle it. */
const LONGEST: Seconds = 3600;

/** The longest header that gateways accept, in characters. */
const MAX_HEADER = 16_384;

/** The member `payload` of a payment. */
type Payload = Readonly<Record<string, unknown>>;

/**
 * Signs one payment for one request. With `agent-intent` in the offer the payment is bound to the request: its nonce is the digest of the
 * intent (docs/wire-format.md §6). Otherwise it is a plain payment of the offer's x402 version. The caller must have checked the offer and
 * counted the amount.
 */
export const signPayment = async (
  { signer, authority, now: clock }: Pick<AgentContext, 'signer' | 'authority' | 'now'>,
  outgoing: Outgoing,
  offer: ReceivedOffer,
  choice: Choice,
): Promise<Proof> => {
  const { requirement, token } = choice;
  const from = addressOf(signer);
  const now = clock();
  const validBefore = now + Math.min(requirement.maxTimeoutSeconds, LONGEST);
  const times = windowAt(now);
  const created =
    offer.binding &&
    createIntent(from, outgoing, {
      ...offer.binding,
      payTo: requirement.payTo,
      asset: token.address,
      maxAmount: requirement.amount,
      validAfter: times.validAfter,
      // Two clocks: the gateway must not accept a payment that it can no longer settle.
      validBefore: Math.min(times.validBefore, validBefore),
      authority,
    });
  const intent = created?.intent;
  const authorization: Authorization = {
    from,
    to: requirement.payTo,
    value: requirement.amount,
    // The mark lets a gateway reject this payment after an attacker stripped its intent. Zero: valid since 1970.
    validAfter: intent === undefined ? 0n : BOUND_VALID_AFTER,
    validBefore: BigInt(validBefore),
    nonce:
      intent === undefined ? random32() : intentDigest(intent, chainIdOf(requirement.network) ?? 0),
  };
  const payload =
    requirement.scheme === 'upto'
      ? await (await import('./permit-proof.ts')).signPermit(signer, choice, authorization, intent)
      : {
          signature: await sign(
            signer,
            transferTypedData(token, authorization),
            intent && { intent },
          ),
          authorization: wireForm(authorization),
        };
  return {
    header: [
      PAYMENT_HEADER[offer.version],
      offer.version === 1 ? version1(choice, payload) : version2(offer, choice, payload, intent),
    ],
    ...(created === undefined ? {} : { secret: created.secret }),
    pays: 'payment',
    version: offer.version,
    binding: intent === undefined ? 'none' : 'intent',
    call: authorization.nonce,
    network: requirement.network,
    asset: choice.asset,
    amount: requirement.amount,
    until: intent === undefined ? validBefore : Number(intent.validBefore),
    gateway: offer.binding,
  };
};

const wireForm = (authorization: Authorization) => ({
  from: checksummed(authorization.from),
  to: checksummed(authorization.to),
  value: authorization.value.toString(),
  validAfter: authorization.validAfter.toString(),
  validBefore: authorization.validBefore.toString(),
  nonce: authorization.nonce,
});

const base64Json = (value: unknown): string => encodeBase64(utf8(JSON.stringify(value)));

const version1 = ({ requirement }: Choice, payload: Payload): string =>
  base64Json({
    x402Version: 1,
    scheme: requirement.scheme,
    network: nameOfNetwork(requirement.network),
    payload,
  });

const version2 = (
  offer: ReceivedOffer,
  choice: Choice,
  payload: Payload,
  intent: AgentIntent | undefined,
): string => {
  const answered = answeredExtensions(offer, intent);
  const write = (extensions: Readonly<Record<string, unknown>>): string =>
    base64Json({
      x402Version: 2,
      ...(offer.resource === undefined ? {} : { resource: offer.resource }),
      accepted: choice.raw,
      payload,
      ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
    });
  const whole = write({ ...offer.extensions, ...answered });
  // x402: a client may omit an extension, but must echo an extension whole.
  return whole.length <= MAX_HEADER ? whole : write(answered);
};

type Extension = { readonly info?: Readonly<Record<string, unknown>> };

/** The extensions that the client answers, each with the offered fields and the answer. */
const answeredExtensions = (
  { extensions }: ReceivedOffer,
  intent: AgentIntent | undefined,
): Readonly<Record<string, unknown>> => {
  const extended = (key: string, more: Readonly<Record<string, unknown>>) => {
    const offered = extensions[key] as Extension;
    return { [key]: { ...offered, info: { ...offered.info, ...more } } };
  };
  if (intent !== undefined) return extended('agent-intent', { intent: intentFields(intent) });
  const offered: unknown = extensions['payment-identifier'];
  // A secret of client and gateway: a repeat that shows it gets the stored answer (docs/wire-format.md §10).
  return typeof offered === 'object' && offered !== null
    ? extended('payment-identifier', { id: `pay_${random32().slice(2, 34)}` })
    : {};
};
