import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { RightsVerdict } from '../../../src/protocol/account/rights.ts';
import { sha256Hex } from '../../../src/crypto/bytes.ts';
import type { Gateway } from '../../../src/gateway/gateway.ts';
import { serveMcp } from '../../../src/mcp/endpoint.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { toolOf } from '../gateway/fixture.ts';
import { permitConfig, permitOf } from '../gateway/permit-fixture.ts';
import { KEY_ACCOUNT, network, POLICY, scriptedGateway } from '../gateway/scripted.ts';
import { addressOf, intentFor, paying, paymentOf, signIntent } from '../gateway/signing.ts';
import { intentOf, ORIGIN, requestOf, wire } from './fixture.ts';

useVectorsClock();
afterEach(() => vi.unstubAllGlobals());

const ACCOUNT = `eip155:84532:${addressOf('agent')}` as const;
const OWNER = `eip155:84532:${addressOf('owner')}` as const;
const price = 20_000n;
const seen = toolOf({ id: 'translate', method: 'POST', path: '/tools/translate', price });
const hidden = toolOf({ id: 'secret', method: 'POST', path: '/tools/secret', price });
const query = toolOf({ id: 'secret.query', method: 'GET', path: '/tools/query', price });
const free = toolOf({
  id: 'secret.free',
  method: 'POST',
  path: '/tools/free',
  price: 0n,
  settlement: 'free',
});
const off = toolOf({ id: 'off', method: 'POST', path: '/tools/off', price, disabled: true });
const config = permitConfig([seen, hidden, query, free, off]);
const given = { text: 'hello' };

const rights: RightsVerdict = {
  verdict: 'found',
  rights: {
    account: ACCOUNT,
    asset: `eip155:84532/erc20:0x${'03'.repeat(20)}`,
    policies: [{ tools: ['translate', 'nothing'] }],
    limits: [],
    credit: '0',
    debt: '0',
  },
};

const gatewayThat = async (rule: Denial['rule'], answer: RightsVerdict = rights) => {
  network(KEY_ACCOUNT);
  const denial: Denial = { rule, account: OWNER, retryAllowed: false, policy: POLICY };
  return await scriptedGateway(config, {
    reserve: async () => ({ verdict: 'denied', denial }),
    rights: async () => answer,
  });
};

type Json = Readonly<Record<string, unknown>>;

/** Everything that the caller receives: status, headers, body. */
const bytesOf = async (gateway: Gateway, params: Json): Promise<string> => {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
  const answer = await serveMcp({ ok: true, value: gateway }, requestOf(message));
  return JSON.stringify([answer.status, [...answer.headers], await answer.text()]);
};

const direct = (name: string, args: Json, _meta: Json) => ({ name, arguments: args, _meta });
const through = (name: string, args: Json, _meta: Json) => ({
  name: 'call_tool',
  arguments: { name, arguments: args },
  _meta,
});

const signed = async (name: string, args: Json = given, maxAmount = price) => ({
  'countersign/intent': wire(await intentOf(name, args, paying(maxAmount))),
});

const paid = async (name: string) => {
  const { intent } = await intentOf(name, given, paying(price));
  return { 'x402/payment': await paymentOf({ intent }) };
};

const permitted = async (name: string) => {
  const { intent } = await intentOf(name, given, paying(price));
  return { 'x402/payment': await permitOf({ intent }) };
};

/** Expects that the answer for `name` equals the answer for a name that no tool has, except for the name itself. */
const expectUnknown = (answer: string, expected: string, name: string): void => {
  expect(answer).toContain(`Unknown tool: ${name}`);
  expect(answer.replaceAll(name, 'nothing')).toBe(expected);
};

