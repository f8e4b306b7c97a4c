import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startWorkerd, type Workerd } from '../../dev/bench/workerd.ts';
import { people } from '../../dev/stack/people.ts';
import { freePort, LOOPBACK } from '../../dev/stack/loopback.ts';
import { buildWorker, otherModules, type WorkerModules } from '../../dev/worker-modules.ts';

/** Objects that load their code with `import()`, as deployed modules in raw workerd without a test runner. */
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

/** Calls the objects of all names at once. An exception becomes text. */
const DRIVER = `export default {
  async fetch(request, env) {
    const { objects, names, method, args } = await request.json();
    const answers = names.map((name) => env[objects].getByName(name)[method](...args));
    return Response.json(await Promise.all(answers.map((one) => one.catch(String))));
  },
};`;

type CallAll = (
  objects: 'AGENT_ACCOUNT' | 'RELAYER',
  names: readonly string[],
  method: string,
  ...args: unknown[]
) => Promise<readonly unknown[]>;

/** Starts a fresh isolate. */
const begin = async (worker: WorkerModules): Promise<CallAll> => {
  const [directory, port] = [mkdtempSync(join(workspace, 'run-')), await freePort()];
  const script = join(directory, 'driver.js');
  writeFileSync(script, DRIVER);
  const each = (value: unknown): { readonly text: string } => ({
    text: JSON.stringify(Object.fromEntries(networks.map((network) => [network, value]))),
  });
  const bindings = {
    ...{
      PAY_TO: each(people.payTo),
      RELAYERS: each({ addresses: [address] }),
      RELAYER_KEY: { text: key },
    },
    // Nothing listens on this port.
    ...{ RPC_URLS: each([`http://${LOOPBACK}:1`]), CONFIRMATIONS: { text: '1' } },
    ...{ DEFAULT_POLICY: { text: '' }, COMMAND_BYTES_PER_DAY: { text: '' } },
    ...{ LOCAL_STACK: { text: 'true' }, AUDIENCES: { text: `http://${LOOPBACK}` } },
  };
  running = await startWorkerd({
    directory,
    services: [
      {
        name: 'gateway',
        script: worker.main,
        more: otherModules(worker),
        bindings,
        classes: ['AgentAccount', 'Relayer'],
      },
      {
        name: 'driver',
        script,
        bindings: {
          AGENT_ACCOUNT: { objects: 'AgentAccount', of: 'gateway' },
          RELAYER: { objects: 'Relayer', of: 'gateway' },
        },
        port,
      },
    ],
  });
  return async (objects, names, method, ...args) => {
    const body = JSON.stringify({ objects, names, method, args });
    const answer = await fetch(`http://${LOOPBACK}:${port}`, { method: 'POST', body });
    return (await answer.json()) as readonly unknown[];
  };
};

/** Breaks the module of the Worker that contains a text: loading it throws. */
const without = (text: string): WorkerModules => {
  const worker = mkdtempSync(join(workspace, 'broken-'));
  cpSync(dirname(built.main), worker, { recursive: true });
  const moved = (path: string): string => join(worker, basename(path));
  const later = built.later.map(moved);
  const code = later.filter((path) => readFileSync(path, 'utf8').includes(text));
  if (code[0] === undefined || code.length > 1)
    throw new Error(`${code.length} modules hold ${text}; one must.`);
  writeFileSync(code[0], `throw new Error('broken');`);
  const { main, first, wasm } = built;
  return { main: moved(main), first: first.map(moved), later, wasm: wasm.map(moved) };
};

const relayers = networks.map((network) => `${network}:${address.toLowerCase()}`);
const many = Array.from({ length: 50 }, (_, at) => `many:${at}`);
const accounts = Array.from(
  { length: 50 },
  (_, at) => `eip155:84532:0x${at.toString().padStart(40, '0')}`,
);

it.each([1, 2, 3])('relayers start concurrently in a fresh isolate (%i)', async () => {
  const callAll = await begin(built);
  const names = [...many, ...relayers, ...many, ...relayers];
  const statuses = await callAll('RELAYER', names, 'status');
  const found = (name: string) => {
    const network = name.slice(0, name.lastIndexOf(':'));
    return { verdict: 'found', network, waiting: 0, flights: [] };
  };
  const none = { verdict: 'unconfigured' };
  expect(statuses).toMatchObject(
    names.map((name) => (relayers.includes(name) ? found(name) : none)),
  );
  expect(await callAll('RELAYER', many, 'relay', [{ call: '0x01' }], true)).toEqual(
    many.map(() => [{ call: '0x01', verdict: 'unsupported' }]),
  );
});

it.each([1, 2, 3])('accounts start concurrently in a fresh isolate (%i)', async () => {
  const callAll = await begin(built);
  const names = [...accounts, ...accounts];
  expect(await callAll('AGENT_ACCOUNT', names, 'document', 'tool', 'none')).toEqual(
    names.map(() => ({ verdict: 'unknown' })),
  );
});

it('relayers accept no payment when their code cannot be loaded', async () => {
  const callAll = await begin(without('relayer_unsupported'));
  const names = [...relayers, ...relayers];
  expect(
    await callAll('RELAYER', names, 'relay', [{ call: '0x01' }, { call: '0x02' }], true),
  ).toEqual(names.map(() => ['0x01', '0x02'].map((call) => ({ call, verdict: 'unavailable' }))));
  expect(await callAll('RELAYER', names, 'status')).toEqual(
    names.map(() => 'Error: The relayer could not be opened.'),
  );
});

it('accounts reject commands and look-ups when their code cannot be loaded', async () => {
  const callAll = await begin(without('A label is 1 to'));
  const unavailable = accounts.map(() => ({ verdict: 'unavailable' }));
  expect(await callAll('AGENT_ACCOUNT', accounts, 'apply', { kind: 'status' })).toEqual(
    unavailable,
  );
  expect(await callAll('AGENT_ACCOUNT', accounts, 'standing', {})).toEqual(unavailable);
  expect(await callAll('AGENT_ACCOUNT', accounts, 'lookUp', {})).toEqual(unavailable);
  expect(await callAll('AGENT_ACCOUNT', accounts, 'children')).toEqual(
    accounts.map(() => 'Error: The children could not be read.'),
  );
});

it('loads code that calls do not need only on demand', () => {
  expect(built.later.map((path) => /[a-z]+/.exec(path.slice(path.lastIndexOf('/')))?.[0])).toEqual(
    expect.arrayContaining(['management', 'open', 'queues', 'router', 'scheduled', 'settle']),
  );
});
