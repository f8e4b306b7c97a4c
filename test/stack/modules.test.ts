import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { buildWorker, type WorkerModules } from '../../dev/worker-modules.ts';
import { createAgent, createManagement } from '../../src/client/index.ts';

/** The Worker in its deployed modules. All other tests run it as one file, which wrangler bundles. */
const network = 'eip155:84532';
const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
const relayerKey = generatePrivateKey();
const relayer = privateKeyToAccount(relayerKey);
let built: WorkerModules;
let stack: Stack;

beforeAll(async () => {
  built = await buildWorker(join(directory, 'worker'));
  stack = await startStack({
    persistTo: join(directory, 'state'),
    file: join(directory, 'stack.json'),
    entry: built.main,
    variables: {
      RELAYERS: JSON.stringify({
        [network]: { addresses: [relayer.address], first: true, wait: 0 },
      }),
      RELAYER_KEY: relayerKey,
    },
  });
  await stack.chain.client.setBalance({ address: relayer.address, value: parseEther('1') });
});
afterAll(async () => {
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

it('serves a paid call, settles it through queue and relayer, and reports it', async () => {
  const { gateway, agent, operator } = stack.description;
  const account = privateKeyToAccount(agent.privateKey);
  const payer = createAgent({ account, spend: { perCall: '$0.10', total: '$1' } });
  const answer = await payer.fetch(`${gateway}/tools/lookup?word=river`);
  expect(answer.status).toBe(200);

  const management = createManagement({
    gateway,
    account: privateKeyToAccount(operator.privateKey),
  });
  await expect
    .poll(async () => (await management.call('relayers')).body, { timeout: 30_000 })
    .toMatchObject({ items: [{ network, totals: { transactions: 1, payments: 1 } }] });
});

it('reconciles ledger and chain on schedule', async () => {
  const answer = await fetch(`${stack.description.gateway}/cdn-cgi/handler/scheduled`);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe('ok');
});

it('loads code that calls do not need only on demand', () => {
  expect(built.later.map((path) => /[a-z]+/.exec(path.slice(path.lastIndexOf('/')))?.[0])).toEqual(
    expect.arrayContaining(['management', 'open', 'queues', 'router', 'scheduled', 'settle']),
  );
});
