import * as z from 'zod/mini';
import { agentIntentSchema } from '../intent/agent-intent.ts';

const MAX_EXTENSIONS = 16;
const IDENTIFIER = /^[A-Za-z0-9_-]{16,128}$/;

/** What a client may send in `extensions` (x402 facts 4). Those that are not ours are tolerated and dropped. */
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
      // Never nullish: an intent that is there and unusable must not turn a bound payment into a vanilla one (CWE-757).
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

/** Advertised under `extensions`, by name. */
export type Extensions = Readonly<Record<string, unknown>>;

/**
 * What an offer says of the extensions we take; without schemas, which would not fit a header (x402 facts 1.1). `agent-intent`
 * tells a client how to bind its payment to the request (design §4.2): the audience and tool that its intent must name.
 */
export const offeredExtensions = (audience: string, tool: string): Extensions => ({
  'payment-identifier': { info: { required: false } },
  'agent-intent': { info: { version: 1, audience, tool, binding: 'eip3009-nonce' } },
});

export const CREDIT_EXTENSION = 'agent-credit';

/**
 * Says that the same price may be paid from credit, and where credit is bought. Never a part of `accepts` (design §4.3). `required`
 * where nothing else pays: a client need not sign over money to hear so.
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
