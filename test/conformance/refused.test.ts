import type { Hex, LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import vectors from '../vectors/countersign-v1.json' with { type: 'json' };
import { agentIntent, signIntent } from './support/intent.ts';
import { kindOf, type Problem, readProblem } from './support/offer.ts';
import { withinOneSecond } from './support/one-second.ts';
import { base64Json } from '../support/payment-header.ts';
import {
  newAccount,
  nowSeconds,
  type Payment,
  sign,
  type Terms,
  trustedAccount,
  v2,
} from './support/payment.ts';
import { changed, type Form, refusal, reshaped, type Tree } from './support/refusal.ts';
import { lookup, useSharedWorld, whoami } from './support/world.ts';

const world = useSharedWorld();
let account: LocalAccount;
let good: Payment;
beforeAll(async () => {
  account = await trustedAccount(world(), { reports: 1, balance: 1_000_000n });
  good = await sign(world(), account, lookup);
});

const inV2 = async (payload: unknown): Promise<Problem> =>
  await refusal(world(), [['PAYMENT-SIGNATURE', base64Json(payload)]]);
const inV1 = async (payload: unknown): Promise<Problem> =>
  await refusal(world(), [['X-PAYMENT', base64Json(payload)]]);

const full2 = (): Tree => ({ x402Version: 2, accepted: good.accepted, payload: good.payload });
const full1 = (): Tree => ({
  x402Version: 1,
  scheme: 'exact',
  network: 'base-sepolia',
  payload: good.payload,
});

const OTHER_ADDRESS = '0x1111111111111111111111111111111111111111';
const OTHER_BYTES32 = `0x${'ab'.repeat(32)}`;

/** Every signed field with another well-formed value, and the problem that the gateway returns: its type and the field that it names. */
const SIGNED: readonly (readonly [field: string, value: string, kind: string, named: string])[] = [
  ['from', OTHER_ADDRESS, 'invalid-signature', 'payload.signature'],
  [
    'from',
    '0x0000000000000000000000000000000000000000',
    'wrong-payer',
    'payload.authorization.from',
  ],
  ['to', OTHER_ADDRESS, 'recipient-mismatch', 'payload.authorization.to'],
  ['value', '999', 'value-mismatch', 'payload.authorization.value'],
  ['value', '1001', 'value-mismatch', 'payload.authorization.value'],
  ['value', '0', 'value-mismatch', 'payload.authorization.value'],
  ['validAfter', '1', 'invalid-signature', 'payload.signature'],
  ['validAfter', '99999999999', 'not-yet-valid', 'payload.authorization.validAfter'],
  ['validBefore', '99999999999', 'valid-too-long', 'payload.authorization.validBefore'],
  ['validBefore', String(nowSeconds() + 1800), 'invalid-signature', 'payload.signature'],
  ['nonce', OTHER_BYTES32, 'invalid-signature', 'payload.signature'],
];

/** Values that are malformed for every field: the schema rejects them with the field's own path. */
const MALFORMED: readonly unknown[] = [
  undefined,
  null,
  '',
  7,
  true,
  [],
  {},
  '-1',
  '1.5',
  '0x',
  ' 1000',
  '1e3',
  '٣',
  '0'.repeat(80),
  '\u0000',
];

describe.each([
  { header: 'PAYMENT-SIGNATURE', full: full2, give: inV2 },
  { header: 'X-PAYMENT', full: full1, give: inV1 },
])('a changed field in $header', ({ header, full, give }) => {
  it.each(SIGNED)(
    'payload.authorization.%s = %s is rejected as %s',
    async (field, value, kind, named) => {
      const problem = await give(changed(full(), `payload.authorization.${field}`, value));
      expect([kindOf(problem), problem.field]).toEqual([kind, `${header}.${named}`]);
    },
  );

  it.each(['from', 'to', 'value', 'validAfter', 'validBefore', 'nonce'])(
    'payload.authorization.%s with a malformed value is rejected with that field',
    async (field) => {
      for (const value of MALFORMED) {
        const path = `payload.authorization.${field}`;
        const problem = await give(changed(full(), path, value));
        expect([kindOf(problem), problem.field], JSON.stringify(value)).toEqual([
          'malformed-field',
          `${header}.${path}`,
        ]);
      }
    },
  );

  it('an unknown, missing or malformed part is rejected with its path', async () => {
    for (const path of ['payload', 'payload.signature', 'payload.authorization'])
      for (const value of [undefined, null, 'text', 1, []])
        expect((await give(changed(full(), path, value))).field, path).toBe(`${header}.${path}`);
    for (const path of ['more', 'payload.more', 'payload.authorization.more']) {
      const problem = await give(changed(full(), path, 1));
      expect([kindOf(problem), problem.field]).toEqual(['unknown-field', `${header}.${path}`]);
    }
    for (const version of [0, 1, 2, 3, '2', null].filter(
      (each) => each !== full()['x402Version'],
    )) {
      const problem = await give(changed(full(), 'x402Version', version));
      expect([kindOf(problem), problem.field]).toEqual([
        'unsupported-version',
        `${header}.x402Version`,
      ]);
    }
  });
});

describe('a payment that accepts another offer', () => {
  it.each<[string, unknown, string]>([
    ['scheme', 'subscription', 'unsupported-scheme'],
    ['network', 'eip155:8453', 'requirement-mismatch'],
    ['network', 'solana:mainnet', 'unsupported-network'],
    ['network', 'base-sepolia', 'unsupported-network'],
    ['amount', '1', 'requirement-mismatch'],
    ['asset', OTHER_ADDRESS, 'requirement-mismatch'],
    ['payTo', OTHER_ADDRESS, 'requirement-mismatch'],
    ['maxTimeoutSeconds', 86_400, 'requirement-mismatch'],
    ['extra.name', 'USD Coin', 'requirement-mismatch'],
    ['extra.version', '1', 'requirement-mismatch'],
  ])('is rejected for its %s (%s)', async (field, value, kind) => {
    const problem = await inV2(changed(full2(), `accepted.${field}`, value));
    expect([kindOf(problem), problem.field]).toEqual([kind, `PAYMENT-SIGNATURE.accepted.${field}`]);
  });

  it.each(['base', 'ethereum', 'eip155:84532', 'BASE-SEPOLIA'])(
    'is rejected in v1 for its network %s',
    async (network) => {
      const problem = await inV1(changed(full1(), 'network', network));
      expect(problem.field).toBe('X-PAYMENT.network');
    },
  );

  it.each<[string, Terms, string]>([
    ['another payee', { to: OTHER_ADDRESS }, 'recipient-mismatch'],
    ['a unit less', { value: 999n }, 'value-mismatch'],
    ['a unit more', { value: 1_001n }, 'value-mismatch'],
  ])('is rejected when it is signed for %s', async (_, terms, kind) => {
    expect(
      kindOf(await inV2({ ...full2(), ...(await sign(world(), account, lookup, terms)) })),
    ).toBe(kind);
  });
});

describe('a time bound', () => {
  it.each<[string, (now: number) => Terms, string | undefined]>([
    ['validAfter a second ago', (now) => ({ validAfter: now - 1 }), undefined],
    ['validAfter in two seconds', (now) => ({ validAfter: now + 2 }), 'not-yet-valid'],
    ['validBefore in 9 seconds', (now) => ({ validBefore: now + 9 }), undefined],
    ['validBefore in 6 seconds', (now) => ({ validBefore: now + 6 }), 'expired'],
    ['validBefore in 3660 seconds', (now) => ({ validBefore: now + 3_660 }), undefined],
    ['validBefore in 3663 seconds', (now) => ({ validBefore: now + 3_663 }), 'valid-too-long'],
  ])('%s', async (_, terms, kind) => {
    const answer = await withinOneSecond(async (now) =>
      world().send(lookup, v2(await sign(world(), account, lookup, terms(now)))),
    );
    expect(answer.status).toBe(kind === undefined ? 200 : 400);
    if (kind !== undefined) expect(kindOf(await readProblem(answer))).toBe(kind);
  });
});

describe('a signature', () => {
  const forms = vectors.mustFail.paymentSignatureEncodings;

  it.each(Object.keys(forms) as Form[])('in the form %s is rejected', async (form) => {
    // Check `reshaped` against the vectors first.
    expect(reshaped(form, vectors.paid.payment.signature as Hex)).toBe(forms[form]);
    const payload = { ...good.payload, signature: reshaped(form, good.payload.signature) };
    const problem = await inV2(changed(full2(), 'payload', payload));
    expect([kindOf(problem), problem.field]).toEqual([
      'invalid-signature',
      'PAYMENT-SIGNATURE.payload.signature',
    ]);
    const older = await inV1(changed(full1(), 'payload', payload));
    expect([kindOf(older), older.field]).toEqual([
      'invalid-signature',
      'X-PAYMENT.payload.signature',
    ]);
  });

  it.each(Object.keys(forms) as Form[])(
    'of an intent, in the form %s, is rejected',
    async (form) => {
      expect(reshaped(form, vectors.unpaid.signature as Hex)).toBe(
        vectors.mustFail.unpaidSignatureEncodings[form],
      );
      const signed = await signIntent(world(), account, whoami);
      const lines = agentIntent({ ...signed, signature: reshaped(form, signed.signature) });
      const problem = await refusal(world(), Object.entries(lines), whoami);
      expect([kindOf(problem), problem.field]).toEqual([
        'invalid-signature',
        'Agent-Intent.signature',
      ]);
    },
  );

  it.each([
    '0x',
    '0x00',
    `0x${'11'.repeat(64)}`,
    `0x${'11'.repeat(66)}`,
    `0x${'ff'.repeat(65)}`,
    `0x${'11'.repeat(2000)}`,
    'zz',
  ])('of another length or alphabet is rejected: %.20s', async (signature) => {
    const problem = await inV2(changed(full2(), 'payload.signature', signature));
    expect(problem.field).toBe('PAYMENT-SIGNATURE.payload.signature');
  });

  it('of another key is rejected', async () => {
    const { payload } = await sign(world(), newAccount(), lookup);
    const problem = await inV2(changed(full2(), 'payload.signature', payload.signature));
    expect(kindOf(problem)).toBe('invalid-signature');
  });
});
