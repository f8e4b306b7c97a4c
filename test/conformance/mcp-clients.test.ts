import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { withX402Client } from 'agents/x402';
import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { withPayment } from 'x402-mcp';
import { base64Json } from '../support/payment-header.ts';
import { retryKey, signFields, intentFor } from './support/intent.ts';
import {
  asSigned,
  type CallResult,
  callRaw,
  connect,
  endpointOf,
  type Json,
  lookupByMcp,
  payBound,
  payFor,
  receiptIn,
  translateByMcp,
  whoamiByMcp,
} from './support/mcp.ts';
import { transfersFrom, trustedAccount, ascending } from './support/payment.ts';
import { useSharedWorld } from './support/world.ts';
import { intentFields } from '../../src/protocol/intent/agent-intent.ts';

const world = useSharedWorld();

let account: LocalAccount;
beforeAll(async () => {
  account = await trustedAccount(world(), { reports: 4, balance: 1_000_000n });
});

/** Expects a paid answer of `translate`, for $0.02. */
const expectPaid = async (result: CallResult): Promise<void> => {
  expect(result.isError, JSON.stringify(result)).not.toBe(true);
  expect(result.structuredContent).toMatchObject({ to: 'fr' });
  expect(JSON.parse(result.content[0]?.text ?? '')).toEqual(result.structuredContent);
  expect(result._meta).toMatchObject({
    'x402/payment-response': { success: true, network: 'eip155:84532', amount: '20000' },
    'x402.payment-response': { success: true, network: 'base-sepolia' },
  });
  expect(await receiptIn(world(), result)).toMatchObject({
    tool: 'translate',
    charged: '20000',
    status: 200,
  });
};

/** Expects that `use` runs `translate` once, and that one payment of $0.02 settles. */
const paysOnce = async (use: () => Promise<CallResult>): Promise<void> => {
  const before = {
    ran: await world().counts(),
    paid: await transfersFrom(world(), account.address),
  };
  await expectPaid(await use());
  expect((await world().counts()).translate).toBe(before.ran.translate + 1);
  await expect
    .poll(async () => [...(await transfersFrom(world(), account.address))].toSorted(ascending), {
      timeout: 30_000,
    })
    .toEqual([...before.paid, 20_000n].toSorted(ascending));
};

