import { beforeAll, describe, expect, it } from 'vitest';
import type { Relation } from '../../../src/protocol/account/standing.ts';
import { manage } from '../../../src/management/router.ts';
import type { Config } from '../../../src/config/config.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { AdminRole } from '../../../src/management/route.ts';
import { type AdminRoute, ROUTES } from '../../../src/management/routes.ts';
import { freshDatabase } from '../audit/database.ts';
import { governed, KEY_ACCOUNT, network, type Node } from '../gateway/scripted.ts';
import { addressOf, NETWORK, NOW, vectorConfig } from '../gateway/signing.ts';
import {
  accountOf,
  type RequestParts,
  scriptedContext,
  signedRequest,
} from './scripted-context.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';

const OPERATOR = addressOf('owner');
const config: Config = { ...vectorConfig(), operators: [OPERATOR] };
const CALL = `0x${'ca'.repeat(32)}`;
const X: AccountId = `${NETWORK}:0x${'55'.repeat(20)}`;

beforeAll(freshDatabase);
useVectorsClock();

const pathOf = ({ path }: AdminRoute, account: string): string =>
  path
    .replace(':account', account)
    .replace(':call', CALL)
    .replace(':text', CALL)
    .replace(':tool', 'translate')
    .replace(':webhook', 'mine')
    .replace(':letter', 'bGV0dGVy');

const found = (
  relation: 'self' | 'ancestor' | 'none',
  hasParent: boolean,
  exists = true,
): Relation => ({
  ...{ verdict: 'found', relation, hasParent, exists },
});

const problemOf = async (answer: Response) => {
  if (answer.ok) {
    // Cancel the body, because a stream of events would not end.
    await answer.body?.cancel();
    return { status: answer.status, type: undefined };
  }
  const { type = '' } = await answer.json<{ type?: string }>();
  return { status: answer.status, type: type.replace('urn:countersign:problem:', '') };
};

const kinRoutes = ROUTES.filter(({ roles }) => roles.some((role) => role !== 'operator'));
const adminRoutes = ROUTES.filter(({ roles }) => roles.every((role) => role === 'operator'));

/** Tells whether the request passed authorisation: any refusal is about its content. */
const isHeard = ({ status, type }: { status: number; type?: string | undefined }): boolean =>
  status !== 401 && type !== 'forbidden' && type !== 'unknown-account';

const stranger = 'agent';

describe.each(kinRoutes.map((route) => [route.id, route] as const))('%s', (id, route) => {
  const asking = async (who: 'owner' | 'agent', relation: Relation, account = X) => {
    network(KEY_ACCOUNT);
    const { context } = await scriptedContext(config, {
      relation: async () => relation,
      apply: async () => governed(),
      standing: async () => ({ verdict: 'unavailable' }),
    });
    return manage(context, await signedRequest(config, id, pathOf(route, account), { who }));
  };
  const isFor = (...roles: readonly AdminRole[]) =>
    roles.some((role) => route.roles.includes(role));

  it.each([
    ['an account above', found('ancestor', true), isFor('above')],
    ['itself, below another', found('self', true), isFor('self')],
    ['itself, without a parent', found('self', false), isFor('self', 'sovereign')],
  ] as const)('admits %s according to its roles', async (_, relation, may) => {
    const said = await problemOf(await asking(stranger, relation));
    expect(isHeard(said)).toBe(may);
    if (!may) expect(said).toEqual({ status: 403, type: 'forbidden' });
  });

  it('admits operators according to its roles', async () => {
    const said = await problemOf(await asking('owner', found('none', true)));
    expect(isHeard(said)).toBe(isFor('operator'));
    if (!isFor('operator')) expect(said).toEqual({ status: 403, type: 'forbidden' });
  });

  it('answers alike for an unknown account and for a stranger’s account', async () => {
    const answers = [
      await asking(stranger, found('none', true)),
      await asking(stranger, found('none', false, false)),
      await asking(stranger, found('self', false, false)),
    ];
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toContain('unknown-account');
    const heads = answers.map(({ headers }) => JSON.stringify([...headers]));
    expect(new Set(heads).size).toBe(1);
  });
});

