import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { serveLoopback } from '../../dev/stack/loopback.ts';
import { checkNamed, useCheckout } from './support/checkout.ts';
import { pipe } from './support/command.ts';
import { putStackFile } from './support/stack.ts';

const { world, checkout, read, flags } = useCheckout();

describe('doctor', () => {
  const doctor = async (...words: readonly string[]) =>
    await pipe(await putStackFile(world(), checkout()), ['doctor', '--json', ...words]);

  test('passes on a local stack, with its queues read as operator', async () => {
    const ran = await doctor();
    expect(ran.code, ran.stdout).toBe(0);
    for (const name of [
      'RPC base-sepolia',
      'batches base-sepolia',
      'clock base-sepolia',
      'USDC base-sepolia',
      'facilitator',
      'bound payments',
      'upstream',
      'gateway',
      'receipt keys',
      'queues',
    ]) {
      expect(checkNamed(ran, name)).toMatchObject({ status: 'ok' });
    }
    expect(checkNamed(ran, 'configuration').status).toBe('warn');
  });

  test('fails the queue check of a key that is no operator, and ends with 1', async () => {
    const ran = await doctor('--as', 'agent');
    expect(ran.code).toBe(1);
    expect(checkNamed(ran, 'queues').status).toBe('fail');
  });

  test('reports each fault of the configuration in the words of the gateway', async () => {
    await pipe(checkout(), ['init', ...flags()]);
    const text = await read('wrangler.toml');
    await writeFile(
      join(checkout().directory, 'wrangler.toml'),
      text
        .replace('PAUSED = "false"', 'PAUSED = "maybe"')
        .replace(/^RPC_URLS = .*$/m, 'RPC_URLS = ""'),
    );
    await writeFile(join(checkout().directory, 'tools.json'), '{"tools":[{"id":"x"}]}');
    const ran = await doctor();
    expect(ran.code).toBe(1);
    expect(checkNamed(ran, 'PAUSED').status).toBe('fail');
    expect(checkNamed(ran, 'RPC_URLS').hint).toContain('wrangler.toml');
    expect(checkNamed(ran, 'tools.json').status).toBe('fail');
  });

  test('fails for settings that would drop what the running gateway offers', async () => {
    const { gateway, payTo } = world().stack.description;
    await pipe(checkout(), ['init', ...flags({ 'pay-to': `0x${'d0'.repeat(20)}` })]);
    const file = join(checkout().directory, 'wrangler.toml');
    const text = await read('wrangler.toml');
    await writeFile(file, text.replace(/^AUDIENCES = .*$/m, `AUDIENCES = "${gateway}"`));
    const ran = await doctor();
    expect(ran.code).toBe(1);
    expect(checkNamed(ran, 'change of settings')).toMatchObject({
      status: 'fail',
      hint: `Set GATEWAY_ACCOUNT = "eip155:84532:${payTo.toLowerCase()}".`,
    });
    expect(ran.stdout).toContain('Add it to FORMER_PAY_TO');
  });

  test('warns of an RPC endpoint that rejects the batches of the gateway', async () => {
    const { rpc } = world().stack.description;
    // Forwards to the real chain, with a provider's limit on the size of a batch.
    const limited = await serveLoopback({
      handler: async (request) => {
        const calls = (await request.json()) as readonly unknown[];
        if (calls.length > 50) return Response.json({ error: { code: -32_600 } }, { status: 413 });
        const { headers } = request;
        return await fetch(rpc, { method: 'POST', headers, body: JSON.stringify(calls) });
      },
    });
    try {
      await pipe(checkout(), ['init', ...flags()]);
      const file = join(checkout().directory, 'wrangler.toml');
      await writeFile(file, (await read('wrangler.toml')).replaceAll(rpc, limited.url));
      const ran = await doctor();
      expect(checkNamed(ran, 'RPC base-sepolia').status).toBe('ok');
      expect(checkNamed(ran, 'batches base-sepolia')).toMatchObject({
        status: 'warn',
        says: expect.stringContaining('answers 40 calls in one request') as string,
        hint: expect.stringContaining('RPC_URLS') as string,
      });
    } finally {
      await limited.stop();
    }
  });

  test('detects a wrong clock, another receipt key and a paused gateway', async () => {
    const { createServer } = await import('node:http');
    const server = createServer((request, response) => {
      const body =
        request.url === '/healthz'
          ? { status: 'paused' }
          : { keys: [{ kty: 'OKP', crv: 'Ed25519', kid: 'x' }] };
      response.writeHead(200, {
        'content-type': 'application/json',
        date: new Date(Date.now() + 90_000).toUTCString(),
      });
      response.end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await pipe(checkout(), ['init', ...flags()]);
      const { port } = server.address() as { port: number };
      const ran = await pipe(checkout(), [
        'doctor',
        '--json',
        '--gateway',
        `http://127.0.0.1:${port}`,
      ]);
      expect(ran.code).toBe(1);
      expect(checkNamed(ran, 'gateway').status).toBe('warn');
      expect(checkNamed(ran, 'clock gateway')).toMatchObject({
        status: 'fail',
        says: expect.stringContaining('ahead of this one') as string,
      });
      expect(checkNamed(ran, 'receipt keys').status).toBe('warn');
      expect(checkNamed(ran, '/openapi.json').status).toBe('warn');
      expect(checkNamed(ran, 'queues').status).toBe('skip');
    } finally {
      server.close();
    }
  });
});
