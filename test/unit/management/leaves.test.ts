import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseCheckpoint } from '../../../src/audit/log/checkpoint.ts';
import { headIn } from '../../../src/audit/log/heads.ts';
import { leafHash, rootOf } from '../../../src/audit/log/merkle-tree.ts';
import { readNote } from '../../../src/audit/log/signed-note.ts';
import { anchorOfLeaf, headOfLeaf, type Leaf, parseLeaf } from '../../../src/audit/log/leaf.ts';
import { verifyInclusion } from '../../../src/audit/log/verify-proof.ts';
import type { Config } from '../../../src/config/config.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { decodeBase64, encodeBase64Url, utf8 } from '../../../src/crypto/bytes.ts';
import { manage } from '../../../src/management/router.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { publicKey } from '../audit/log/vectors.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { addressOf, NETWORK, NOW, vectorConfig } from '../gateway/signing.ts';
import { accountOf, scriptedContext, signedRequest } from './scripted-context.ts';

type Answer = {
  readonly origin: string;
  readonly size: number;
  readonly checkpoint?: string;
  readonly items: readonly {
    readonly index: number;
    readonly leaf: string;
    readonly proof?: string[];
  }[];
  readonly head?: {
    readonly frame: readonly { readonly index: number }[];
    readonly slot?: string;
    readonly path?: readonly string[];
  };
  readonly next?: string;
};

const OWNER = accountOf('owner');
const OTHER: AccountId = `${NETWORK}:0x${'66'.repeat(20)}`;
const GENESIS: Hex = `0x${'00'.repeat(32)}`;
const YEAR = new Date(NOW * 1_000).getUTCFullYear();
const hashes = (count: number): readonly Hex[] =>
  Array.from(
    { length: count },
    () =>
      `0x${Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, '0')).join('')}` as const,
  );

let config: Config;
let origin: string;

useVectorsClock();
beforeEach(async () => {
  network(KEY_ACCOUNT);
  // Each test has its own host, and so its own log.
  const host = `${crypto.randomUUID()}.example`;
  config = {
    ...vectorConfig(),
    operators: [addressOf('owner')],
    audiences: [`https://${host}`, 'https://gw.example'],
  };
  origin = `${host}/log/${YEAR}`;
  const d = encodeBase64Url(Uint8Array.from({ length: 32 }, (_, at) => at));
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64Url(publicKey()), d };
  Object.assign(env, { LOG_KEY: JSON.stringify(jwk) });
  let prev = GENESIS;
  for (let at = 0; at < 7; at += 1) {
    const own = hashes(2);
    await env.AUDIT_LOG.getByName(origin).append([
      { account: OWNER, first: 1 + 2 * at, prev, hashes: own },
      ...(at === 3 ? [{ account: OTHER, first: 1, prev: GENESIS, hashes: hashes(1) }] : []),
    ]);
    prev = own.at(-1) ?? prev;
  }
  await runDurableObjectAlarm(env.AUDIT_LOG.getByName(origin));
});

/** Reads leaves as `who`. The owner is the account itself, and a stranger to the other account. */
const asked = async (
  id: 'account.leaves' | 'log.leaves',
  path: string,
  who: 'owner' | 'agent' = 'owner',
) => {
  const { context } = await scriptedContext(config);
  const related = {
    ...context,
    log: (name: string) => env.AUDIT_LOG.getByName(name),
    account: (of: AccountId) => ({
      ...context.account(of),
      relation: async ({ by }: { readonly by: AccountId }) =>
        ({
          verdict: 'found',
          relation: of === by ? 'self' : 'none',
          hasParent: false,
          exists: true,
        }) as const,
    }),
  };
  return manage(related, await signedRequest(config, id, path, { who }));
};

const served = async (...request: Parameters<typeof asked>): Promise<Answer> => {
  const answer = await asked(...request);
  expect(answer.status).toBe(200);
  return answer.json();
};

const own = `/accounts/${OWNER}/leaves`;