describe('a paid tool', () => {
  it('is called by withX402Client of agents 0.32', async () => {
    const client = withX402Client(await connect(world()), { account });
    const { tools } = await client.listTools();
    expect(tools.find(({ name }) => name === 'translate')?._meta).toMatchObject({
      'agents-x402/paymentRequired': true,
      'agents-x402/priceUSD': 0.02,
    });
    const asked: unknown[] = [];
    await paysOnce(
      async () =>
        (await client.callTool(async (offers: unknown) => {
          asked.push(offers);
          return true;
        }, translateByMcp)) as CallResult,
    );
    expect(asked).toMatchObject([[{ amount: '20000', network: 'eip155:84532' }]]);
    await client.close();
  });

  it('is called by a bare client of the SDK with a payment object in _meta', async () => {
    const client = await connect(world());
    const unpaid = (await client.callTool(translateByMcp)) as CallResult;
    expect(unpaid).toMatchObject({ isError: true, structuredContent: { x402Version: 2 } });
    const payment = await payFor(world(), account, translateByMcp);
    await paysOnce(
      async () =>
        (await client.callTool({
          ...translateByMcp,
          _meta: { 'x402/payment': payment },
        })) as CallResult,
    );
    await client.close();
  });

  it('is called by x402-mcp 0.0.5, whose model copies the version 1 terms', async () => {
    const client = await connect(world());
    // The package wraps the AI SDK's client. This object gives the official client the two members that the package uses.
    const wrapped = await withPayment(
      {
        assertCapability: () => undefined,
        request: async ({ request }: { request: { params: Json } }) =>
          await client.callTool(request.params as never),
        tools: async () => ({
          translate: {
            inputSchema: {
              jsonSchema: (await client.listTools()).tools.find(({ name }) => name === 'translate')
                ?.inputSchema,
            },
            execute: async (given: Json) =>
              await client.callTool({ name: 'translate', arguments: given }),
          },
        }),
      } as never,
      { account: account as never, network: 'base-sepolia' },
    );
    type Tool = {
      readonly inputSchema: { readonly parse: (input: unknown) => unknown };
      readonly execute: (input: unknown, options: object) => Promise<unknown>;
    };
    const tools = (await wrapped.tools()) as unknown as Record<string, Tool>;
    const given = translateByMcp.arguments;
    const unpaid = (await tools['translate']?.execute(given, {})) as CallResult;
    const terms = unpaid.content
      .map(({ text }) => {
        try {
          return JSON.parse(text ?? '') as Json;
        } catch {
          return {};
        }
      })
      .find((json) => json['x402Version'] === 1);
    const [paymentRequirements] = (terms?.['accepts'] ?? []) as readonly unknown[];
    const authorise = tools['generatePaymentAuthorization'];
    const input = authorise?.inputSchema.parse({ paymentRequirements });
    const authorisation = (await authorise?.execute(input, {})) as Json;
    await paysOnce(
      async () =>
        (await tools['translate']?.execute({ ...given, ...authorisation }, {})) as CallResult,
    );
    await client.close();
  });

  it('is called with the payment in a header of the POST', async () => {
    const payment = await payFor(world(), account, translateByMcp);
    const client = await connect(world(), { 'PAYMENT-SIGNATURE': base64Json(payment) });
    await paysOnce(async () => (await client.callTool(translateByMcp)) as CallResult);
    await client.close();
  });

  it('is called with a bound payment, and its receipt says so', async () => {
    const { intent, ...payment } = await payBound(world(), account, translateByMcp);
    await paysOnce(async () => {
      const { result } = await callRaw(world(), translateByMcp, { 'x402/payment': payment });
      expect(await receiptIn(world(), result as CallResult)).toMatchObject({ binding: 'intent' });
      return result as CallResult;
    });
    // The retry secret returns the stored answer, and no tool runs.
    const before = await world().counts();
    const meta = {
      'x402/payment': payment,
      'countersign/retry-key': retryKey(intent)['Agent-Retry-Key'],
    };
    const { result } = await callRaw(world(), translateByMcp, meta);
    expect(result?.structuredContent).toMatchObject({ to: 'fr' });
    expect(await world().counts()).toEqual(before);
  });

  it('is called by a client of revision 2026-07-28', async () => {
    const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
    const client = new Client(
      { name: 'test', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    await client.connect(new StreamableHTTPClientTransport(endpointOf(world())));
    const payment = await payFor(world(), account, translateByMcp);
    await paysOnce(
      async () =>
        (await client.callTool({
          ...translateByMcp,
          _meta: { 'x402/payment': payment },
        })) as CallResult,
    );
    await client.close();
  });
});

describe('a free tool', () => {
  it('is called with an intent in _meta, and with one in a header', async () => {
    const intent = async () =>
      await signFields(account, intentFor(world(), account.address, asSigned(whoamiByMcp)));
    const { signature, ...one } = await intent();
    const wire = { v: 1, chainId: '84532', intent: intentFields(one.intent), signature };
    const inMeta = await callRaw(world(), whoamiByMcp, { 'countersign/intent': wire });
    expect(inMeta.result?.isError, JSON.stringify(inMeta)).toBeUndefined();
    const { encodeAgentIntent } = await import('../../src/protocol/intent/agent-intent.ts');
    const header = encodeAgentIntent(await intent());
    const inHeader = await callRaw(world(), whoamiByMcp, {}, { 'Agent-Intent': header });
    expect(inHeader.result?.isError).toBeUndefined();
  });
});

describe('mcp-inspector', () => {
  const inspect = async (...options: readonly string[]): Promise<Json> => {
    const { resolve } = createRequire(import.meta.url);
    const root = dirname(resolve('@modelcontextprotocol/inspector/package.json'));
    const { bin } = (await import(join(root, 'package.json'), { with: { type: 'json' } }))
      .default as {
      readonly bin: Readonly<Record<string, string>>;
    };
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(root, Object.values(bin)[0] ?? ''),
      '--cli',
      endpointOf(world()).href,
      '--transport',
      'http',
      ...options,
    ]);
    return JSON.parse(stdout) as Json;
  };

  it('lists the tools and calls one', async () => {
    const { tools } = (await inspect('--method', 'tools/list')) as {
      readonly tools: readonly { readonly name: string }[];
    };
    expect(tools.map(({ name }) => name)).toContain('translate');
    const payment = base64Json(await payFor(world(), account, lookupByMcp));
    const answer = await inspect(
      ...['--method', 'tools/call', '--tool-name', lookupByMcp.name],
      ...['--tool-arg', 'word=river', '--header', `PAYMENT-SIGNATURE: ${payment}`],
    );
    expect(JSON.stringify(answer)).toContain('river');
  });
});
