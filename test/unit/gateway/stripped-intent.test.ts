import fc from 'fast-check';
import { creditsTool } from '../../../src/catalog/gateway-tools.ts';
import type { Tool } from '../../../src/catalog/tool.ts';
import type { Result } from '../../../src/core/result.ts';
import { check } from '../../../src/gateway/check.ts';
import { usableProof } from '../../../src/gateway/request-proof.ts';
import type { CheckedProof, ReceivedRequest } from '../../../src/gateway/paid-request.ts';
import { type ProofFault, readProof } from '../../../src/gateway/proof.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import type { Reason } from '../../../src/protocol/problem/reason.ts';
import { observe } from './fixture.ts';
import {
  intentFor,
  NOW,
  oldPaymentHeader,
  paying,
  paymentHeader,
  paymentOf,
  translate,
  vectorConfig,
} from './signing.ts';
import vectors from '../../vectors/countersign-v1.json';
import { describe, expect, it } from 'vitest';

const { mustFail, paid } = vectors;
const config = vectorConfig([translate]);
const PRICE = 20_000n;

const see = async (): Promise<ReceivedRequest> => {
  const { url, method, contentType, body } = paid.request;
  const seen = await observe(
    new Request(url, { method, body, headers: { 'Content-Type': contentType } }),
    config,
  );
  if (!seen.ok) throw new Error(seen.error.reason);
  return seen.value.received;
};

type Outcome = Result<CheckedProof, Reason | ProofFault> | undefined;

/** Parses and checks the proof in these headers. Undefined if the gateway would answer with an offer or a challenge. */
const outcomeOf = (
  headers: Readonly<Record<string, string>>,
  received: ReceivedRequest,
  tool: Tool = translate,
  now: number = NOW,
): Outcome => {
  const claimed = readProof(new Headers(headers));
  if (!claimed.ok) return claimed;
  if (claimed.value.kind === 'unread') throw new Error('no payment of `upto` here');
  const request = new Request(paid.request.url);
  const paidRequest = { tool, head: received, received, request, run: unused };
  const proof = usableProof(paidRequest, claimed.value);
  return proof === undefined ? undefined : check(config, paidRequest, proof, now);
};

const unused = (): never => {
  throw new Error('nothing is prepared here');
};

type Payment = Awaited<ReturnType<typeof paymentOf>>;
const INTENT = 'PAYMENT-SIGNATURE.extensions.agent-intent.info.intent';
const VALID_AFTER = 'PAYMENT-SIGNATURE.payload.authorization.validAfter';

const ADVERT = {
  version: 1,
  audience: paid.intent.audience,
  tool: paid.intent.tool,
  binding: 'eip3009-nonce',
};

/** A payment signed by the vectors' agent, in x402 v2's form without an intent. */
const published = (payment: {
  readonly authorization: (typeof mustFail.strippedPayment)['authorization'];
  readonly signature: string;
}) => ({
  x402Version: 2,
  accepted: {
    scheme: 'exact',
    network: 'eip155:84532',
    amount: PRICE.toString(),
    asset: paid.intent.asset,
    payTo: paid.intent.payTo,
    maxTimeoutSeconds: 3_600,
    extra: { name: 'USDC', version: '2' },
  },
  payload: { signature: payment.signature, authorization: payment.authorization },
});
const withIntent = (payment: ReturnType<typeof published>) => ({
  ...payment,
  extensions: { 'agent-intent': { info: { ...ADVERT, intent: paid.intent } } },
});
const asVersion1 = ({ payload }: Pick<Payment, 'payload'> | ReturnType<typeof published>) => ({
  'X-PAYMENT': btoa(
    JSON.stringify({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload }),
  ),
});

const stripped = published(mustFail.strippedPayment);

