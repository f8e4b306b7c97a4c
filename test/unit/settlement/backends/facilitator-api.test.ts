import { afterEach, expect, test, vi } from 'vitest';
import { checksummed } from '../../../../src/crypto/address.ts';
import { postSettle } from '../../../../src/settlement/backends/facilitator-api.ts';
import { FACILITATOR, paymentNumber } from '../scripted.ts';
import { answerHosts } from '../scripted-chain.ts';

const payment = paymentNumber(1);
const transaction = `0x${'aa'.repeat(32)}`;

afterEach(() => {
  vi.restoreAllMocks();
});

const answered = async (respond: () => Response | Promise<Response>) => {
  answerHosts({ 'facilitator.test': respond });
  return await postSettle({ url: FACILITATOR }, payment);
};

test('sends x402 v2, rebuilt from the verified payment, and nothing else', async () => {
  let sent: unknown;
  let at = '';
  answerHosts({
    'facilitator.test': (body, path) => {
      sent = body;
      at = path;
      return Response.json({ success: true, transaction });
    },
  });
  expect(await postSettle({ url: `${FACILITATOR}/x402/` }, payment)).toEqual({
    kind: 'claimed_success',
    transaction,
  });
  const requirements = {
    scheme: 'exact',
    network: 'eip155:84532',
    amount: '1000',
    asset: payment.token.address,
    payTo: payment.authorization.to,
    maxTimeoutSeconds: 3_600,
    extra: { name: 'USDC', version: '2' },
  };
  expect(at).toBe('/x402/settle');
  expect(sent).toEqual({
    x402Version: 2,
    paymentPayload: {
      x402Version: 2,
      resource: { url: 'https://payment.invalid/' },
      accepted: requirements,
      payload: {
        signature: payment.signature,
        authorization: {
          from: payment.authorization.from,
          to: payment.authorization.to,
          value: '1000',
          validAfter: '0',
          validBefore: payment.authorization.validBefore.toString(),
          nonce: payment.authorization.nonce,
        },
      },
    },
    paymentRequirements: requirements,
  });
});

test.each<[string, unknown, number, unknown]>([
  [
    'success',
    { success: true, transaction, network: 'x', payer: null, errorReason: null },
    200,
    { kind: 'claimed_success', transaction },
  ],
  [
    'failure',
    { success: false, errorReason: 'insufficient_funds', transaction: '' },
    200,
    { kind: 'claimed_failure', reason: 'insufficient_funds' },
  ],
  [
    'failure with 4xx',
    { success: false, errorReason: 'invalid_payload' },
    400,
    { kind: 'claimed_failure', reason: 'invalid_payload' },
  ],
  [
    'failure without a reason',
    { success: false },
    200,
    { kind: 'claimed_failure', reason: 'no reason given' },
  ],
  [
    'a very long reason',
    { success: false, errorReason: 'x'.repeat(10_000) },
    200,
    { kind: 'claimed_failure', reason: 'x'.repeat(200) },
  ],
  [
    'pending',
    { success: false, errorReason: 'settlement_pending', transaction },
    200,
    { kind: 'pending', transaction },
  ],
  [
    'pending without a hash',
    { success: false, errorReason: 'settlement_pending', transaction: '' },
    200,
    { kind: 'pending' },
  ],
  [
    'success without a hash',
    { success: true, transaction: '' },
    200,
    { kind: 'unreachable', why: 'success_without_transaction' },
  ],
  [
    'success with half a hash',
    { success: true, transaction: '0xaa' },
    200,
    { kind: 'unreachable', why: 'success_without_transaction' },
  ],
  [
    'success that is text',
    { success: 'true', transaction },
    200,
    { kind: 'unreachable', why: 'status_200' },
  ],
  ['another form', { ok: 1 }, 500, { kind: 'unreachable', why: 'status_500' }],
])('%s', async (_, body, status, expected) => {
  expect(await answered(() => Response.json(body, { status }))).toEqual(expected);
});

