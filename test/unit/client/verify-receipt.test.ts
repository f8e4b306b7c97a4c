import { beforeAll, describe, expect, it } from 'vitest';
import { createReceiptKeys } from '../../../src/client/receipt-keys.ts';
import { verifyReceipt, type Expected } from '../../../src/client/verify-receipt.ts';
import { encodeBase64Url, utf8 } from '../../../src/crypto/bytes.ts';
import { ASSERTION_TYPE, type ReceiptClaims } from '../../../src/protocol/receipt.ts';
import { parsePaymentSignature } from '../../../src/protocol/x402/payment-payload.ts';
import {
  agentOf,
  claimsFor,
  entry,
  GATEWAY,
  HASH,
  offer,
  receiptOf,
  scripted,
  served,
  URL_OF_TOOL,
  USDC,
  type Arrived,
  type Hex,
} from './server.ts';

const arrived: Arrived = {
  url: URL_OF_TOOL,
  method: 'GET',
  headers: new Headers(),
  body: '',
  redirect: 'manual',
};
let claims: Awaited<ReturnType<typeof claimsFor>>;
let expected: Expected;

beforeAll(async () => {
  claims = await claimsFor(arrived, HASH, 'bonjour');
  expected = {
    claims: {
      iss: GATEWAY,
      agent: claims.agent as Expected['claims']['agent'],
      tool: 'translate',
      call: HASH,
      request: claims.request,
      binding: 'intent',
      asset: USDC,
    },
    amount: 20_000n,
    status: 200,
    body: new Uint8Array(utf8('bonjour')),
  };
});

const verifying = async (token: string, more: Partial<Expected> = {}) =>
  await verifyReceipt(createReceiptKeys(scripted().fetch), token, { ...expected, ...more });

describe('verifyReceipt', () => {
  it('accepts a receipt that matches what the client sent and received', async () => {
    expect(await verifying(await receiptOf(claims))).toEqual({
      verified: true,
      claims,
      token: expect.any(String) as string,
    });
  });

  it('rejects a receipt that lacks any one of its claims', async () => {
    for (const name of Object.keys(claims)) {
      const rest = Object.fromEntries(Object.entries(claims).filter(([each]) => each !== name));
      const receipt = await verifying(await receiptOf(rest));
      expect({ name, receipt }).toMatchObject({ name, receipt: { verified: false } });
    }
  });

  const other = `0x${'11'.repeat(32)}`;
  /** For each claim, a wrong value and the reason that the client then reports. */
  const WRONG: Record<keyof ReceiptClaims, readonly [value: unknown, why: string]> = {
    iss: ['https://other.example', 'another iss'],
    agent: [`eip155:84532:0x${'11'.repeat(20)}`, 'another agent'],
    tool: ['other', 'another tool'],
    call: [other, 'another call'],
    request: [other, 'another request'],
    binding: ['none', 'another binding'],
    charged: ['20001', 'charges more'],
    refunded: [1, 'claim refunded'],
    asset: [USDC.replace('84532', '8453'), 'another asset'],
    status: [201, 'another status'],
    response: [other, 'another answer'],
    end: ['soon', 'claim end'],
    usage: [{ tokens: 'many' }, 'claim usage'],
    basis: ['guessed', 'claim basis'],
    entry: ['none', 'claim entry'],
    policy: ['none', 'claim policy'],
    iat: ['now', 'claim iat'],
  };

  it.each<[string, object, string]>([
    ...Object.entries(WRONG).map(([claim, [value, why]]): [string, object, string] => [
      claim,
      { [claim]: value },
      why,
    ]),
    ['status without an answer', { status: 0, response: 'none' }, 'status'],
    ['kind of amount', { charged: '0x10' }, 'claim charged'],
  ])('rejects a receipt with another %s', async (_, more, why) => {
    const receipt = await verifying(await receiptOf({ ...claims, ...more }));
    expect(receipt).toMatchObject({ verified: false });
    expect(receipt.verified ? '' : receipt.why).toContain(why);
  });

  it('rejects a token of another type, e.g. an assertion', async () => {
    expect(await verifying(await receiptOf(claims, ASSERTION_TYPE))).toMatchObject({
      why: 'the token is not a receipt',
    });
  });

  it('rejects a changed, an unsigned and a malformed token', async () => {
    const [head = '', body = '', signature = ''] = (await receiptOf(claims)).split('.');
    const cheap = encodeBase64Url(utf8(JSON.stringify({ ...claims, charged: '0' })));
    const none = encodeBase64Url(
      utf8(JSON.stringify({ ...(JSON.parse(atob(head)) as object), alg: 'none' })),
    );
    for (const token of [
      `${head}.${cheap}.${signature}`,
      `${none}.${body}.`,
      `${none}.${body}.${signature}`,
      `${head}.${body}`,
      'x',
      'y'.repeat(9000),
    ]) {
      expect(await verifying(token)).toMatchObject({ verified: false });
    }
  });

  it('needs the bytes of an answer', async () => {
    const whole = await receiptOf(claims);
    expect(await verifying(whole, { body: undefined })).toMatchObject({ verified: false });
  });
});