/** Every form in which an attacker can send a bound payment without its intent. */
const strippings: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['v2 without extensions', paymentHeader(stripped)],
  ['v2 with extensions null', paymentHeader({ ...stripped, extensions: null })],
  ['v2 with empty extensions', paymentHeader({ ...stripped, extensions: {} })],
  [
    'v2 with the advert echoed',
    paymentHeader({ ...stripped, extensions: { 'agent-intent': { info: ADVERT } } }),
  ],
  [
    'v2 with a payment-identifier',
    paymentHeader({
      ...stripped,
      extensions: { 'payment-identifier': { info: { id: 'a'.repeat(32) } } },
    }),
  ],
  [
    'v2 with the intent under another name',
    paymentHeader({
      ...stripped,
      extensions: { 'agent-intents': { info: { intent: paid.intent } } },
    }),
  ],
  [
    'v2 with the intent beside info',
    paymentHeader({
      ...stripped,
      extensions: { 'agent-intent': { info: ADVERT, intent: paid.intent } },
    }),
  ],
  ['v1', asVersion1(stripped)],
];

const tools: readonly (readonly [string, Tool])[] = [
  ['settled later', translate],
  ['settled first', { ...translate, settlement: 'upfront' }],
  ['paid from credit', { ...translate, settlement: 'credit' }],
  ['of variable price', { ...translate, settlement: 'credit', pricing: 'upto' }],
  ['that costs nothing', { ...translate, settlement: 'free', price: 0n }],
  ['of another price', { ...translate, price: 1n }],
  ['that requires binding', { ...translate, requireBinding: 'intent' }],
  ['that sells credit', creditsTool(PRICE)],
];

describe('a bound payment without its intent', () => {
  it.each(strippings)('is rejected as %s, by every tool', async (_, headers) => {
    const observed = await see();
    for (const [name, tool] of tools)
      expect(outcomeOf(headers, observed, tool), name).toMatchObject({
        ok: false,
        error: { reason: 'binding_required', because: 'marked' },
      });
  });

  it('is rejected before and after its validity', async () => {
    const observed = await see();
    for (const now of [0, NOW - 10_000, NOW + 49, NOW + 50, NOW + 86_400 * 400])
      expect(outcomeOf(paymentHeader(stripped), observed, translate, now)).toMatchObject({
        ok: false,
        error: { reason: 'binding_required', field: INTENT },
      });
  });

  it('names the field of the intent, or the header that cannot carry one', async () => {
    const observed = await see();
    expect(outcomeOf(paymentHeader(stripped), observed)).toEqual({
      ok: false,
      error: { reason: 'binding_required', field: INTENT, version: 2, because: 'marked' },
    });
    expect(outcomeOf(asVersion1(stripped), observed)).toEqual({
      ok: false,
      error: { reason: 'binding_required', field: 'X-PAYMENT', version: 1, because: 'marked' },
    });
  });

  it.each([null, {}, [], '', 'x', 0, 1, true, [paid.intent]])(
    'and with %j in its place is malformed, not absent',
    async (intent) => {
      const observed = await see();
      for (const payment of [stripped, published(mustFail.unmarkedPayments['0'])]) {
        const extensions = { 'agent-intent': { info: { ...ADVERT, intent } } };
        const result = outcomeOf(paymentHeader({ ...payment, extensions }), observed);
        expect(result).toMatchObject({ ok: false, error: { reason: 'malformed_field' } });
        const field = result?.ok === false && 'field' in result.error ? result.error.field : '';
        expect(field.startsWith(INTENT)).toBe(true);
      }
    },
  );
});

