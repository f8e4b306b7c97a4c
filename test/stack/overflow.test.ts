import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getAddress, parseAbiItem } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { relayerVariables } from '../../dev/stack/gateway-variables.ts';
import { people } from '../../dev/stack/people.ts';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { workerOf } from '../support/built-worker.ts';
import { createAgent } from '../../src/client/index.ts';

/** Facilitator and relayer with the settings that `countersign init` writes. */
const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({
    ...workerOf({}),
    persistTo: directory,
    file: join(directory, 'stack.json'),
    variables: relayerVariables(people.relayer),
    // The local stack allows its facilitator more concurrent requests than an operator's default.
    wire: async (real) => ({
      ...real,
      variables: { FACILITATORS: JSON.stringify(real.facilitators.map((url) => ({ url }))) },
    }),
  });
});
afterAll(async () => {
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Counts the settled payments by the address that sent the transaction. */
const settledBy = async (): Promise<ReadonlyMap<string, number>> => {
  const { client, usdc } = stack.chain;
  const logs = await client.getLogs({
    address: usdc,
    event: parseAbiItem(
      'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
    ),
    fromBlock: 0n,
  });
  const senders = await Promise.all(
    logs.map(async ({ transactionHash }) => {
      const { from } = await client.getTransaction({ hash: transactionHash });
      return getAddress(from);
    }),
  );
  return new Map(
    Object.entries(Object.groupBy(senders, (from) => from)).map(([from, all]) => [
      from,
      all?.length ?? 0,
    ]),
  );
};

it('settles beyond the width of the facilitator by the relayer', async () => {
  const { gateway, agents } = stack.description;
  const calls = 6;
  const payers = agents.map(({ privateKey }) =>
    createAgent({
      account: privateKeyToAccount(privateKey),
      spend: { perCall: '$0.10', total: '$1' },
    }),
  );
  const callAll = async (path: string): Promise<void> => {
    const answers = await Promise.all(payers.map((payer) => payer.fetch(gateway + path)));
    for (const { status } of answers) expect(status).toBe(200);
  };
  // A payer's first payment settles before its tool runs, one at a time.
  await callAll('/tools/flaky?status=200');
  const before = await settledBy();
  expect([...before.values()].reduce((sum, count) => sum + count, 0)).toBe(agents.length);

  await Promise.all(
    Array.from({ length: calls }, (_, at) => callAll(`/tools/lookup?word=river&number=${at}`)),
  );
  const more = (after: ReadonlyMap<string, number>, address: string): number =>
    (after.get(address) ?? 0) - (before.get(address) ?? 0);
  const [facilitator] = people.facilitators;
  await expect
    .poll(
      async () => {
        const after = await settledBy();
        return more(after, facilitator.address) + more(after, people.relayer.address);
      },
      { timeout: 45_000, interval: 500 },
    )
    .toBe(agents.length * calls);
  const after = await settledBy();
  expect(more(after, facilitator.address)).toBeGreaterThan(0);
  expect(more(after, people.relayer.address)).toBeGreaterThan(agents.length);
});
