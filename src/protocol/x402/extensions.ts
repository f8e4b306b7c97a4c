import { GAS_SPONSORING_EXTENSION } from './permit2.ts';
import * as z from 'zod/mini';
import type { AccountId } from '../account-id.ts';
import type { Hex } from '../../core/hex.ts';
import { sha256Hex, utf8 } from '../../crypto/bytes.ts';
import { agentIntentSchema } from '../intent/agent-intent.ts';

export const MAX_EXTENSIONS = 16;
/** The form of a `payment-identifier`. */
export const IDENTIFIER = /^[A-Za-z0-9_-]{16,128}$/;

/** The `extensions` of a payment payload. Unknown extensions are accepted and dropped. */
export const acceptedExtensions = z
  .looseObject(
    {
      'payment-identifier': z.nullish(
        z.looseObject(
          {
            info: z.looseObject(
              {
                id: z.nullish(
                  z
                    .string('must be a string')
                    .check(z.regex(IDENTIFIER, 'must be 16 to 128 characters of A-Z a-z 0-9 _ -')),
                ),
              },
              'must be an object',
            ),
          },
          'must be an object with info',
        ),
      ),
      // Never nullish: dropping an unusable intent would turn a bound payment into a vanilla one (CWE-757).
      'agent-intent': z.optional(
        z.looseObject(
          { info: z.looseObject({ intent: z.optional(agentIntentSchema) }, 'must be an object') },
          'must be an object with info',
        ),
      ),
    },
    'must be an object',
  )
  .check(
    z.refine(
      (extensions) => Object.keys(extensions).length <= MAX_EXTENSIONS,
      `holds more than ${MAX_EXTENSIONS} extensions`,
    ),
  );

/** Extensions that an offer advertises, by name. */
export type Extensions = Readonly<Record<string, unknown>>;

/**
 * The extensions that every offer advertises, without schemas so that the offer fits a header. `agent-intent` shows a client how to bind
 * its payment to the request (docs/wire-format.md §5): the audience and tool that its intent must name.
 */
export const offeredExtensions = (audience: string, tool: string): Extensions => ({
  'payment-identifier': { info: { required: false } },
  'agent-intent': { info: { version: 1, audience, tool, binding: 'eip3009-nonce' } },
});

export const CREDIT_EXTENSION = 'agent-credit';

/**
 * Advertises that credit can pay the same price, and where to buy credit (docs/wire-format.md §9). An extension, not an entry of `accepts`:
 * x402 clients pay the first entry. With `required` a client must sign no payment, because the tool takes credit only.
 */
export const creditExtension = (audience: string, settlement: string): Extensions => ({
  [CREDIT_EXTENSION]: {
    info: {
      version: 1,
      topUp: `${audience}/credits`,
      ...(settlement === 'credit' ? { required: true } : {}),
    },
  },
});

/**
 * Declares, beside an offer of `upto`, that a payer without allowance for Permit2 may add an EIP-2612 signature, and then needs no gas
 * (x402, extension `eip2612GasSponsoring`).
 */
export const gasSponsoringExtension = (
  requirements: readonly { readonly scheme: string }[],
): Extensions =>
  requirements.some(({ scheme }) => scheme === 'upto')
    ? { [GAS_SPONSORING_EXTENSION]: { info: { version: '1' } } }
    : {};

export const BAZAAR_EXTENSION = 'bazaar';

/**
 * Describes a request for indexes of x402 services (extension `bazaar`). The schema allows everything, because the real one would not fit a
 * header; indexes reject an extension without any.
 *
 * @param method of the request that the offer answers
 */
export const bazaarExtension = (method: string): Extensions => ({
  [BAZAAR_EXTENSION]: { info: { input: { type: 'http', method } }, schema: {} },
});

/**
 * The digest that the gateway stores of a `payment-identifier`: SHA-256 of a prefix, the payer's account and the identifier. The
 * gateway never stores the identifier itself.
 *
 * x402 makes one identifier of one payer one operation, under any signature. So the digest covers the payer and not the call id: two
 * signatures of one payer share it, two payers never do.
 */
export const identifierDigest = (payer: AccountId, identifier: string): Hex =>
  sha256Hex(utf8(`countersign-identifier/1\n${payer}\n${identifier}`));
