import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RUNTIME_FILE } from '../../dev/stack/runtime.ts';
import {
  CVC,
  plantCard,
  plantKey,
  plantText,
  scanState,
  tracesIn,
} from '../support/secret-scan.ts';

const TEXT = `p<&"' ${randomBytes(12).toString('base64')}`;
const KEY = randomBytes(32);
const CARD = '4242424242424242';
const planted = [plantText('text', TEXT), plantKey('key', KEY), plantCard('card', CARD), CVC];
const secretsIn = (content: string | Uint8Array) =>
  tracesIn(planted, content).map(({ secret }) => secret);

describe('the scan for planted secrets', () => {
  it.each([
    ['JSON', JSON.stringify({ TEXT })],
    ['base64', Buffer.from(`x${TEXT}`).toString('base64')],
    ['wrapped base64', Buffer.from(TEXT).toString('base64').replace(/.{7}/g, '$&\n')],
    ['hex', Buffer.from(TEXT).toString('hex').toUpperCase()],
    ['a query', encodeURIComponent(TEXT)],
    ['UTF-16', Buffer.from(TEXT, 'utf16le')],
  ])('finds a text in %s', (_, content) => {
    expect(secretsIn(content)).toEqual(['text']);
  });

  it.each([
    ['bytes', Buffer.concat([randomBytes(9), KEY, randomBytes(9)])],
    ['its first half', KEY.subarray(0, 16)],
    ['its second half', KEY.subarray(16)],
    ['hex', `0x${KEY.toString('hex')}`],
    ['base64url', Buffer.concat([randomBytes(1), KEY]).toString('base64url')],
    ['JSON', JSON.stringify([...KEY])],
    ['a log line', inspect(new Uint8Array(KEY))],
  ])('finds a key in %s', (_, content) => {
    expect(secretsIn(content)).toEqual(['key']);
  });

  it.each([CARD, '4242 4242 4242 4242', '4242-4242-4242-4242', btoa(`"${CARD}"`)])(
    'finds a card number in %s',
    (content) => {
      expect(secretsIn(content)).toEqual(['card']);
    },
  );

  it('finds a verification code by its name, and nothing in other bytes', () => {
    expect(secretsIn('{"card":{"cvc":"737"}}')).toEqual(['a CVC']);
    expect(secretsIn(randomBytes(1_000_000))).toEqual([]);
  });
});

describe('the scan of a state directory', () => {
  let directory: string;
  let database: DatabaseSync;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-scan-'));
    database = new DatabaseSync(join(directory, 'objects.sqlite'));
    database.exec('PRAGMA journal_mode = WAL; CREATE TABLE entries (at INTEGER, body BLOB)');
  });
  afterEach(async () => {
    database.close();
    await rm(directory, { recursive: true, force: true });
  });
  const insert = (at: number | bigint, body: Uint8Array | string) =>
    database.prepare('INSERT INTO entries VALUES (?, ?)').run(at, body);
  const places = async () =>
    (await scanState(directory, planted)).map(({ secret, place }) => `${secret} in ${place}`);

  it('finds nothing where nothing is, and leaves the files with settings out', async () => {
    insert(1, 'other');
    const variables = { VAULT_KEY: KEY.toString('base64') };
    await writeFile(join(directory, RUNTIME_FILE), JSON.stringify({ variables }));
    expect(await places()).toEqual([]);
  });

  it('finds a secret in a line of a log', async () => {
    await writeFile(join(directory, 'gateway.log'), `{"cause":${JSON.stringify(TEXT)}}\n`);
    expect(await places()).toEqual(['text in gateway.log']);
  });

  it('finds a compressed one, a card number that is an integer, and one that spans pages', async () => {
    insert(BigInt(CARD), gzipSync(`{"key":"${KEY.toString('hex')}"}`));
    insert(2, 'a'.repeat(4_000) + TEXT + 'b'.repeat(9_000));
    expect(await places()).toEqual(
      expect.arrayContaining(
        ['text', 'key', 'card'].map((name) => `${name} in objects.sqlite table entries`),
      ),
    );
  });

  it('finds a deleted one in the write-ahead log', async () => {
    insert(1, TEXT);
    database.exec('DELETE FROM entries');
    expect(await places()).toContain('text in objects.sqlite-wal');
  });
});
