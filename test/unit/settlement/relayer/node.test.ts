import { afterEach, describe, expect, test, vi } from 'vitest';
import type { RpcCall } from '../../../../src/settlement/chain/json-rpc.ts';
import { openNode } from '../../../../src/settlement/relayer/node.ts';
import { addressOf } from './people.ts';

const FIRST = 'https://first.test/';
const SECOND = 'https://second.test/';
const KEY = addressOf(0xaa);

afterEach(() => {
  vi.restoreAllMocks();
});

type Answer = { readonly result?: unknown; readonly error?: { code: number; message: string } };

/** Nodes that answer each call separately. Undefined: the node does not answer at all. */
const nodes = (answer: (url: string, call: RpcCall) => Answer | undefined): RpcCall[] => {
  const received: RpcCall[] = [];
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const calls = JSON.parse(init?.body as string) as (RpcCall & { id: number })[];
    const answers = calls.map((call) => {
      received.push(call);
      return { jsonrpc: '2.0', id: call.id, ...answer(input as string, call) };
    });
    if (calls.some((call) => answer(input as string, call) === undefined)) throw new Error('down');
    return Response.json(answers);
  });
  return received;
};

const refused = (message: string, code = -32_000): Answer => ({ error: { code, message } });

describe('facts', () => {
  const facts: Record<string, unknown> = {
    eth_getBlockByNumber: {
      number: '0x10',
      timestamp: '0x20',
      baseFeePerGas: '0x3b9aca00',
      gasLimit: '0x1c9c380',
    },
    eth_getTransactionCount: '0x7',
    eth_getBalance: '0xde0b6b3a7640000',
    eth_maxPriorityFeePerGas: '0xf4240',
  };

  test('come from one batch', async () => {
    nodes((_, { method }) => ({ result: facts[method] }));
    expect(await openNode([FIRST], KEY).facts()).toEqual({
      head: { number: 16, timestamp: 32 },
      market: { baseFee: 1_000_000_000n, tip: 1_000_000n },
      count: 7,
      balance: 10n ** 18n,
      blockGas: 30_000_000,
    });
  });

  test('are undefined if the node leaves one out, except the tip', async () => {
    for (const missing of Object.keys(facts)) {
      nodes((_, { method }) =>
        method === missing ? refused('not found', -32_601) : { result: facts[method] },
      );
      const got = await openNode([FIRST], KEY).facts();
      if (missing === 'eth_maxPriorityFeePerGas') expect(got?.market.tip).toBe(1_000_000n);
      else expect(got).toBeUndefined();
      vi.restoreAllMocks();
    }
  });
});

describe('payers', () => {
  test('have a key or code; a payer without an answer is missing', async () => {
    const received = nodes((_, { params: [of] }) => {
      if (of === addressOf(1)) return { result: '0x' };
      return of === addressOf(2) ? { result: '0xEf0100' } : refused('busy');
    });
    const payers = await openNode([FIRST], KEY).payers([1, 2, 3, 1, 2].map(addressOf));
    expect([...payers]).toEqual([
      [addressOf(1), 'key'],
      [addressOf(2), 'contract'],
    ]);
    expect(received).toHaveLength(3);
  });
});

describe('a simulated call', () => {
  const trial = { to: addressOf(9), data: '0x12', gas: 230_000n } as const;

  test('returns, reverts, or is unknown', async () => {
    const answers: Answer[] = [
      { result: '0x01' },
      refused('execution reverted', 3),
      refused('out of gas'),
      refused('header not found'),
      { result: 7 },
    ];
    const received: RpcCall[] = [];
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (_, init) => {
      const calls = JSON.parse(init?.body as string) as (RpcCall & { id: number })[];
      received.push(...calls);
      return Response.json(calls.map(({ id }) => ({ jsonrpc: '2.0', id, ...answers[id] })));
    });
    const simulated = await openNode([FIRST], KEY).simulate([trial, trial, trial, trial, trial]);
    expect(simulated.map(({ kind }) => kind)).toEqual([
      'returned',
      'reverted',
      'reverted',
      'unknown',
      'unknown',
    ]);
    expect(received[0]?.params).toEqual([
      { from: KEY, to: trial.to, data: trial.data, gas: '0x38270' },
      'latest',
    ]);
  });
});

describe('a transaction', () => {
  test('is sent to every node, and one that accepts it is enough', async () => {
    const received = nodes((url) =>
      url === FIRST ? refused('nonce too low') : { result: '0x12' },
    );
    expect(await openNode([FIRST, SECOND], KEY).send('0x02')).toBeUndefined();
    expect(received.map(({ method }) => method)).toEqual([
      'eth_sendRawTransaction',
      'eth_sendRawTransaction',
    ]);
  });

  test('that no node accepts returns the error of the first', async () => {
    nodes((url) => (url === FIRST ? refused('nonce too low') : undefined));
    expect(await openNode([FIRST, SECOND], KEY).send('0x02')).toBe('nonce too low');
    vi.restoreAllMocks();
    nodes(() => undefined);
    expect(await openNode([FIRST, SECOND], KEY).send('0x02')).toBe('connection');
  });
});