describe.each(adminRoutes.map((route) => [route.id, route] as const))('%s', (id, route) => {
  it('admits operators only, and tells others nothing about the resource in its path', async () => {
    const { rpc } = network(KEY_ACCOUNT);
    const { context, asked, relation } = await scriptedContext(config, {
      relation: async () => found('self', false),
    });
    const texts = new Set<string>();
    for (const account of [X, accountOf('agent'), 'eip155:1:0x00', 'nobody']) {
      const request = await signedRequest(config, id, pathOf(route, account), { who: stranger });
      const answer = await manage(context, request);
      expect(answer.status).toBe(403);
      texts.add(await answer.text());
    }
    expect(texts.size).toBe(1);
    expect([rpc, asked, relation]).toEqual([[], [], []]);
  });
});

/** An operator signs these requests, because most routes serve operators. So only the check of the intent can reject them. */
it.each(ROUTES.map((route) => [route.id, route] as const))(
  '%s demands an intent for this request, and asks nobody about another one',
  async (id, route) => {
    const { rpc } = network(KEY_ACCOUNT);
    const { context, asked, relation } = await scriptedContext(config);
    const signed = async (fields: RequestParts['fields'] = {}) =>
      await signedRequest(config, id, pathOf(route, X), { fields });
    const unsigned = await signed();
    unsigned.headers.delete('Agent-Intent');
    const good = await signed();
    const cases: readonly (readonly [Request, number, string])[] = [
      [unsigned, 401, 'intent-required'],
      [await signed({ tool: 'countersign.admin.another' }), 400, 'intent-mismatch'],
      [await signed({ audience: 'https://other.example' }), 400, 'intent-mismatch'],
      [new Request(`${good.url}?limit=1`, good), 400, 'intent-mismatch'],
      ...(route.body === undefined
        ? []
        : [
            [
              new Request(await signed(), { method: route.method, body: '{}' }),
              400,
              'intent-mismatch',
            ] as const,
          ]),
      [
        await signed({ validAfter: BigInt(NOW - 200), validBefore: BigInt(NOW - 100) }),
        400,
        'expired',
      ],
    ];
    for (const [request, status, type] of cases)
      expect(await problemOf(await manage(context, request))).toEqual({ status, type });
    expect([rpc, asked, relation]).toEqual([[], [], []]);
  },
);

describe('authorisation', () => {
  const path = `/accounts/${X}`;
  const read = (who: 'owner' | 'agent') => signedRequest(config, 'account.get', path, { who });

  it('verifies another signature than the key’s on the chain before it asks the account', async () => {
    network({ ...KEY_ACCOUNT, eth_getCode: '0x60' });
    const { context, relation, asked } = await scriptedContext(config, {
      relation: async () => found('ancestor', true),
    });
    const forged = { who: 'agent', fields: { agent: OPERATOR } } as const;
    const answer = await manage(context, await signedRequest(config, 'account.get', path, forged));
    expect(await problemOf(answer)).toEqual({ status: 400, type: 'invalid-signature' });
    expect([relation, asked]).toEqual([[], []]);
  });

  it('takes the key of an account with code, and asks no chain (law 13)', async () => {
    const { rpc } = network({ ...KEY_ACCOUNT, eth_getCode: '0x60' });
    const { context } = await scriptedContext(config, {
      relation: async () => found('ancestor', true),
      standing: async () => ({ verdict: 'unavailable' }),
    });
    expect(await problemOf(await manage(context, await read('agent')))).toEqual({
      ...{ status: 503, type: 'storage-unavailable' },
    });
    expect(rpc).toEqual([]);
  });

  it('rejects a signature under another address, whatever the account', async () => {
    network(KEY_ACCOUNT);
    for (const relation of [
      found('ancestor', true),
      found('none', true),
      found('none', false, false),
    ]) {
      const { context } = await scriptedContext(config, { relation: async () => relation });
      const forged = await signedRequest(config, 'account.get', path, {
        ...{ who: 'agent', fields: { agent: OPERATOR } },
      });
      const said = await problemOf(await manage(context, forged));
      expect(said).toEqual({ status: 400, type: 'invalid-signature' });
    }
  });

  it('refuses when the account does not answer (law 2)', async () => {
    network(KEY_ACCOUNT);
    const { context } = await scriptedContext(config, {
      relation: async () => {
        throw new Error('overloaded');
      },
    });
    const answer = await manage(context, await read('agent'));
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('overloaded');
  });

  it('gives the role of operator only on routes that admit operators', async () => {
    network(KEY_ACCOUNT);
    const { context, asked } = await scriptedContext(config, {
      relation: async () => found('ancestor', true),
      standing: async () => ({ verdict: 'unknown_account' }),
    });
    await manage(context, await read('owner'));
    const status = { body: { status: 'frozen' } };
    await manage(context, await signedRequest(config, 'account.status', `${path}/status`, status));
    expect(asked).toMatchObject([
      { asked: 'standing', question: { by: { account: accountOf('owner'), role: 'operator' } } },
      { asked: 'apply', order: { by: { account: accountOf('owner'), role: 'owner' } } },
    ]);
  });
});

