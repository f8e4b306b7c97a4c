import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCron } from '../../dev/stack/cron.ts';
import { type Gateway, startGateway } from '../../dev/stack/gateway.ts';
import { serveLoopback } from '../../dev/stack/loopback.ts';
import { people } from '../../dev/stack/people.ts';
import { runningProcesses } from '../../dev/stack/process.ts';
import { newRevival } from '../../dev/stack/revival.ts';
import { RUNTIME_FILE } from '../../dev/stack/runtime.ts';
import { readTools, TOOLS_FILE } from '../../dev/stack/tools.ts';

describe('a local gateway', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  const crashes: unknown[] = [];
  const revived: string[] = [];
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({
      persistTo: directory,
      upstreamUrl: 'http://127.0.0.1:1',
      rpc: 'http://127.0.0.1:2',
      facilitators: ['http://127.0.0.1:3', 'http://127.0.0.1:4'],
      payTo: people.payTo,
      shield: 1234,
      variables: { CONFIRMATIONS: '3', DEFAULT_POLICY: '' },
      entry: join(import.meta.dirname, 'fixture-worker.ts'),
      onCrash: (exit) => crashes.push(exit),
      onRevived: (message) => revived.push(message),
    });
  });
  afterAll(async () => {
    await gateway.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const get = async (path: string): Promise<unknown> =>
    await (await fetch(gateway.url + path)).json();
  const inGroup = (group: number) =>
    (runningProcesses() ?? []).filter((process) => process.group === group);

  it('has its variables, the secret and a migrated database', async () => {
    expect(await get('/environment')).toMatchObject({
      AUDIENCES: gateway.url,
      PAY_TO: JSON.stringify({ 'eip155:84532': people.payTo }),
      RPC_URLS: '{"eip155:84532":["http://127.0.0.1:2"]}',
      FACILITATORS:
        '[{"url":"http://127.0.0.1:3","concurrency":186},{"url":"http://127.0.0.1:4","concurrency":186}]',
      UPSTREAM_URL: 'http://127.0.0.1:1',
      CONFIRMATIONS: '3',
    });
    const key = JSON.parse(readFileSync(join(directory, 'receipt-key.json'), 'utf8')) as object;
    expect(await get('/key')).toEqual(key);
    expect(key).toMatchObject({ kty: 'OKP', crv: 'Ed25519' });
    expect(await get('/tables')).toContain('chunks');
  });

  it('keeps the secret off command lines and from other users', () => {
    const { d } = JSON.parse(readFileSync(join(directory, 'receipt-key.json'), 'utf8')) as {
      d: string;
    };
    const processes = inGroup(gateway.processId());
    expect(processes.length).toBeGreaterThan(1);
    for (const { command } of processes) expect(command).not.toContain(d);
    const files = [RUNTIME_FILE, 'receipt-key.json'];
    const open = files.filter((file) => (statSync(join(directory, file)).mode & 0o077) !== 0);
    expect(open).toEqual([]);
    expect(readFileSync(gateway.log, 'utf8')).not.toContain(d);
  });

  it('is killed with all its processes, and continues with its state', async () => {
    expect(await get('/next')).toBe(1);
    const key = await get('/key');
    const group = gateway.processId();
    await gateway.kill();
    expect(inGroup(group)).toEqual([]);
    await gateway.restart({ CONFIRMATIONS: '4' });
    expect(gateway.processId()).not.toBe(group);
    expect(await get('/environment')).toMatchObject({ CONFIRMATIONS: '4' });
    expect(await get('/next')).toBe(2);
    expect(await get('/key')).toEqual(key);
    expect(crashes).toEqual([]);
  });

  it('survives a crash of its runtime with its state, and reports it', async () => {
    const group = gateway.processId();
    const runtime = inGroup(group).find(({ command }) => /\/workerd\b/.test(command));
    process.kill(runtime?.id ?? 0, 'SIGSEGV');
    await expect.poll(() => revived, { timeout: 60_000 }).toHaveLength(1);
    expect(revived[0]).toMatch(/^The Workers runtime ended .* runs again with its state/);
    expect(gateway.processId()).not.toBe(group);
    expect(await get('/next')).toBe(3);
    expect(crashes).toEqual([]);
  });
});

describe('a server that crashes', () => {
  const exit = { expected: false, code: 1, signal: null } as const;
  const reported = (restart: () => Promise<void>) => {
    const reports: string[] = [];
    const onExit = newRevival({
      restart,
      onRevived: (message) => reports.push(message.slice(0, 31)),
      onCrash: () => reports.push('crash'),
    });
    return { reports, onExit };
  };

  it('starts again three times, and then ends', async () => {
    const { reports, onExit } = reported(async () => undefined);
    for (let crash = 0; crash < 4; crash += 1) onExit(exit);
    await expect.poll(() => reports).toHaveLength(4);
    expect(reports.filter((each) => each === 'crash')).toHaveLength(1);
  });

  it('that does not start again has ended', async () => {
    const { reports, onExit } = reported(async () => Promise.reject(new Error('no port')));
    onExit(exit);
    await expect.poll(() => reports).toEqual(['crash']);
  });
});

it('runs the cron trigger of a gateway on its period, also after a run that failed', async () => {
  const runs: string[] = [];
  const server = await serveLoopback({
    handler: (request) => {
      runs.push(new URL(request.url).pathname + new URL(request.url).search);
      return new Response('no', { status: 500 });
    },
  });
  const cron = startCron(server.url, '0-59 * * * *', 20);
  await expect.poll(() => runs.length).toBeGreaterThan(2);
  await cron.stop();
  await server.stop();
  expect(new Set(runs)).toEqual(new Set(['/cdn-cgi/local/scheduled?cron=0-59%20*%20*%20*%20*']));
});

describe('the gateway itself', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('sells the tools of a given file', async () => {
    const toolsFile = join(directory, 'other-tools.json');
    const { tools } = JSON.parse(readFileSync(TOOLS_FILE, 'utf8')) as { tools: object[] };
    writeFileSync(toolsFile, JSON.stringify({ tools: [{ ...tools[0], price: '$0.123' }] }));
    const gateway = await startGateway({
      persistTo: join(directory, 'state'),
      upstreamUrl: 'http://127.0.0.1:1',
      rpc: 'http://127.0.0.1:2',
      facilitators: ['http://127.0.0.1:3'],
      payTo: people.payTo,
      toolsFile,
    });
    try {
      const offer = await fetch(`${gateway.url}/tools/lookup?word=river`);
      expect(offer.status).toBe(402);
      expect(await offer.json()).toMatchObject({
        accepts: [{ maxAmountRequired: '123000', payTo: people.payTo }],
      });
      expect((await fetch(`${gateway.url}/tools/stream`)).status).toBe(404);
    } finally {
      await gateway.stop();
    }
  });
});

describe('the demo tools', () => {
  it('are valid', async () => {
    expect((await readTools(TOOLS_FILE)).map(({ id }) => id)).toHaveLength(10);
  });

  it('are rejected with the name of an invalid field', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
    const file = join(directory, 'tools.json');
    const { tools } = JSON.parse(readFileSync(TOOLS_FILE, 'utf8')) as { tools: object[] };
    writeFileSync(file, JSON.stringify({ tools: [{ ...tools[0], price: 'cheap' }] }));
    await expect(readTools(file)).rejects.toThrow(/tools\[0\]\.price/);
    writeFileSync(file, '{"tools"');
    await expect(readTools(file)).rejects.toThrow(/is not JSON/);
    rmSync(directory, { recursive: true });
  });
});
