import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { usdc } from '../../dev/stack/chain-access.ts';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import type { AgentIntent } from '../../src/protocol/intent/agent-intent.ts';
import { creditedAccount } from './support/credit.ts';
import {
  childGrant,
  type Granted,
  granted,
  grantFor,
  type Revoked,
  revoke,
} from './support/grant.ts';
import { agentIntent, signIntent } from './support/intent.ts';
import { endpointOf, type Json } from './support/mcp.ts';
import { newAccount } from './support/payment.ts';
import { verify } from './support/receipt.ts';
import { useSharedWorld } from './support/world.ts';

const world = useSharedWorld();

/** Every tool of the stack whose request its arguments determine. */
const PUBLIC = [
  'enrich',
  'flaky',
  'lookup',
  'notarise',
  'report',
  'stream',
  'summarise',
  'translate',
  'whoami',
];
const PRICE = 1_000n;
/** The child's lifetime limit. */
const TOTAL = 5_000n;

let owner: LocalAccount;
const manager = newAccount();
const child = newAccount();
let upper: Granted;

beforeAll(async () => {
  owner = await creditedAccount(world(), { credit: 100_000n, balance: 0n });
  upper = await granted(
    world(),
    owner,
    grantFor(world(), owner.address, manager.address, {
      tools: ['lookup', 'whoami', 'translate'],
      depth: 1,
    }),
  );
  await granted(
    world(),
    manager,
    childGrant(upper, child.address, { tools: ['lookup', 'translate'], maxTotal: TOTAL }),
  );
});

/** The answer to a JSON-RPC request: the raw text, and the parsed message. */
type Answer = {
  readonly raw: string;
  readonly result?: Json & {
    readonly structuredContent?: Json;
    readonly isError?: boolean;
    readonly tools?: readonly { readonly name: string; readonly _meta?: Json }[];
    readonly _meta?: Json;
  };
  readonly error?: { readonly code: number; readonly message: string };
};

