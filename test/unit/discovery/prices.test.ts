import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import type { Tool } from '../../../src/catalog/tool.ts';
import { call } from '../../../src/gateway/call.ts';
import { publicTool } from '../../../src/gateway/public-tool.ts';
import { listEntry } from '../../../src/mcp/list-tools.ts';
import { termsOf } from '../../../src/mcp/terms.ts';
import type { Meter } from '../../../src/protocol/meter/meter.ts';
import { tokenNetworks } from '../../../src/protocol/x402/networks.ts';
import { AUDIENCE, configOf, toolOf } from '../gateway/fixture.ts';
import { decoded, scriptedGateway } from '../gateway/scripted.ts';
import { documentsOf } from './documents.ts';

const PAY_TO = '0x1111111111111111111111111111111111111111';

/** Parses dollars with at most six decimals to atomic units, without the code under test. */
const atomic = (dollars: string | undefined): bigint => {
  const [, whole = '', fraction = ''] = /^\$?(\d+)\.(\d{1,6})$/.exec(dollars ?? '') ?? [];
  if (whole === '') throw new Error(`no dollars: ${dollars}`);
  return BigInt(whole + fraction.padEnd(6, '0'));
};

const only = (text: string, pattern: RegExp): string | undefined => {
  const found = [...text.matchAll(pattern)];
  if (found.length !== 1) throw new Error(`${found.length} matches of ${pattern.source}`);
  return found[0]?.[1];
};

type Prices = Pick<Config, 'networks' | 'payTo'>;

type Terms = { readonly amount: string; readonly network: string; readonly payTo: string };

/** The terms in each document and in the 402, and every price that they show in atomic units. */
const shownFor = async (tool: Tool, config: Prices) => {
  const { page, json, openapi, llms, x402 } = documentsOf([tool], config);
  const { gateway } = await scriptedGateway({ ...configOf([tool]), ...config });
  const ask = async (headers: Record<string, string>) =>
    await call(gateway, new Request('https://gw.example/tools/t', { method: 'POST', headers }));
  const plain = await ask({});
  const offered = decoded(plain.headers.get('PAYMENT-REQUIRED'));
  const paywall = await ask({ Accept: 'text/html', 'User-Agent': 'Mozilla/5.0' });
  const operation = (openapi['paths'] as Record<string, Record<string, Record<string, unknown>>>)[
    '/tools/t'
  ]?.['post'];
  if (operation === undefined) throw new Error('the tool has no operation');
  const { price } = operation['x-payment-info'] as {
    readonly price: { readonly amount?: string; readonly max?: string };
  };
  const terms = operation['x-countersign-terms'] as {
    readonly amount: string;
    readonly accepts: readonly Terms[];
  };
  const [first] = json.tools;
  const { description = '', _meta } = listEntry(
    publicTool({ ...configOf(), ...config }, tool),
    tool,
  );
  const mcp = _meta?.['countersign/price'] as { readonly amount: string; readonly usd: string };
  const [item] = x402.items;
  const { accepts: v1 } = await plain.json<{
    readonly accepts: readonly { readonly maxAmountRequired: string }[];
  }>();
  return {
    offers: { json: first?.accepts, openapi: terms.accepts, x402: item?.accepts },
    offered: offered['accepts'] as readonly Terms[],
    prices: {
      'JSON price': atomic(first?.price),
      'JSON amount': BigInt(first?.amount ?? -1),
      page: atomic(only(page, /<p class="price"><strong>([^<]+) USDC<\/strong>/g)),
      'x-payment-info': atomic(price.amount ?? price.max),
      'x-countersign-terms': BigInt(terms.amount),
      'MCP amount': BigInt(mcp.amount),
      'MCP dollars': atomic(mcp.usd),
      'MCP description': atomic(only(description, /(\$[0-9.]+) a call/g)),
      'llms.txt': atomic(only(llms, /(\$[0-9.]+) a call/g)),
      paywall: atomic(only(await paywall.text(), /<p class="price"><strong>([^<]+)<\/strong>/g)),
      ...Object.fromEntries(v1.map((each, at) => [`v1 ${at}`, BigInt(each.maxAmountRequired)])),
    } as Readonly<Record<string, bigint>>,
  };
};

const base = { id: 't', method: 'POST', path: '/tools/t' } as const;
const ONE: Prices = {
  networks: ['eip155:84532'],
  payTo: new Map([['eip155:84532', PAY_TO]]),
};

