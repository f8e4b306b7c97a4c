import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type RunningServer, serveLoopback } from '../../dev/stack/loopback.ts';
import { parseCheckpoint } from '../../src/audit/log/checkpoint.ts';
import { pay, trustedAccount } from '../conformance/support/payment.ts';
import { lookup, useWorld } from '../conformance/support/world.ts';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { putStackFile } from './support/stack.ts';
import { findingOf, type Report } from './support/python-verifier.ts';
import { untilYearLasts } from '../support/day.ts';

const EVENTUALLY = { timeout: 60_000, interval: 500 };
/** What the command checks about one published year: the newest checkpoint, its tiles, and its growth. */
const PUBLISHED = 3;

const world = useWorld();
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = withEnv(await putStackFile(world(), home()), { COUNTERSIGN_PASSWORD: PASSWORD });
});

const run = async (...words: readonly string[]): Promise<Ran> => await pipe(place, words);
const gateway = (): string => world().stack.gateway.url;
const year = (): number => new Date().getUTCFullYear();

const buy = async (): Promise<void> => {
  const account = await trustedAccount(world(), { reports: 0, balance: 100_000n });
  expect((await pay(world(), account, lookup)).status).toBe(200);
};

const published = async (path: string): Promise<Response> =>
  await fetch(`${gateway()}/log/${year()}/${path}`);

const publishedSize = async (): Promise<number> => {
  const note = await (await published('checkpoint')).text();
  return parseCheckpoint(note.slice(0, note.indexOf('\n\n') + 1))?.size ?? 0;
};

/** Buys once, and waits until the published log has grown. */
const buyAndSign = async (): Promise<void> => {
  const before = await publishedSize();
  await buy();
  await vi.waitFor(async () => expect(await publishedSize()).toBeGreaterThan(before), EVENTUALLY);
};

/** Exports all accounts as an operator. @returns the checkpoint in the folder */
const exported = async (folder: string): Promise<string> => {
  const ran = await run('audit', 'export', '--all', '-o', folder);
  expect(ran.code, ran.stderr).toBe(0);
  return await readFile(join(place.directory, folder, 'log', String(year()), 'checkpoint'), 'utf8');
};

/** Verifies a folder with the log key that the gateway publishes, as a reader would. */
const verified = async (folder: string, ...options: readonly string[]) => {
  const keys = join(place.directory, 'pinned');
  await writeFile(keys, await (await published('keys')).text());
  const ran = await run('audit', 'verify', folder, '--log-key', keys, ...options, '--json');
  const report = documentIn(ran) as unknown as Report;
  return { code: ran.code, log: findingOf(report, 'log'), heads: findingOf(report, 'heads') };
};

/** Runs `use` with a proxy that changes the published log on its way. */
const proxied = async <T>(
  change: (path: string, body: Uint8Array) => Uint8Array,
  use: (url: string) => Promise<T>,
): Promise<T> => {
  const proxy: RunningServer = await serveLoopback({
    handler: async (request) => {
      const { pathname } = new URL(request.url);
      const answer = await fetch(gateway() + pathname);
      const body = change(pathname, new Uint8Array(await answer.arrayBuffer()));
      return new Response(new Uint8Array(body), { status: answer.status });
    },
  });
  try {
    return await use(proxy.url);
  } finally {
    await proxy.stop();
  }
};

const flipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, at) => (at === 5 ? byte ^ 1 : byte));

beforeAll(async () => {
  await untilYearLasts(240_000);
  await buyAndSign();
}, 400_000);

describe('audit verify --log with the URL of a gateway', () => {
  test('proves that the gateway publishes the exported log, also after the log has grown', async () => {
    const [offline, compared] = await vi.waitFor(async () => {
      await rm(join(place.directory, 'audit'), { recursive: true, force: true });
      await exported('audit');
      const both = [await verified('audit'), await verified('audit', '--log', gateway())] as const;
      // The code is 4 while no checkpoint covers an account, because the end of its chain is open then.
      expect(both.map(({ code }) => code)).toEqual([0, 0]);
      return both;
    }, EVENTUALLY);
    expect(compared.log.checked).toBe(offline.log.checked + PUBLISHED);

    await buyAndSign();
    const later = await verified('audit', '--log', gateway());
    expect(later.log.checked).toBe(compared.log.checked);
    // Only another account has bought. The command compares the exported accounts with the published index one by one.
    expect(later.heads).toMatchObject({ checked: compared.heads.checked, unchecked: 0 });
    expect(later.code).toBe(later.heads.bounded === 0 ? 0 : 4);
  });

  test('finds a tile that is altered on the way', async () => {
    await exported('audit');
    const found = await proxied(
      (path, body) => (path.includes('/tile/') ? flipped(body) : body),
      async (url) => await verified('audit', '--log', url),
    );
    expect(found).toMatchObject({
      code: 1,
      log: { verdict: 'BROKEN', first: { reason: 'tile_altered' } },
    });
    expect(found.log.first?.['file']).toMatch(`/log/${year()}/tile/0/000`);
  });

  test('finds a checkpoint that is altered, and one from before the export', async () => {
    const old = await exported('old');
    await buyAndSign();
    await exported('audit');
    const reasonOf = async (change: (note: string) => string): Promise<unknown> => {
      const { code, log } = await proxied(
        (path, body) =>
          path.endsWith('/checkpoint')
            ? new TextEncoder().encode(change(new TextDecoder().decode(body)))
            : body,
        async (url) => await verified('audit', '--log', url),
      );
      return [code, log.first?.['reason'], log.first?.['file']];
    };
    const file = `/log/${year()}/checkpoint`;
    expect(await reasonOf(() => old)).toEqual([1, 'rolled_back', file]);
    const larger = (note: string): string => note.replace(/\n(\d+)\n/, (_, n) => `\n${n}1\n`);
    expect(await reasonOf(larger)).toEqual([1, 'wrong_signer', file]);
  });

  test('ends with an error, and no verdict, if nothing answers', async () => {
    await exported('audit');
    const nobody = await proxied(
      (_, body) => body,
      async (url) => url,
    );
    const ran = await run('audit', 'verify', 'audit', '--log', nobody, '--json');
    expect([ran.code, documentIn(ran)]).toMatchObject([3, { error: { code: 'unreachable' } }]);
  });
});
