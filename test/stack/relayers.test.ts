import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startWorkerd, type Workerd } from '../../dev/bench/workerd.ts';
import { people } from '../../dev/people.ts';
import { freePort, LOOPBACK } from '../../dev/ports.ts';
import { buildWorker, type WorkerModules } from '../../dev/worker-modules.ts';

/** The objects of an isolate whose code comes late, as modules in raw workerd: no test runner stands between them and `import()`. */
const networks = ['eip155:84532', 'eip155:8453'];
const workspace = mkdtempSync(join(tmpdir(), 'countersign-'));
const key = generatePrivateKey();
const { address } = privateKeyToAccount(key);
let built: WorkerModules;
let running: Workerd | undefined;

beforeAll(async () => {
  built = await buildWorker(join(workspace, 'worker'));
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
});
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

/** Asks all objects of the names at once. What they throw is said as text. */
const DRIVER = `export default {
  async fetch(request, env) {
    const { names, method, args } = await request.json();
    const said = names.map((name) => env.RELAYER.getByName(name)[method](...args));
    return Response.json(await Promise.all(said.map((one) => one.catch(String))));
  },
};`;

type Ask = (
  names: readonly string[],
  method: string,
  ...args: unknown[]
) => Promise<readonly unknown[]>;

/** A fresh isolate. */
const begin = async ({ main, first, later }: WorkerModules): Promise<Ask> => {
  const [directory, port] = [mkdtempSync(join(workspace, 'run-')), await freePort()];
  const script = join(directory, 'driver.js');
  writeFileSync(script, DRIVER);
  const each = (value: unknown): { readonly text: string } => ({
    text: JSON.stringify(Object.fromEntries(networks.map((network) => [network, value]))),
  });
  const bindings = {
    ...{ PAY_TO: each(people.payTo), RELAYERS: each({ address }), RELAYER_KEY: { text: key } },
    // Nobody listens there.
    ...{ RPC_URLS: each([`http://${LOOPBACK}:1`]), CONFIRMATIONS: { text: '1' } },
  };
  running = await startWorkerd({
    directory,
    services: [
      {
        name: 'gateway',
        script: main,
        more: [...first, ...later].filter((path) => path !== main),
        bindings,
        classes: ['AgentAccount', 'Relayer'],
      },
      {
        name: 'driver',
        script,
        bindings: { RELAYER: { objects: 'Relayer', of: 'gateway' } },
        port,
      },
    ],
  });
  return async (names, method, ...args) => {
    const body = JSON.stringify({ names, method, args });
    const answer = await fetch(`http://${LOOPBACK}:${port}`, { method: 'POST', body });
    return (await answer.json()) as readonly unknown[];
  };
};

const many = Array.from({ length: 50 }, (_, at) => `many:${at}`);

it.each([1, 2, 3])('begin all at once in a fresh isolate (%i)', async () => {
  const ask = await begin(built);
  const names = [...many, ...networks, ...many, ...networks];
  const said = await ask(names, 'status');
  const found = (network: string) => ({ verdict: 'found', network, waiting: 0, flights: [] });
  const none = { verdict: 'unconfigured' };
  expect(said).toMatchObject(names.map((name) => (networks.includes(name) ? found(name) : none)));
  const relays = [{ call: '0x01' }];
  expect(await ask(many, 'relay', relays, true)).toEqual(
    many.map(() => [{ call: '0x01', verdict: 'unsupported' }]),
  );
});

it('take nothing when their code cannot be loaded', async () => {
  const worker = join(workspace, 'broken');
  cpSync(dirname(built.main), worker, { recursive: true });
  const moved = (path: string): string => join(worker, basename(path));
  const later = built.later.map(moved);
  const code = later.find((path) => basename(path).startsWith('open-'));
  if (code === undefined) throw new Error('The code of relayers is in no module of its own.');
  writeFileSync(code, `throw new Error('broken');`);
  const ask = await begin({ main: moved(built.main), first: built.first.map(moved), later });

  const names = [...networks, ...networks];
  expect(await ask(names, 'relay', [{ call: '0x01' }, { call: '0x02' }], true)).toEqual(
    names.map(() => ['0x01', '0x02'].map((call) => ({ call, verdict: 'unavailable' }))),
  );
  expect(await ask(names, 'status')).toEqual(
    names.map(() => 'Error: The relayer could not be opened.'),
  );
});
