import { describe, expect, test } from 'vitest';
import { CountersignError } from '../../src/client/errors.ts';
import type { Management } from '../../src/client/management.ts';
import { createGatewayReads } from '../../src/cli/watch/gateway-reads.ts';
import { readPart, Unreachable } from '../../src/cli/watch/reads.ts';
import { createStandings } from '../../src/cli/watch/standings.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { NOW } from './support/output.ts';

const accountOf = (at: number): AccountId =>
  `eip155:84532:0x${at.toString(16).padStart(40, '0')}` as AccountId;

type Answers = Readonly<Record<string, (request: { params?: { account?: string } }) => unknown>>;

/** A management API with these answers, which records what was asked. */
const scripted = (answers: Answers) => {
  const asked: string[] = [];
  const answer = (id: string, request: object = {}): unknown => {
    const { params, query } = request as { params?: { account?: string }; query?: object };
    asked.push([id, params?.account ?? JSON.stringify(query ?? {})].join(' '));
    return answers[id]?.({ ...(params === undefined ? {} : { params }) });
  };
  const management = {
    call: async (id: string, request: object) => ({ body: answer(id, request) }),
    async *list(id: string, request: { onPage?: (page: object) => void } = {}) {
      const items = answer(id, request) as readonly unknown[];
      request.onPage?.({ asOf: NOW });
      yield* items;
    },
  };
  return { management: management as unknown as Management, asked };
};

const refused = (): never => {
  const problem = { type: 'urn:countersign:problem:unknown-account', title: 'No', status: 404 };
  throw new CountersignError('refused', 'No', { problem } as never);
};

describe('standings', () => {
  const standing = (account: string, parent?: string) => ({
    ...{ account, status: 'active', ...(parent === undefined ? {} : { parent }) },
    money: [
      {
        ...{ asset: '', unsettled: '7', debt: '0' },
        limits: [
          {
            rule: 'lifetime',
            limit: '9',
            spent: '1',
            held: '0',
            remaining: '8',
            resets_at: NOW + 9,
          },
        ],
      },
    ],
  });
  const [root, manager, agent, other] = [1, 2, 3, 4].map(accountOf) as [
    AccountId,
    AccountId,
    AccountId,
    AccountId,
  ];
  const parents: Readonly<Record<string, string>> = { [agent]: manager, [manager]: root };
  const open = (now = () => NOW) => {
    const { management, asked } = scripted({
      'account.get': ({ params }) =>
        params?.account === other
          ? refused()
          : standing(params?.account ?? '', parents[params?.account ?? '']),
    });
    const standings = createStandings(management, (account) => account, now);
    return { standings, asked };
  };

  test('are asked for once, and again only for an account that decided and its ancestors', async () => {
    const { standings, asked } = open();
    for (const account of [root, manager, agent, accountOf(9)]) standings.mark(account);
    const first = await standings.read();
    expect(first.budgets).toMatchObject({ kind: 'known', asOf: NOW, value: { length: 4 } });
    expect(asked).toHaveLength(4);
    await standings.read();
    expect(asked).toHaveLength(4);
    standings.markLineage(agent);
    await standings.read();
    expect(asked.slice(4).toSorted()).toEqual(
      [root, manager, agent].map((account) => `account.get ${account}`),
    );
    standings.markParents();
    await standings.read();
    expect(asked.slice(7).toSorted()).toEqual(
      [root, manager].map((account) => `account.get ${account}`),
    );
  });

  test('are asked for again when a window has ended', async () => {
    let now = NOW;
    const { standings, asked } = open(() => now);
    standings.mark(root);
    await standings.read();
    now = NOW + 9;
    await standings.read();
    expect(asked).toHaveLength(2);
  });

  test('of many accounts take several reads of at most 24', async () => {
    const { standings, asked } = open();
    for (let at = 10; at < 60; at += 1) standings.mark(accountOf(at));
    await standings.read();
    expect([asked.length, standings.hasMore()]).toEqual([24, true]);
    await standings.read();
    await standings.read();
    expect([asked.length, standings.hasMore()]).toEqual([50, false]);
  });

  test('of an account that does not exist yet are asked for again, without haste', async () => {
    const { standings, asked } = open();
    standings.mark(other);
    expect((await standings.read()).budgets).toMatchObject({
      kind: 'closed',
      why: expect.stringContaining('no account yet'),
    });
    expect(standings.hasMore()).toBe(false);
    await standings.read();
    expect(asked).toHaveLength(2);
  });
});

describe('the reads of an operator', () => {
  test('ask for payments and backends only when calls or queues changed', async () => {
    const queues = { open_settlements: 0, dead_letters: 0 };
    const { management, asked } = scripted({
      'calls.list': () => [],
      'settlements.list': () => [],
      queues: () => ({ ...queues }),
      backends: () => [
        { backend: 'one', state: 'open' },
        { backend: 'two', state: 'closed' },
      ],
    });
    const read = createGatewayReads(management);
    expect(await read()).toMatchObject({
      isNew: true,
      stopped: ['one'],
      settlements: { asOf: NOW },
    });
    const first = asked.length;
    expect(await read()).toMatchObject({ isNew: false, stopped: ['one'] });
    expect(asked.slice(first)).toEqual(['calls.list {"limit":50}', 'queues {}']);
    queues.open_settlements = 1;
    expect(await read()).toMatchObject({ isNew: true });
  });

  test('add up payments in one token, and none in the tokens of two networks', async () => {
    const paymentOn = (chain: number) => ({
      ...{ state: 'settled', asset: `eip155:${chain}/erc20:0x1`, amount: '5', at: NOW },
    });
    const amountOf = async (...chains: readonly number[]) => {
      const { management } = scripted({
        'calls.list': () => [],
        'settlements.list': () => chains.map(paymentOn),
        queues: () => ({ open_settlements: 0, dead_letters: 0 }),
        backends: () => [],
      });
      const read = await createGatewayReads(management)();
      if (!('settlements' in read) || read.settlements.kind !== 'known') throw new Error('unread');
      return read.settlements.value.rows.find(({ state }) => state === 'settled')?.amount;
    };
    expect(await amountOf(8453, 8453)).toBe(10n);
    expect(await amountOf(8453, 84_532)).toBeUndefined();
  });

  test('name the key that would see them', async () => {
    const problem = { type: 'urn:countersign:problem:forbidden', title: 'No', status: 403 };
    const { management } = scripted({
      'calls.list': () => {
        throw new CountersignError('refused', 'No', { problem } as never);
      },
      queues: () => ({ open_settlements: 0, dead_letters: 0 }),
    });
    expect(await createGatewayReads(management)()).toEqual({
      why: expect.stringContaining('OPERATORS'),
    });
  });
});

test('a gateway that does not answer is no fault of a part', async () => {
  const lost = async () => {
    throw new CountersignError('answer_lost', 'lost');
  };
  await expect(readPart('hint', lost)).rejects.toThrow(Unreachable);
});