describe('an operator with a contract account', () => {
  /** A node on which every address has code that accepts every signature. */
  const contract: Node = {
    ...KEY_ACCOUNT,
    eth_getCode: '0x60',
    eth_call: ([{ data }]: [{ readonly data: string }]) =>
      `0x${(data.startsWith('0x1626ba7e') ? '1626ba7e' : '').padEnd(64, '0')}`,
  };
  const MAINNET = 'eip155:8453';
  const on = (networks: Config['networks']): Config => ({
    ...config,
    networks,
    payTo: new Map(networks.map((each) => [each, `0x${'aa'.repeat(20)}`])),
    payees: new Map(networks.map((each) => [each, [`0x${'aa'.repeat(20)}`]])),
    rpcUrls: new Map(networks.map((each) => [each, ['https://rpc.example']])),
  });
  const ofContract = { who: 'agent', fields: { agent: OPERATOR } } as const;
  const listing = async (set: Config) => {
    network(contract);
    const { context } = await scriptedContext(set);
    const listed = await signedRequest(set, 'webhooks.list', '/admin/webhooks', ofContract);
    return problemOf(await manage(context, listed));
  };

  it('is an operator on the first network', async () => {
    expect((await listing(on([NETWORK, MAINNET]))).status).toBe(200);
  });

  it('is no operator on another network, where a stranger may have deployed a contract at its address', async () => {
    const set = on([MAINNET, NETWORK]);
    expect(await listing(set)).toEqual({ status: 403, type: 'forbidden' });
    network(contract);
    const { context } = await scriptedContext(set, { relation: async () => found('none', false) });
    const read = await signedRequest(set, 'account.get', `/accounts/${X}`, ofContract);
    expect(await problemOf(await manage(context, read))).toEqual({
      ...{ status: 404, type: 'unknown-account' },
    });
  });
});

describe('the receiver’s account', () => {
  const [receiver] = [...config.payTo].map(([each, address]): AccountId => `${each}:${address}`);

  it.each(kinRoutes.map((route) => [route.id, route] as const))(
    'is for operators only: %s',
    async (id, route) => {
      for (const relation of [found('ancestor', true), found('self', true), found('self', false)]) {
        network(KEY_ACCOUNT);
        const { context, asked } = await scriptedContext(config, {
          relation: async () => relation,
        });
        const path = pathOf(route, receiver ?? '');
        const answer = await manage(
          context,
          await signedRequest(config, id, path, { who: 'agent' }),
        );
        expect(await problemOf(answer)).toEqual({ status: 404, type: 'unknown-account' });
        expect(asked).toEqual([]);
      }
    },
  );
});

it('rate limits operators and others alike', async () => {
  network(KEY_ACCOUNT);
  const { context } = await scriptedContext(config);
  const closed = { ...context, rateLimit: async () => false };
  const said = async (agent: string) => {
    const request = await signedRequest(config, 'webhooks.list', '/admin/webhooks', {
      ...{ who: 'agent', fields: { agent: agent as `0x${string}` } },
    });
    return problemOf(await manage(closed, request));
  };
  expect(await said(OPERATOR)).toEqual(await said(addressOf('agent')));
});
