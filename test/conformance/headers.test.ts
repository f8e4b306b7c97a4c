import fc from 'fast-check';
import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { kindOf, readProblem } from './support/offer.ts';
import { base64Json } from '../support/payment-header.ts';
import { type Payment, sign, trustedAccount, v1, v2 } from './support/payment.ts';
import { changed, type HeaderLine, refusal } from './support/refusal.ts';
import { lookup, useSharedWorld, whoami } from './support/world.ts';

const world = useSharedWorld();
let account: LocalAccount;
let good: Payment;
beforeAll(async () => {
  account = await trustedAccount(world(), { reports: 1, balance: 1_000_000n });
  good = await sign(world(), account, lookup);
});

describe('a payment header', () => {
  const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');
  const signed = (): string => v2(good)['PAYMENT-SIGNATURE'];

  it.each<[string, () => readonly HeaderLine[], string]>([
    [
      'repeated',
      () => [
        ['PAYMENT-SIGNATURE', signed()],
        ['Payment-Signature', signed()],
      ],
      'duplicate-header',
    ],
    [
      'repeated in v1',
      () => [
        ['X-PAYMENT', v1(good)['X-PAYMENT']],
        ['X-Payment', v1(good)['X-PAYMENT']],
      ],
      'duplicate-header',
    ],
    [
      'next to the other version',
      () => [...Object.entries(v2(good)), ...Object.entries(v1(good))],
      'too-many-proofs',
    ],
    [
      'next to an intent',
      () => [...Object.entries(v2(good)), ['Agent-Intent', 'e30']],
      'too-many-proofs',
    ],
    ['over its size limit', () => [['PAYMENT-SIGNATURE', 'A'.repeat(16_388)]], 'too-large'],
    [
      'of spaces, over its size limit',
      () => [['X-PAYMENT', base64(' '.repeat(12_291))]],
      'too-large',
    ],
    [
      'with a space inside',
      () => [['PAYMENT-SIGNATURE', `${signed().slice(0, 8)} ${signed().slice(8)}`]],
      'malformed-header',
    ],
    ['in latin-1', () => [['PAYMENT-SIGNATURE', '\u00e9\u00e9\u00e9\u00e9']], 'malformed-header'],
  ])('%s is rejected with its name', async (_, lines, kind) => {
    const problem = await refusal(world(), lines());
    expect(problem.field).toMatch(/^(PAYMENT-SIGNATURE|X-PAYMENT)/);
    expect(kindOf(problem)).toBe(kind);
  });

  it('does not use the payment up when it is rejected', async () => {
    expect((await world().send(lookup, v2(good))).status).toBe(200);
  });
});

describe('2,000 random headers', () => {
  const BATCH = 20;
  const safe = fc
    .string({ unit: 'binary-ascii', maxLength: 200 })
    .map((text) => text.replace(/[^ -~]/g, '~'));
  const base64 = fc
    .uint8Array({ maxLength: 300 })
    .map((bytes) => Buffer.from(bytes).toString('base64'));
  const json = fc.jsonValue({ maxDepth: 4 }).map(base64Json);
  const fields = [
    ...['x402Version', 'payload', 'payload.signature', 'payload.authorization', 'accepted'],
    ...['scheme', 'network', 'amount', 'asset', 'payTo', 'maxTimeoutSeconds'].map(
      (name) => `accepted.${name}`,
    ),
    ...['from', 'to', 'value', 'validAfter', 'validBefore', 'nonce'].map(
      (name) => `payload.authorization.${name}`,
    ),
  ];
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.bigInt().map(String),
    fc.string({ unit: 'binary' }),
  );
  /** A payment in which one field has a random value. */
  const spoilt = fc
    .tuple(fc.constantFrom(...fields), value)
    .map(([field, made]) => base64Json(changed({ x402Version: 2, ...good }, field, made)))
    .filter((header) => header !== v2(good)['PAYMENT-SIGNATURE']);
  const line = fc.tuple(
    fc.constantFrom('PAYMENT-SIGNATURE', 'X-PAYMENT', 'Agent-Intent'),
    fc.oneof(safe, base64, json, spoilt),
  );

  it('are each rejected with a reason, and run nothing', async () => {
    const before = await world().counts();
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: BATCH, maxLength: BATCH }), async (lines) => {
        await Promise.all(
          lines.map(async ([name, text]) => {
            const call = name === 'Agent-Intent' ? whoami : lookup;
            const answer = await world().send(call, { [name]: text });
            expect([400, 431], `${name}: ${text}`).toContain(answer.status);
            expect((await readProblem(answer)).field).toMatch(new RegExp(`^${name}`));
          }),
        );
      }),
      { numRuns: 2_000 / BATCH, seed: 402 },
    );
    expect(await world().counts()).toEqual(before);
  });
});