describe('the published payments with another validAfter', () => {
  it.each(Object.entries(mustFail.unmarkedPayments))(
    '%s: rejected with the intent of the bound one, with that field',
    async (value, payment) => {
      expect(outcomeOf(paymentHeader(withIntent(published(payment))), await see())).toEqual({
        ok: false,
        error: {
          reason: 'intent_mismatch',
          field: VALID_AFTER,
          expected: vectors.boundValidAfter,
          got: value,
        },
      });
    },
  );

  it('of an unknown form is rejected without an intent as well, in both versions', async () => {
    const payment = published(mustFail.unmarkedPayments['1131378031']);
    const observed = await see();
    for (const [version, headers] of [
      [2, paymentHeader(payment)],
      [1, asVersion1(payment)],
    ] as const)
      for (const [name, tool] of tools)
        expect(outcomeOf(headers, observed, tool), name).toEqual({
          ok: false,
          error: {
            reason: 'binding_required',
            field: version === 2 ? VALID_AFTER : 'X-PAYMENT.payload.authorization.validAfter',
            version,
            because: 'unknown_mark',
          },
        });
  });

  it.each(['0', '1131378029', '1799999990'] as const)(
    '%s is plain x402 without an intent, also if the client echoes the offer',
    async (value) => {
      const payment = published(mustFail.unmarkedPayments[value]);
      const observed = await see();
      const echoed = { ...payment, extensions: { 'agent-intent': { info: ADVERT } } };
      for (const headers of [paymentHeader(payment), paymentHeader(echoed), asVersion1(payment)])
        expect(outcomeOf(headers, observed)).toMatchObject({
          ok: true,
          value: { binding: 'none', execute: true, signedByKey: true },
        });
    },
  );
});

describe('a marked payment, changed in any way', () => {
  /** Variants that an attacker may try: another value, with or without the intent, in either version. */
  const mutations = fc.record({
    offset: fc.oneof(
      fc.integer({ min: -300, max: 300 }),
      fc.constant(0),
      fc.constantFrom(-1, 1, 255, 256, -Number(BOUND_VALID_AFTER)),
    ),
    intent: fc.constantFrom('kept', 'stripped', 'advert'),
    version: fc.constantFrom(1, 2),
    signed: fc.boolean(),
  });

  it('is bound only with mark and intent, vanilla only without both, and rejected otherwise', async () => {
    const observed = await see();
    const intent = intentFor(observed, paying(PRICE));
    const marked = await paymentOf({ intent });
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(mutations, async (mutation) => {
        const validAfter = BOUND_VALID_AFTER + BigInt(mutation.offset);
        const whole = mutation.signed ? await paymentOf({ intent, validAfter }) : marked;
        const { authorization } = whole.payload;
        const payload = {
          ...whole.payload,
          authorization: { ...authorization, validAfter: validAfter.toString() },
        };
        const extensions = {
          kept: whole.extensions,
          stripped: undefined,
          advert: { 'agent-intent': { info: ADVERT } },
        }[mutation.intent];
        const headers =
          mutation.version === 1
            ? oldPaymentHeader({ ...whole, payload })
            : paymentHeader({ ...whole, payload, extensions });
        const result = outcomeOf(headers, observed);
        const hasIntent = mutation.version === 2 && mutation.intent === 'kept';
        const isReserved = mutation.offset >= 0 && mutation.offset < 256;
        const isGood = result?.ok === true && result.value.signedByKey && result.value.execute;
        const expected = hasIntent ? mutation.offset === 0 : !isReserved;
        // Another value under the old signature recovers another signer, so only a contract could accept it.
        const isSigned = mutation.signed || mutation.offset === 0;
        expect(isGood).toBe(expected && isSigned);
        if (isGood) expect(result.value.binding).toBe(hasIntent ? 'intent' : 'none');
        seen.add(`${hasIntent} ${isGood}`);
      }),
      { numRuns: 300 },
    );
    expect([...seen].toSorted()).toEqual(['false false', 'false true', 'true false', 'true true']);
  });

  it('to Permit2 is rejected: the mark is for EIP-3009 only', async () => {
    const payment = await paymentOf({ intent: intentFor(await see(), paying(PRICE)) });
    const { signature, authorization } = payment.payload;
    const permit2Authorization = {
      from: authorization.from,
      permitted: { token: paid.intent.asset, amount: authorization.value },
      spender: paid.intent.payTo,
      nonce: paid.payment.permit2Nonce,
      deadline: authorization.validBefore,
      witness: { to: authorization.to, validAfter: vectors.boundValidAfter },
    };
    for (const payload of [
      { signature, permit2Authorization },
      { signature, authorization, permit2Authorization },
    ])
      expect(outcomeOf(paymentHeader({ ...payment, payload }), await see())).toMatchObject({
        ok: false,
        error: { field: expect.stringMatching(/^PAYMENT-SIGNATURE\.payload\./) },
      });
  });
});
