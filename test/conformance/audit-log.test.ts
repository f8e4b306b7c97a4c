import { beforeAll, describe, expect, it } from 'vitest';
import { parseCheckpoint } from '../../src/audit/log/checkpoint.ts';
import { parseKeyList } from '../../src/audit/log/key-list.ts';
import { rootOf } from '../../src/audit/log/merkle-tree.ts';
import { verifyNoteSignature } from '../../src/audit/log/note-signature.ts';
import { openNote } from '../../src/audit/log/signed-note.ts';
import { splitTile } from '../../src/audit/log/tile.ts';
import { pay, trustedAccount } from './support/payment.ts';
import { lookup, useWorld } from './support/world.ts';

const world = useWorld();

const get = async (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${world().stack.gateway.url}/log/${path}`, init);

/** The newest checkpoint, verified with the log's published key alone. */
const checkpoint = async () => {
  const [{ key } = { key: undefined }] = parseKeyList(await (await get('keys')).text()) ?? [];
  if (key === undefined) throw new Error('no key');
  const answer = await get('checkpoint');
  const opened = await openNote(await answer.text(), [key], verifyNoteSignature);
  const tree = opened.ok ? parseCheckpoint(opened.value.text) : undefined;
  if (tree === undefined) throw new Error(JSON.stringify(opened));
  return { key, tree };
};

const untilPublished = async () => {
  for (let tries = 0; tries < 150; tries += 1) {
    if ((await get('checkpoint')).ok) return checkpoint();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the log has published no checkpoint within 30 s');
};

beforeAll(async () => {
  const account = await trustedAccount(world(), { reports: 0, balance: 100_000n });
  const { status } = await pay(world(), account, lookup);
  if (status !== 200) throw new Error(`the call was answered ${status}`);
});

describe('the public log of a gateway', () => {
  it('has the root of its hashes under a signature of its key, after a paid call', async () => {
    const { key, tree } = await untilPublished();
    const year = new Date().getUTCFullYear();
    expect(tree.origin).toBe(`${new URL(world().stack.gateway.audience).host}/log/${year}`);
    expect(key.name).toBe(tree.origin);
    expect(tree.size).toBeGreaterThan(0);
    const tile = await get(`tile/0/000.p/${tree.size}`);
    expect(tile.headers.get('cache-control')).toContain('immutable');
    const hashes = splitTile(new Uint8Array(await tile.arrayBuffer()));
    expect(hashes).toHaveLength(tree.size);
    expect(rootOf(hashes)).toEqual(tree.root);
    expect((await get(`${year}/checkpoint`)).status).toBe(200);
  });

  it.each([
    'tile/0/000.p/255',
    'tile/0/0',
    'tile/entries/000',
    'tile/9/000',
    'other',
    'key',
    '2019/keys',
    '9999/keys',
    '2019/checkpoint',
    '9999/checkpoint',
    '%32026/checkpoint',
    'checkpoint/',
  ])('has nothing else: %s', async (path) => {
    await untilPublished();
    expect((await get(path)).status).toBe(404);
  });

  it('is only read', async () => {
    expect((await get('checkpoint', { method: 'POST' })).status).toBe(405);
  });
});
