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
      'agent-intent': z.nullish(
        z.looseObject(
          { info: z.looseObject({ intent: z.nullish(agentIntentSchema) }, 'must be an object') },
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

/** What an offer says of the extensions we take; without schemas, which would not fit a header (x402 facts 1.1). */
export const offeredExtensions: Readonly<Record<string, unknown>> = {
  'payment-identifier': { info: { required: false } },
};