test.each<[string, () => Response, string]>([
  ['a page', () => new Response('<html>busy</html>', { status: 503 }), 'not_json'],
  [
    'a redirect',
    () => new Response(null, { status: 307, headers: { location: 'https://evil.test' } }),
    'redirect',
  ],
  ['a flood', () => new Response(`"${'x'.repeat(100_000)}"`), 'too_large'],
])('is unreachable: %s', async (_, respond, why) => {
  expect(await answered(respond)).toEqual({ kind: 'unreachable', why });
});

test('429 concerns the gateway, whatever its reason, and sets the pause', async () => {
  const body = { success: false, errorReason: 'insufficient_funds' };
  const limited = (headers: Record<string, string>) => () =>
    Response.json(body, { status: 429, headers });
  expect(await answered(limited({ 'retry-after': '7' }))).toEqual({
    kind: 'unreachable',
    why: 'status_429',
    retryAfter: 7,
  });
  const date = limited({ 'retry-after': 'Wed, 25 Nov 2026 07:28:00 GMT' });
  expect(await answered(date)).toEqual({ kind: 'unreachable', why: 'status_429' });
  const page = () => new Response('busy', { status: 503, headers: { 'retry-after': '9' } });
  expect(await answered(page)).toEqual({ kind: 'unreachable', why: 'not_json', retryAfter: 9 });
});

test('is unreachable without a connection, and without an answer', async () => {
  answerHosts({});
  expect(await postSettle({ url: FACILITATOR }, payment)).toEqual({
    kind: 'unreachable',
    why: 'connection',
  });
  vi.restoreAllMocks();
  vi.spyOn(globalThis, 'fetch').mockImplementation(
    async (_, init) =>
      await new Promise((__, reject) => {
        init?.signal?.addEventListener('abort', () => {
          reject(init.signal?.reason as Error);
        });
      }),
  );
  expect(await postSettle({ url: FACILITATOR }, payment, 20)).toEqual({
    kind: 'unreachable',
    why: 'timeout',
  });
});

test('presents a permit with the maximum as accepted and the charge as required', async () => {
  let sent: unknown;
  answerHosts({
    'facilitator.test': (body) => {
      sent = body;
      return Response.json({ success: true, transaction, amount: '7' });
    },
  });
  const facilitator = `0x${'fa'.repeat(20)}` as const;
  const approval = { nonce: '3', deadline: '99', signature: `0x${'44'.repeat(65)}` } as const;
  const permit = { ...payment, permit: { facilitator, approval }, charge: 7n };
  expect(await postSettle({ url: FACILITATOR }, permit)).toMatchObject({ kind: 'claimed_success' });
  const { from, to, validBefore } = payment.authorization;
  const required = {
    ...{ scheme: 'upto', network: 'eip155:84532', amount: '7', maxTimeoutSeconds: 3_600 },
    asset: checksummed(payment.token.address),
    payTo: checksummed(to),
    extra: {
      ...{ name: 'USDC', version: '2', assetTransferMethod: 'permit2' },
      facilitatorAddress: checksummed(facilitator),
    },
  };
  expect(sent).toEqual({
    x402Version: 2,
    paymentPayload: {
      x402Version: 2,
      resource: { url: 'https://payment.invalid/' },
      accepted: { ...required, amount: '1000' },
      payload: {
        signature: payment.signature,
        permit2Authorization: {
          from,
          permitted: { token: payment.token.address, amount: '1000' },
          spender: '0x4020a4f3b7b90cca423b9fabcc0ce57c6c240002',
          ...{ nonce: '1', deadline: validBefore.toString() },
          witness: { to, facilitator, validAfter: '0' },
        },
      },
      extensions: {
        eip2612GasSponsoring: {
          info: {
            ...{ from, asset: payment.token.address, amount: '1000', version: '1' },
            spender: '0x000000000022d473030f116ddee9f6b43ac78ba3',
            ...approval,
          },
        },
      },
    },
    paymentRequirements: required,
  });
});