const rpc = async (method: string, params: Json, headers: Record<string, string> = {}) => {
  const response = await fetch(endpointOf(world()), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const text = await response.text();
  const fixed = [...response.headers].filter(([name]) => name !== 'date' && name !== 'cf-ray');
  const [, data = text] = /^data: (\{.*\})$/m.exec(text) ?? [];
  return {
    raw: JSON.stringify([response.status, fixed, text]),
    ...(JSON.parse(data) as Omit<Answer, 'raw'>),
  };
};

/** The `Agent-Intent` header for an MCP payload, with a call or without one. */
const signing = async (
  account: LocalAccount,
  tool: string,
  method: string,
  payload: string,
  fields: Partial<AgentIntent> = {},
) =>
  agentIntent(
    await signIntent(
      world(),
      account,
      { path: '/mcp', method, ...(payload === '' ? {} : { body: payload }) },
      { tool, ...fields },
    ),
  );

const list = async (account?: LocalAccount): Promise<Answer> =>
  await rpc(
    'tools/list',
    {},
    account === undefined ? {} : await signing(account, 'countersign.tools', 'tools/list', ''),
  );

const namesFor = async (account?: LocalAccount): Promise<readonly string[]> =>
  (await list(account)).result?.tools?.map(({ name }) => name) ?? [];

/** Calls one of the gateway's own tools with its intent. */
const ask = async (account: LocalAccount, name: string, given: Json): Promise<Answer> => {
  const tool = {
    search_tools: 'countersign.tools.search',
    describe_tool: 'countersign.tools.describe',
    spending: 'countersign.spending',
  }[name];
  const headers = await signing(account, tool ?? name, 'tools/call', '');
  return await rpc('tools/call', { name, arguments: given }, headers);
};

/** Calls a tool from credit, directly or through `call_tool`. */
const call = async (
  account: LocalAccount,
  name: string,
  given: Json,
  way: 'direct' | 'call_tool' = 'direct',
): Promise<Answer> => {
  const paying = {
    payTo: world().payTo.toLowerCase() as AgentIntent['payTo'],
    asset: usdc.address.toLowerCase() as AgentIntent['asset'],
    maxAmount: 50_000n,
  };
  const payload = canonicalJson({ arguments: given, name });
  const headers = await signing(account, name, 'tools/call', payload, paying);
  const params = { name, arguments: given };
  return await rpc(
    'tools/call',
    way === 'direct' ? params : { name: 'call_tool', arguments: params },
    headers,
  );
};

const river = { word: 'river' };

describe('tools/list', () => {
  it('shows a stranger the public catalogue, and each account what its whole chain allows', async () => {
    expect(await namesFor()).toEqual(PUBLIC);
    expect(await namesFor(newAccount())).toEqual(PUBLIC);
    expect(await namesFor(owner)).toEqual(PUBLIC);
    expect(await namesFor(manager)).toEqual(['lookup', 'translate', 'whoami']);
    expect(await namesFor(child)).toEqual(['lookup', 'translate']);
  });

  it('states how many calls the tightest limit allows', async () => {
    const remaining = (await list(child)).result?.tools?.map(
      ({ _meta }) => _meta?.['countersign/remaining'],
    );
    expect(remaining).toMatchObject([
      { rule: 'grant:lifetime', calls: 5, remaining: TOTAL.toString() },
      { rule: 'grant:lifetime', calls: 0 },
    ]);
  });
});

describe('call_tool', () => {
  it('is bound, priced, limited and logged as the tool that it calls', async () => {
    const before = (await world().counts()).lookup;
    const { result } = await call(child, 'lookup', river, 'call_tool');
    expect(result?.isError, JSON.stringify(result)).toBeUndefined();
    expect((await world().counts()).lookup).toBe(before + 1);
    const receipt = result?._meta?.['countersign/receipt'] as string;
    expect(await verify(world(), receipt, 'agent-receipt+jwt')).toMatchObject({
      tool: 'lookup',
      charged: PRICE.toString(),
      binding: 'intent',
    });
    const spent = (await ask(child, 'spending', {})).result?.structuredContent;
    expect(spent?.['limits']).toContainEqual(
      expect.objectContaining({
        rule: 'grant:lifetime',
        remaining: (TOTAL - PRICE).toString(),
      }) as unknown,
    );
  });
});

describe('search_tools', () => {
  it('finds and counts only what the account may call', async () => {
    const query = { query: 'translate text word account report', limit: 20 };
    const found = async (account: LocalAccount) =>
      (await ask(account, 'search_tools', query)).result?.structuredContent as {
        matches: number;
        tools: { name: string }[];
      };
    const forOwner = await found(owner);
    expect(forOwner.matches).toBeGreaterThan(3);
    const forChild = await found(child);
    expect(forChild.tools.map(({ name }) => name).toSorted()).toEqual(['lookup', 'translate']);
    expect(forChild.matches).toBe(2);
  });
});

describe('a tool that the chain hides', () => {
  const inPlaceOf = ({ raw }: Answer, name: string): string => raw.replaceAll(name, 'nothing');

  it.each(['report', 'whoami', 'notarise', 'Lookup', 'lookup ', 'ｌookup'])(
    '%j answers as a name of no tool, byte for byte, by each way',
    async (name) => {
      for (const way of ['direct', 'call_tool'] as const) {
        const expected = await call(child, 'nothing', river, way);
        expect(expected.error).toEqual({ code: -32602, message: 'Unknown tool: nothing' });
        const answer = await call(child, name, river, way);
        expect(answer.error?.message).toBe(`Unknown tool: ${name}`);
        expect(inPlaceOf(answer, name)).toBe(expected.raw);
      }
      const expected = await ask(child, 'describe_tool', { name: 'nothing' });
      const answer = await ask(child, 'describe_tool', { name });
      expect(inPlaceOf(answer, name)).toBe(expected.raw);
      expect(answer.error?.code).toBe(-32602);
    },
  );

  it('answers an owner who may call it', async () => {
    const { result } = await ask(owner, 'describe_tool', { name: 'whoami' });
    expect(result?.structuredContent).toMatchObject({ tool: { name: 'whoami' } });
  });
});

describe('a revocation', () => {
  it('empties the lists of the grant’s whole branch within 60 seconds, and calls say why', async () => {
    const answer = await revoke(world(), owner, { id: upper.id });
    expect(answer.status, await answer.clone().text()).toBe(200);
    const { acknowledged } = (await answer.json()) as Revoked;
    expect(acknowledged).toContain(`eip155:84532:${child.address.toLowerCase()}`);
    for (const account of [child, manager]) {
      await expect.poll(() => namesFor(account), { timeout: 60_000, interval: 500 }).toEqual([]);
    }
    expect(await namesFor(owner)).toEqual(PUBLIC);
    const refused = await call(child, 'lookup', river);
    expect(refused.result).toMatchObject({
      isError: true,
      structuredContent: { type: 'urn:countersign:problem:denied', rule: 'revoked' },
    });
    expect((await ask(child, 'spending', {})).result?.structuredContent).toMatchObject({
      stopped: { rule: 'revoked' },
    });
  });
});
