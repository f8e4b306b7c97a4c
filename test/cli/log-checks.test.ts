import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkpointText } from '../../src/audit/log/checkpoint.ts';
import { keyListText, type ListedKey } from '../../src/audit/log/key-list.ts';
import type { LogKey } from '../../src/audit/log/log-key.ts';
import { rootOf } from '../../src/audit/log/merkle-tree.ts';
import { signNote } from '../../src/audit/log/note-signature.ts';
import { writeNote } from '../../src/audit/log/signed-note.ts';
import { appendToTiles, tilePath } from '../../src/audit/log/tile.ts';
import { logChecks } from '../../src/cli/doctor/log-checks.ts';
import { logSettingChecks } from '../../src/cli/doctor/log-setting-checks.ts';
import { KEY, leafHashes, ORIGIN, privateKey } from '../unit/audit/log/vectors.ts';

const GATEWAY = 'https://gateway.example';
const LEAVES = leafHashes(40);
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'countersign-log-checks-'));
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await rm(home, { recursive: true });
});

type Published = {
  readonly change?: (note: string) => string;
  readonly signers?: readonly LogKey[];
  readonly listed?: readonly ListedKey[];
};
let own: LogKey;
let next: LogKey;
beforeEach(async () => {
  own = { key: KEY, privateKey: await privateKey() };
  const pair = (await crypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const raw = (await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer;
  next = { key: { ...KEY, publicKey: new Uint8Array(raw) }, privateKey: pair.privateKey };
});

/** Starts a gateway that publishes a log of these leaves. */
const publish = async (
  leaves: readonly Uint8Array[],
  { change = (note) => note, signers = [own], listed = [{ key: KEY, from: 1 }] }: Published = {},
) => {
  const text = checkpointText({ origin: ORIGIN, size: leaves.length, root: rootOf(leaves) });
  const sign = async ({ key, privateKey: by }: LogKey) => await signNote(key, by, text);
  const note = writeNote({ text, signatures: await Promise.all(signers.map(sign)) });
  const tiles = new Map(
    appendToTiles(() => undefined, 0, leaves).map(({ bytes, ...at }) => [tilePath(at), bytes]),
  );
  vi.stubGlobal('fetch', async (url: string) => {
    const path = url.slice(`${GATEWAY}/log/`.length);
    if (path === 'keys') return new Response(keyListText(listed));
    if (path === 'checkpoint') return new Response(change(note));
    const [place = '', width] = path.replace('2026/tile/', '').split('.p/');
    const bytes = tiles.get(place)?.slice(0, 32 * Number(width ?? 256));
    return bytes === undefined
      ? new Response('', { status: 404 })
      : new Response(new Uint8Array(bytes));
  });
};

const checked = async () => {
  const [check] = await logChecks(GATEWAY, home, new AbortController().signal);
  return [check?.status, check?.says];
};

describe('the check of a transparency log', () => {
  test('passes while the log extends what this machine saw', async () => {
    await publish(LEAVES.slice(0, 10));
    expect(await checked()).toEqual(['ok', expect.stringContaining('seen for the first time')]);
    await publish(LEAVES);
    expect(await checked()).toEqual(['ok', expect.stringContaining('extends the 10 seen before')]);
    expect(await checked()).toEqual(['ok', expect.stringContaining('extends the 40 seen before')]);
  });

  test('fails for a log that replaced a leaf, and remembers what was there', async () => {
    await publish(LEAVES.slice(0, 10));
    await checked();
    await publish(LEAVES.with(3, LEAVES[4] as Uint8Array));
    expect(await checked()).toEqual(['fail', expect.stringContaining('does not extend the 10')]);
    expect(await checked()).toEqual(['fail', expect.stringContaining('does not extend the 10')]);
  });

  test('warns of a log that became shorter', async () => {
    await publish(LEAVES);
    await checked();
    await publish(LEAVES.slice(0, 10));
    expect(await checked()).toEqual(['warn', expect.stringContaining('it had 40 before')]);
  });

  test('fails for a checkpoint that its key did not sign', async () => {
    await publish(LEAVES, { change: (note) => note.replace('\n40\n', '\n41\n') });
    expect(await checked()).toEqual(['fail', 'no key that it lists signed its checkpoint']);
  });

  test('passes through the overlap of two keys, and warns of a key that nothing led to', async () => {
    const overlap = [
      { key: KEY, from: 1 },
      { key: next.key, from: 2 },
    ];
    const after = [
      { key: next.key, from: 2 },
      { key: KEY, from: 1, until: 3 },
    ];
    await publish(LEAVES.slice(0, 10));
    await checked();
    await publish(LEAVES.slice(0, 20), { signers: [own, next], listed: overlap });
    expect(await checked()).toEqual(['ok', expect.stringContaining('49c1ef09 and ')]);
    await publish(LEAVES.slice(0, 30), { signers: [next], listed: after });
    expect(await checked()).toEqual(['ok', expect.stringContaining('extends the 20')]);
    await publish(LEAVES.slice(0, 35));
    expect(await checked()).toEqual(['warn', expect.stringContaining('another key than before')]);
    await publish(LEAVES, { listed: overlap });
    expect(await checked()).toEqual(['warn', expect.stringContaining('did not sign it')]);
  });

  test('skips a gateway without a log', async () => {
    vi.stubGlobal('fetch', async () => new Response('', { status: 404 }));
    expect(await checked()).toEqual(['skip', 'the gateway publishes none']);
  });
});

describe('the settings of a transparency log', () => {
  const key = JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: 'x', d: 'd' });
  const other = key.replace('"x":"x"', '"x":"y"');
  test.each([
    [{}, []],
    [{ LOG_KEY: key, RECEIPT_KEY: key.replace('"x":"x"', '"x":"y"') }, []],
    [{ LOG_KEY: key, RECEIPT_KEY: key }, ['LOG_KEY']],
    [{ LOG_KEY: 'secret' }, ['LOG_KEY']],
    [{ LOG_KEY: key, LOG_KEY_NEXT: 'secret' }, ['LOG_KEY_NEXT']],
    [{ LOG_KEY_NEXT: key }, ['LOG_KEY_NEXT']],
    [{ LOG_KEY: key, LOG_KEY_NEXT: other, RECEIPT_KEY: other }, ['LOG_KEY_NEXT']],
    [{ WITNESSES: '[{"url":"http://10.0.0.1","key":"x"}]' }, ['WITNESSES']],
  ])('%j fails for %j', (values, names) => {
    const checks = logSettingChecks(values, 'public');
    expect(checks.map(({ name }) => name)).toEqual(names);
    expect(JSON.stringify(checks)).not.toContain('secret"');
  });
});
