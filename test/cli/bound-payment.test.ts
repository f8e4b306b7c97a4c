import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { boundPaymentCheck } from '../../src/cli/doctor/facilitator-checks.ts';
import vectors from '../vectors/countersign-v1.json' with { type: 'json' };

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

type VerifyRequest = {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: {
    readonly x402Version: number;
    readonly paymentPayload: {
      readonly payload: { readonly authorization: Readonly<Record<string, string>> };
    };
  };
};

/** A facilitator with a fixed answer to `/verify`. */
const facilitatorWith = async (body: string, status = 200) => {
  const requests: VerifyRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({
        path: request.url ?? '',
        authorization: request.headers.authorization,
        body: JSON.parse(Buffer.concat(chunks).toString()) as VerifyRequest['body'],
      });
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x402/`, requests };
};

const refusing = async (invalidReason: unknown) =>
  await facilitatorWith(JSON.stringify({ isValid: false, invalidReason, payer: '0x' }));

describe('the bound payment check', () => {
  test('sends a bound payment of an account without funds', async () => {
    const { url, requests } = await refusing('invalid_exact_evm_insufficient_balance');
    const found = await boundPaymentCheck(url, 'eip155:84532', { authorization: 'Bearer x' });
    expect(found).toMatchObject({ name: 'bound payments', status: 'ok' });
    expect(requests).toMatchObject([
      { path: '/x402/verify', authorization: 'Bearer x', body: { x402Version: 2 } },
    ]);
    const { validAfter, from, to } = requests[0]?.body.paymentPayload.payload.authorization ?? {};
    expect(validAfter).toBe(vectors.boundValidAfter);
    expect(from).not.toBe(to);
  });

  test.each(['insufficient_funds', 'invalid_exact_evm_insufficient_balance'])(
    'passes on %s',
    async (reason) => {
      const { url } = await refusing(reason);
      expect(await boundPaymentCheck(url, 'eip155:8453')).toMatchObject({ status: 'ok' });
    },
  );

  test.each([
    'invalid_exact_evm_payload_authorization_valid_after',
    'authorization is not yet valid',
  ])('fails on %s with a next step', async (reason) => {
    const { url } = await refusing(reason);
    const found = await boundPaymentCheck(url, 'eip155:84532');
    expect(found).toMatchObject({ status: 'fail' });
    expect(found.says).toContain(reason);
    expect(found.hint).toContain('FACILITATORS');
  });

  test.each<[string, string, number]>([
    ['another reason', '{"isValid":false,"invalidReason":"unexpected_verify_error"}', 200],
    ['no reason', '{"isValid":false}', 200],
    ['another form', '{"ok":true}', 200],
    ['a page', '<html>', 404],
  ])('warns after %s', async (_, body, status) => {
    const { url } = await facilitatorWith(body, status);
    const found = await boundPaymentCheck(url, 'eip155:84532');
    expect(found).toMatchObject({ status: 'warn' });
    expect(found.hint).toContain('does not know');
  });

  test('strips terminal controls from the reason', async () => {
    const { url } = await refusing(`valid_after${String.fromCharCode(27)}[2J${'x'.repeat(500)}`);
    const { says } = await boundPaymentCheck(url, 'eip155:84532');
    expect(says).not.toContain(String.fromCharCode(27));
    expect(says.length).toBeLessThan(200);
  });

  test('warns if nothing listens or no token is known', async () => {
    const silent = await boundPaymentCheck('http://127.0.0.1:1', 'eip155:84532');
    const unknown = await boundPaymentCheck('http://127.0.0.1:1', 'eip155:999999');
    expect([silent.status, unknown.status]).toEqual(['warn', 'warn']);
  });
});