describe('the leaves of an account', () => {
  it('come with proofs that lead to the checkpoint of the answer', async () => {
    const {
      origin: name,
      size,
      checkpoint = '',
      items,
      next,
    } = await served('account.leaves', own);
    const note = readNote(checkpoint);
    const tree = note.ok ? parseCheckpoint(note.value.text) : undefined;
    if (tree === undefined) throw new Error('no checkpoint');
    expect([name, size, tree.origin, tree.size, next]).toEqual([origin, 9, origin, 9, undefined]);
    expect(items.map(({ index }) => index)).toEqual([0, 1, 2, 3, 5, 6, 7]);
    for (const { index, leaf, proof = [] } of items) {
      const path = proof.map((hash) => decodeBase64(hash) ?? new Uint8Array());
      expect(parseLeaf(leaf)?.account).toBe(OWNER);
      expect(verifyInclusion({ hash: leafHash(utf8(leaf)), index }, tree, path)).toBe(true);
    }
  });

  it('come with a proof that the last of them is the newest', async () => {
    const { head, size } = await served('account.leaves', `${own}?limit=1`);
    expect(head?.frame).toMatchObject([{ index: size - 1 }]);
    expect(head?.path).toHaveLength(12);
    const newest = (await served('account.leaves', own)).items.at(-1)?.leaf ?? '';
    const first = (await served('account.leaves', own)).items[0]?.leaf ?? '';
    const anchor = anchorOfLeaf(parseLeaf(first) as Leaf);
    const slot = decodeBase64(head?.slot ?? '') ?? new Uint8Array();
    expect(headIn(slot, anchor)).toEqual(headOfLeaf(parseLeaf(newest) as Leaf));
  });

  it('are paged against one tree, also while the log grows', async () => {
    const first = await served('account.leaves', `${own}?limit=3`);
    await env.AUDIT_LOG.getByName(origin).append([
      { account: `${NETWORK}:0x${'77'.repeat(20)}`, first: 1, prev: GENESIS, hashes: hashes(1) },
    ]);
    await runDurableObjectAlarm(env.AUDIT_LOG.getByName(origin));
    const second = await served('account.leaves', `${own}?limit=3&after=${first.next}`);
    const third = await served('account.leaves', `${own}?limit=3&after=${second.next}`);
    const pages = [first, second, third];
    expect(pages.flatMap(({ items }) => items.map(({ index }) => index))).toEqual([
      0, 1, 2, 3, 5, 6, 7,
    ]);
    expect(pages.map(({ size, checkpoint }) => [size, checkpoint !== undefined])).toEqual([
      [9, true],
      [9, false],
      [9, false],
    ]);
    expect(third.next).toBeUndefined();
  });

  it('begin with the one that holds an entry, and end after the last one', async () => {
    const { items } = await served('account.leaves', `${own}?from=4&limit=1`);
    expect(parseLeaf(items[0]?.leaf ?? '')).toMatchObject({ first: { seq: 3 }, last: { seq: 4 } });
    expect((await served('account.leaves', `${own}?from=15`)).items).toEqual([]);
    const older = await served('account.leaves', `${own}?size=2`);
    expect([older.size, older.items.length, older.checkpoint]).toEqual([2, 2, undefined]);
  });

  it('are nothing for a stranger', async () => {
    config = { ...config, operators: [] };
    const answer = await asked('account.leaves', `/accounts/${OTHER}/leaves`);
    expect([answer.status, JSON.stringify(await answer.json())]).toEqual([
      404,
      expect.not.stringContaining('countersign-head'),
    ]);
  });

  it.each([
    ['size=10', 'query.size'],
    ['year=2025', 'query.year'],
    [`year=${YEAR + 1}`, 'query.year'],
    ['after=x', 'query.after'],
    ['from=-1', 'query.from'],
    ['account=x', 'query.account'],
  ])('are refused for %s', async (query, field) => {
    const answer = await asked('account.leaves', `${own}?${query}`);
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ field })]);
  });

  it('are none in a year before the log began', async () => {
    const { size, items } = await served('account.leaves', `${own}?year=${YEAR - 1}`);
    expect([size, items]).toEqual([0, []]);
  });
});

describe('the leaves of a log', () => {
  it('are all of them in order, for an operator', async () => {
    const first = await served('log.leaves', '/admin/log/leaves?limit=5');
    const rest = await served('log.leaves', `/admin/log/leaves?limit=5&after=${first.next}`);
    const items = [...first.items, ...rest.items];
    expect(items.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const note = readNote(first.checkpoint ?? '');
    const tree = note.ok ? parseCheckpoint(note.value.text) : undefined;
    expect(rootOf(items.map(({ leaf }) => leafHash(utf8(leaf))))).toEqual(tree?.root);
    expect((await served('log.leaves', '/admin/log/leaves?from=8')).items).toHaveLength(1);
    expect(rest.next).toBeUndefined();
  });

  it('are for operators alone', async () => {
    expect((await asked('log.leaves', '/admin/log/leaves', 'agent')).status).toBe(403);
  });

  it('do not exist without a log', async () => {
    const { context } = await scriptedContext(config);
    const request = await signedRequest(config, 'log.leaves', '/admin/log/leaves');
    expect((await manage(context, request)).status).toBe(404);
  });
});
