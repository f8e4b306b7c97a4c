import * as z from 'zod/mini';
import { CliError, usageError } from '../lib/errors.ts';
import { httpGet } from '../lib/http-get.ts';
import type { Input } from '../lib/input.ts';
import { sentence } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';

const keySchema = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)),
  kid: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)),
  alg: z.literal('EdDSA'),
  use: z.literal('sig'),
});
const keySetSchema = z.strictObject({
  keys: z.array(keySchema).check(z.minLength(1), z.maxLength(32)),
});

/**
 * Reads the published keys and prints the next step: RECEIPT_KEY and FORMER_RECEIPT_KEYS hold them, and only a deployment changes them. The
 * gateway lists the key that signs first.
 *
 * @throws CliError
 */
export const rotateReceiptKey = async (session: Session, input: Input): Promise<void> => {
  const { out, profile, signal } = session;
  const gateway = await profile.gateway();
  const answer = await httpGet(`${gateway}/.well-known/jwks.json`, signal);
  const read = answer.ok ? keySetSchema.safeParse(answer.value.json) : undefined;
  const [current, ...former] = read?.success === true ? read.data.keys : [];
  if (current === undefined) {
    throw new CliError(`${gateway} publishes no keys.`, {
      hint: '`countersign doctor` checks the gateway.',
      code: 'no_gateway',
    });
  }
  const [, old] = input.arguments;
  if (old === undefined || old === current.kid) {
    const value = JSON.stringify([current, ...former]);
    const document = { step: 'replace', current: current.kid, former: [current, ...former] };
    out.result(document, () =>
      [
        sentence(
          out,
          'Set FORMER_RECEIPT_KEYS and deploy, so that receipts of the present key go on verifying:',
        ),
        `FORMER_RECEIPT_KEYS = '${value}'`,
        sentence(
          out,
          `Then \`npx countersign keys jwk | npx wrangler secret put RECEIPT_KEY\`, and \`countersign keys rotate receipt ${current.kid}\` to check. Leave a leaked key out of FORMER_RECEIPT_KEYS.`,
        ),
      ].join('\n'),
    );
    return;
  }
  if (!/^[A-Za-z0-9_-]{43}$/.test(old))
    throw usageError('That is not a `kid`.', 'Give the kid that the first run printed, or none.');
  if (former.some(({ kid }) => kid === old)) {
    out.result({ step: 'done', current: current.kid, old }, () =>
      sentence(
        out,
        'The gateway signs with the new key, and receipts of the old one verify. Keep it listed for as long as your customers keep receipts.',
      ),
    );
    return;
  }
  throw new CliError('The gateway does not list that key: its receipts no longer verify.', {
    hint: 'Add the public key to FORMER_RECEIPT_KEYS and deploy, unless it leaked.',
    code: 'unknown_key',
    details: { current: current.kid },
  });
};
