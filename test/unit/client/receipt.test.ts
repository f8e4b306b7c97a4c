import { beforeAll, describe, expect, it } from 'vitest';
import { createReceiptKeys } from '../../../src/client/receipt-keys.ts';
import { verifyReceipt, type Expected } from '../../../src/client/receipt.ts';
import { encodeBase64Url, utf8 } from '../../../src/crypto/bytes.ts';
import { ASSERTION_TYPE } from '../../../src/protocol/receipt.ts';
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
    audience: GATEWAY,
    agent: claims.agent as Expected['agent'],
    tool: 'translate',
    call: HASH,
    request: claims.request,
    binding: 'intent',
    asset: USDC,
    amount: 20_000n,
    status: 200,
    body: new Uint8Array(utf8('bonjour')),
  };
});

const verifying = async (token: string, more: Partial<Expected> = {}) =>
  await verifyReceipt(createReceiptKeys(scripted().fetch), token, { ...expected, ...more });

describe('a receipt', () => {
  it('holds that says what was sent and what came', async () => {
    expect(await verifying(await receiptOf(claims))).toEqual({ verified: true, claims });
  });

  it('of a gateway that does not state the binding yet holds', async () => {
    const { binding: _, ...older } = claims;
    expect(await verifying(await receiptOf(older))).toMatchObject({ verified: true });
  });

  const other = `0x${'11'.repeat(32)}`;
  it.each([
    ['audience', { iss: 'https://other.example' }, 'iss'],
    ['agent', { agent: `eip155:84532:0x${'11'.repeat(20)}` }, 'agent'],
    ['tool', { tool: 'other' }, 'tool'],
    ['call', { call: other }, 'call'],
    ['request', { request: other }, 'request'],
    ['asset', { asset: USDC.replace('84532', '8453') }, 'asset'],
    ['binding', { binding: 'none' }, 'binding'],
    ['status', { status: 201 }, 'status'],
    ['status without an answer', { status: 0, response: 'none' }, 'status'],
    ['answer', { response: other }, 'answer'],
    ['amount', { charged: '20001' }, 'charges more'],
    ['kind of amount', { charged: '0x10' }, 'claim charged'],
    ['form', { entry: 'none' }, 'claim entry'],
  ])('for another %s does not', async (_, more, why) => {
    const receipt = await verifying(await receiptOf({ ...claims, ...more }));
    expect(receipt).toMatchObject({ verified: false });
    expect(receipt.verified ? '' : receipt.why).toContain(why);
  });

  it('of another type does not: an assertion is no receipt', async () => {
    expect(await verifying(await receiptOf(claims, ASSERTION_TYPE))).toMatchObject({
      why: 'it is a statement of another type',
    });
  });

  it('that is changed, unsigned or garbage does not', async () => {
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

  it('of a stream holds without bytes, one of bytes does not', async () => {
    const streamed = await receiptOf({ ...claims, response: 'streamed' });
    expect(await verifying(streamed, { body: undefined })).toMatchObject({ verified: true });
    const whole = await receiptOf(claims);
    expect(await verifying(whole, { body: undefined })).toMatchObject({ verified: false });
  });
});

describe('the keys of receipts', () => {
  it('are asked of the audience, once, and once more for a new key', async () => {
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
  ])('that cannot be had for %s leave a receipt unverified', async (_, answer) => {
    const keys = createReceiptKeys(async () => await answer());
    expect(await verifyReceipt(keys, await receiptOf(claims), expected)).toEqual({
      verified: false,
      why: `its key is not among those of ${GATEWAY}`,
    });
  });
});

describe('an answer', () => {
  const nonceOf = (request: Arrived): Hex => {
    const parsed = parsePaymentSignature(request.headers.get('PAYMENT-SIGNATURE') ?? '');
    return parsed.ok ? parsed.value.authorization.nonce : HASH;
  };

  it('with a wrong receipt is given, with why it does not hold', async () => {
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

  it('of a server without intents cannot have one that holds', async () => {
    const server = scripted(
      () => offer([entry()], {}),
      async (request) => await served(request, nonceOf(request)),
    );
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    expect(answer.countersign.receipt).toMatchObject({ verified: false });
    expect(server.keysAsked).toEqual([]);
  });

  it('without one says so', async () => {
    const server = scripted(
      () => offer(),
      () => new Response('ok'),
    );
    const { countersign } = await agentOf(server).fetch(URL_OF_TOOL);
    expect('receipt' in countersign && countersign.receipt === undefined).toBe(true);
  });
});