describe('the price of a tool', () => {
  it('is the amount of the offer wherever it is shown, for any price and networks', async () => {
    const networks = fc
      .shuffledSubarray([...tokenNetworks], { minLength: 1, maxLength: 3 })
      .map(([first, ...rest]) => {
        if (first === undefined) throw new Error('at least one');
        const all = [first, ...rest] as const;
        return { networks: all, payTo: new Map(all.map((each) => [each, PAY_TO] as const)) };
      });
    await fc.assert(
      fc.asyncProperty(
        fc.bigInt({ min: 1n, max: BigInt(Number.MAX_SAFE_INTEGER) }),
        fc.constantFrom('deferred', 'upfront', 'credit'),
        fc.boolean(),
        networks,
        async (price, settlement, isUpto, config) => {
          const pricing = settlement === 'credit' && isUpto ? 'upto' : 'exact';
          const tool = toolOf({ ...base, price, settlement, pricing });
          const { offers, offered, prices } = await shownFor(tool, config);
          expect(offered.map(({ amount }) => BigInt(amount))).toEqual(
            config.networks.map(() => price),
          );
          expect(offered.map(({ network }) => network)).toEqual(config.networks);
          for (const [name, terms] of Object.entries(offers)) expect(terms, name).toEqual(offered);
          for (const [name, shown] of Object.entries(prices)) expect(shown, name).toBe(price);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('changes on every surface when the operator changes it', async () => {
    const before = await shownFor(toolOf({ ...base, price: 20_000n }), ONE);
    const after = await shownFor(toolOf({ ...base, price: 35_000n }), ONE);
    expect(Object.keys(after.prices).length).toBeGreaterThanOrEqual(11);
    for (const name of Object.keys(after.prices)) {
      expect([before.prices[name], after.prices[name]], name).toEqual([20_000n, 35_000n]);
    }
    for (const terms of Object.values(after.offers)) expect(terms?.[0]?.amount).toBe('35000');
  });

  it('of a metered tool states its rates wherever it is shown, and every change of them', async () => {
    const surfacesOf = async (rate: string): Promise<Readonly<Record<string, string>>> => {
      const meter: Meter = {
        ...{ usage: { from: 'gateway' }, rates: { bytes: rate } },
        ...{ readOn: { seconds: 25, bytes: 1 }, idleSeconds: 30, exact: true },
      };
      const tool = toolOf({ ...base, price: 50_000n, pricing: 'upto', meter });
      const { page, json, openapi, llms } = documentsOf([tool]);
      const { gateway } = await scriptedGateway(configOf([tool]));
      const ask = (headers: Record<string, string>) =>
        call(gateway, new Request('https://gw.example/tools/t', { method: 'POST', headers }));
      const plain = await ask({});
      const paywall = await ask({ Accept: 'text/html', 'User-Agent': 'Mozilla/5.0' });
      const offered = decoded(plain.headers.get('PAYMENT-REQUIRED'));
      const sold = publicTool(configOf(), tool);
      const mcp = termsOf(configOf(), tool, AUDIENCE);
      return {
        ...{ page, llms, json: JSON.stringify(json), openapi: JSON.stringify(openapi['paths']) },
        ...{ paywall: await paywall.text(), version1: await plain.text() },
        version2: JSON.stringify(offered['resource']),
        'MCP list': listEntry(sold, tool).description ?? '',
        'MCP price': JSON.stringify(listEntry(sold, tool)._meta),
        'MCP words': mcp?.words ?? '',
        'MCP offer': JSON.stringify(mcp?.version2.resource),
      };
    };
    const before = await surfacesOf('$0.15 per 1000000');
    const after = await surfacesOf('$0.16 per 1000000');
    for (const [name, text] of Object.entries(before)) {
      const rates = 'per million bytes, at most $0.05 a call';
      expect(text, name).toContain(`$0.15 ${rates}`);
      expect(after[name], name).toContain(`$0.16 ${rates}`);
      expect(after[name], name).not.toContain('$0.15 ');
    }
    for (const name of ['version1', 'version2', 'MCP offer']) {
      expect(before[name], name).toContain('what is not charged becomes credit');
    }
  });

  it('is nothing for a free tool, which no document offers for payment', () => {
    const free = toolOf({ ...base, settlement: 'free', price: 0n });
    const { page, json, openapi, llms, x402 } = documentsOf([free]);
    expect(page).toContain('<strong>Free</strong>');
    expect(json.tools[0]).toMatchObject({ price: '$0.00', accepts: [] });
    expect(JSON.stringify(openapi)).not.toContain('x-payment-info');
    expect(llms).toContain('free, signature required');
    expect(x402).toMatchObject({ resources: [], items: [] });
  });
});