describe('createReceiptKeys', () => {
  it('fetches the keys of an audience once, and again for a new key', async () => {
    let rotated = false;
    let asked = 0;
    const real = scripted();
    const keys = createReceiptKeys(async (input, init) => {
      asked += 1;
      expect(String(input as string)).toBe(`${GATEWAY}/.well-known/jwks.json`);
      return rotated ? await real.fetch(input, init) : Response.json({ keys: [] });
    });
    const token = await receiptOf(claims);
    expect(await verifyReceipt(keys, token, expected)).toMatchObject({ verified: false });
    rotated = true;
    expect(await verifyReceipt(keys, token, expected)).toMatchObject({ verified: true });
    expect(await verifyReceipt(keys, token, expected)).toMatchObject({ verified: true });
    expect(asked).toBe(2);
  });

  it.each([
    ['a redirect', () => new Response(null, { status: 302, headers: { Location: 'https://e' } })],
    ['no JSON', () => new Response('keys')],
    ['an exception', () => Promise.reject(new TypeError('down'))],
  ])('leaves a receipt unverified where the keys endpoint answers with %s', async (_, answer) => {
    const keys = createReceiptKeys(async () => await answer());
    expect(await verifyReceipt(keys, await receiptOf(claims), expected)).toEqual({
      verified: false,
      why: `${GATEWAY} does not publish its key`,
    });
  });
});

describe('agent.fetch', () => {
  const nonceOf = (request: Arrived): Hex => {
    const parsed = parsePaymentSignature(request.headers.get('PAYMENT-SIGNATURE') ?? '');
    return parsed.ok ? parsed.value.authorization.nonce : HASH;
  };

  it('returns an answer with a wrong receipt, and states why the receipt is invalid', async () => {
    const server = scripted(
      () => offer(),
      async (request) => await served(request, nonceOf(request), { charged: '1', tool: 'other' }),
    );
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    expect(await answer.text()).toBe('bonjour');
    expect(answer.countersign).toMatchObject({
      charged: 20_000n,
      receipt: { verified: false, why: 'it is for another tool' },
    });
    expect(server.keysAsked).toEqual([`${GATEWAY}/.well-known/jwks.json`]);
  });

  it('cannot verify a receipt of a server without intents', async () => {
    const server = scripted(
      () => offer([entry()], {}),
      async (request) => await served(request, nonceOf(request)),
    );
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    expect(answer.countersign.receipt).toMatchObject({ verified: false });
    expect(server.keysAsked).toEqual([]);
  });

  it('reports an answer without a receipt', async () => {
    const server = scripted(
      () => offer(),
      () => new Response('ok'),
    );
    const { countersign } = await agentOf(server).fetch(URL_OF_TOOL);
    expect('receipt' in countersign && countersign.receipt === undefined).toBe(true);
  });
});
