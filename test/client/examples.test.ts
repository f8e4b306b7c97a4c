import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Hex } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { mint, usdcBalance } from '../../dev/stack/chain-access.ts';
import { ROOT } from '../../dev/root.ts';
import { freePort, LOOPBACK } from '../../dev/stack/loopback.ts';
import { type ProcessGroup, startProcess } from '../../dev/stack/process.ts';
import { useSharedWorld } from '../conformance/support/world.ts';

const world = useSharedWorld();
const run = promisify(execFile);

/** A funded key, and its balance in atomic units. */
const wallet = async (amount: bigint) => {
  const privateKey = generatePrivateKey();
  const address = privateKeyToAddress(privateKey);
  if (amount > 0n) await mint(world().client, address, amount);
  return { privateKey, balance: async () => await usdcBalance(world().client, address) };
};

describe('examples/agent.ts', () => {
  it('has at most ten lines', () => {
    const lines = readFileSync(join(ROOT, 'examples/agent.ts'), 'utf8').split('\n');
    const code = lines.filter((line) => line.trim() !== '' && !line.startsWith('//'));
    expect(code.length).toBeLessThanOrEqual(10);
  });

  it('pays with the published package, and prints the answer and its charge', async () => {
    const { privateKey, balance } = await wallet(100_000n);
    const url = `${world().stack.gateway.url}/tools/lookup?word=river`;
    const { stdout } = await run(process.execPath, ['examples/agent.ts', url], {
      cwd: ROOT,
      env: { ...process.env, AGENT_KEY: privateKey },
    });
    expect(stdout).toContain('stream of water');
    expect(stdout).toMatch(/^200 \{/);
    expect(stdout).toContain('charged $0.001, receipt verified: true');
    expect(await balance()).toBe(99_000n);
  });
});

const wranglerBinary = (): string =>
  join(
    dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
    'bin',
    'wrangler.js',
  );

/** Runs the example under `wrangler dev` with this key as its secret. */
const startWorker = async (
  directory: string,
  privateKey: Hex,
): Promise<{ readonly url: string; readonly group: ProcessGroup }> => {
  const secrets = join(directory, 'secrets');
  await writeFile(secrets, `AGENT_KEY=${privateKey}\n`, { mode: 0o600 });
  const port = await freePort();
  const url = `http://${LOOPBACK}:${port}`;
  const group = startProcess({
    program: process.execPath,
    arguments: [
      wranglerBinary(),
      'dev',
      '--local',
      `--config=${join(ROOT, 'examples/worker/wrangler.toml')}`,
      `--persist-to=${directory}`,
      `--env-file=${secrets}`,
      `--var=GATEWAY:${world().stack.gateway.url}`,
      `--ip=${LOOPBACK}`,
      `--port=${port}`,
      `--inspector-port=${await freePort()}`,
      '--show-interactive-dev-session=false',
    ],
    environment: {
      ...process.env,
      NODE_ENV: undefined,
      CI: '1',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_SEND_ERROR_REPORTS: 'false',
      WRANGLER_LOG_PATH: join(directory, 'logs'),
      WRANGLER_REGISTRY_PATH: join(directory, 'registry'),
      WRANGLER_CACHE_DIR: join(directory, 'cache'),
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    },
  });
  await vi.waitFor(
    async () => {
      const status = await fetch(url).then((answer) => answer.status, group.output);
      expect(status).toBe(400);
    },
    { timeout: 60_000, interval: 100 },
  );
  return { url, group };
};

describe('examples/worker', () => {
  let directory: string;
  let worker: Awaited<ReturnType<typeof startWorker>>;
  let payer: Awaited<ReturnType<typeof wallet>>;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-example-'));
    payer = await wallet(100_000n);
    worker = await startWorker(directory, payer.privateKey);
  });
  afterAll(async () => {
    await worker?.group.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('needs no compatibility flag', () => {
    const config = readFileSync(join(ROOT, 'examples/worker/wrangler.toml'), 'utf8');
    expect(config).not.toContain('compatibility_flags');
  });

  it('buys two words with its own money', async () => {
    for (const word of ['river', 'bank']) {
      const answer = await fetch(`${worker.url}/?word=${word}`);
      expect([answer.status, await answer.json()]).toMatchObject([
        200,
        { paid: { charged: '1000', receipt: true }, answer: { word } },
      ]);
    }
    await expect.poll(payer.balance, { timeout: 60_000 }).toBe(98_000n);
    expect((await world().counts()).lookup).toBeGreaterThanOrEqual(2);
  });

  it("returns the tool's answer to an unknown word, and pays nothing for it", async () => {
    const answer = await fetch(`${worker.url}/?word=qwrtzpsdf`);
    expect([answer.status, await answer.json()]).toMatchObject([
      404,
      { paid: { charged: '0', receipt: true } },
    ]);
  });

  it('does not reveal its key', async () => {
    const answer = await fetch(`${worker.url}/?word=${'x'.repeat(5000)}`);
    const text = await answer.text();
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain(payer.privateKey.slice(2));
  });
});

describe('examples/browser', () => {
  it('type-checks with browser types', async () => {
    await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', 'examples/browser'], { cwd: ROOT });
  });
});