describe('a hidden tool', () => {
  it.each(['secret', 'secret.query', 'secret.free', 'off'])(
    '%s is unknown byte for byte to an agent that calls it, with each proof, by each way',
    async (name) => {
      const { gateway } = await gatewayThat('tool');
      for (const way of [direct, through]) {
        for (const prove of [signed, paid, permitted]) {
          const expected = await bytesOf(gateway, way('nothing', given, await prove('nothing')));
          const answer = await bytesOf(gateway, way(name, given, await prove(name)));
          expectUnknown(answer, expected, name);
        }
      }
      const describing = (each: string) => ({
        name: 'describe_tool',
        arguments: { name: each },
        _meta: reading,
      });
      const reading = {
        'countersign/intent': wire(
          await signIntent(
            intentFor({
              audience: ORIGIN,
              tool: 'countersign.tools.describe',
              method: 'tools/call',
              target: '/mcp',
              contentType: '',
              payloadDigest: sha256Hex(new Uint8Array(0)),
            }),
          ),
        ),
      };
      const expected = await bytesOf(gateway, describing('nothing'));
      expectUnknown(await bytesOf(gateway, describing(name)), expected, name);
    },
  );

  it('stays unknown if another reason would be named first', async () => {
    for (const rule of ['frozen', 'payee', 'denial_rate', 'per_call', 'debt'] as const) {
      const { gateway } = await gatewayThat(rule);
      const expected = await bytesOf(gateway, direct('nothing', given, await signed('nothing')));
      const answer = await bytesOf(gateway, direct('secret', given, await signed('secret')));
      expectUnknown(answer, expected, 'secret');
    }
  });

  it('stays unknown if its arguments or the signed amount do not fit it', async () => {
    const { gateway, asked } = await gatewayThat('tool');
    const nested = { where: { deep: true } };
    const expected = await bytesOf(
      gateway,
      direct('nothing', nested, await signed('nothing', nested)),
    );
    const unfit = direct('secret.query', nested, await signed('secret.query', nested));
    expectUnknown(await bytesOf(gateway, unfit), expected, 'secret.query');
    const cheap = direct('secret', given, await signed('secret', given, 1n));
    expectUnknown(await bytesOf(gateway, cheap), expected, 'secret');
    expect(asked.map((each) => each.asked)).toEqual(['rights', 'rights', 'rights']);
  });

  it('costs the account one question, as a name of no tool does', async () => {
    const { gateway, asked } = await gatewayThat('tool');
    await bytesOf(gateway, direct('secret', given, await signed('secret')));
    await bytesOf(gateway, direct('nothing', given, await signed('nothing')));
    expect(asked.map((each) => each.asked)).toEqual(['reserve', 'rights']);
  });

  it('is as unavailable as any name while the account does not answer', async () => {
    const { gateway } = await gatewayThat('frozen', { verdict: 'unavailable' });
    const expected = await bytesOf(gateway, direct('nothing', given, await signed('nothing')));
    expect(expected).toContain('storage-unavailable');
    expect(await bytesOf(gateway, direct('secret', given, await signed('secret')))).toBe(expected);
  });

  it('answers a caller without a valid proof as the public catalogue does', async () => {
    const { gateway, asked } = await gatewayThat('tool');
    expect(await bytesOf(gateway, direct('secret', given, {}))).toContain('x402Version');
    const { 'countersign/intent': intent } = await signed('secret');
    const forged = { ...intent, signature: `0x${'11'.repeat(64)}1b` };
    const answer = await bytesOf(
      gateway,
      direct('secret', given, { 'countersign/intent': forged }),
    );
    expect(answer).toContain('invalid-signature');
    expect(asked).toEqual([]);
  });
});

describe('a visible tool', () => {
  it('names the reason of a refusal', async () => {
    const { gateway } = await gatewayThat('frozen');
    const answer = await bytesOf(gateway, direct('translate', given, await signed('translate')));
    expect(answer).toContain('urn:countersign:problem:denied');
    expect(answer).toContain('frozen');
  });
});

describe('a name', () => {
  it.each([
    'Translate',
    'TRANSLATE',
    ' translate',
    'translate ',
    'trans­late',
    'ｔranslate',
    'tr%61nslate',
    'translate\n',
    'translate.',
    '__proto__',
    'constructor',
    '',
  ])('%j is compared exactly', async (name) => {
    const { gateway } = await gatewayThat('frozen');
    for (const way of [direct, through]) {
      const answer = await bytesOf(gateway, way(name, given, {}));
      expect(answer).toContain('-32602');
      expect(answer).toContain('Unknown tool: ');
    }
  });
});

describe('call_tool', () => {
  it.each(['call_tool', 'search_tools', 'describe_tool', 'spending'])(
    'refuses %s inside it',
    async (name) => {
      const { gateway, asked } = await gatewayThat('tool');
      const answer = await bytesOf(gateway, through(name, {}, await signed(name, {})));
      expect(answer).toContain('urn:countersign:problem:malformed-request');
      expect(answer).toContain('arguments.name');
      expect(asked).toEqual([]);
    },
  );

  it.each([
    ['no name', { arguments: {} }, 'arguments.name'],
    ['arguments that are no object', { name: 'translate', arguments: [] }, 'arguments.arguments'],
    ['another member', { name: 'translate', args: {} }, 'arguments.args'],
  ])('refuses %s', async (_, inner, field) => {
    const { gateway } = await gatewayThat('tool');
    const answer = await bytesOf(gateway, { name: 'call_tool', arguments: inner });
    expect(answer).toContain(field);
    expect(answer).toContain('malformed-request');
  });

  it('runs, binds, prices and logs the inner tool: the intent names it and its arguments', async () => {
    network(KEY_ACCOUNT, () => Response.json({ done: true }));
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await bytesOf(gateway, through('translate', given, await signed('translate')));
    expect(answer).toContain('countersign/receipt');
    expect(asked).toMatchObject([
      { asked: 'reserve', call: { tool: 'translate', price, binding: 'intent' } },
      { asked: 'finish' },
    ]);
    const bare = await bytesOf(gateway, { name: 'call_tool', arguments: { name: 'translate' } });
    expect(bare).toContain('mcp://tool/translate');
  });

  it('refuses an intent for call_tool itself', async () => {
    const { gateway, asked } = await gatewayThat('tool');
    const outer = { name: 'translate', arguments: given };
    const answer = await bytesOf(gateway, {
      name: 'call_tool',
      arguments: outer,
      _meta: await signed('call_tool', outer),
    });
    expect(answer).toContain('intent-mismatch');
    expect(asked).toEqual([]);
  });
});
