import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { parseEther } from 'viem';
import { beforeEach, describe, expect, test } from 'vitest';
import { usdcBalance } from '../../dev/stack/chain-access.ts';
import { person } from '../../dev/stack/people.ts';
import { useWorld } from '../conformance/support/world.ts';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { putKey } from './support/keys.ts';
import { putStackFile } from './support/stack.ts';

const world = useWorld();
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = withEnv(await putStackFile(world(), home()), { COUNTERSIGN_PASSWORD: PASSWORD });
});

const run = async (words: readonly string[], stdin = ''): Promise<Ran> =>
  await pipe(place, words, stdin);

/** A settled call of $0.05, and its receipt. */
const paidCall = async (
  as = 'agent',
): Promise<{ readonly call: string; readonly receipt: string }> => {
  const data = JSON.stringify({ text: `Once ${Math.random()}.` });
  const ran = await run(['call', '/tools/report', '-d', data, '--as', as, '--json']);
  expect(ran.code, ran.stderr).toBe(0);
  const { call, agentReceipt } = documentIn(ran) as { call: string; agentReceipt: string };
  return { call, receipt: agentReceipt };
};

const PATIENCE = { timeout: 60_000, interval: 1_000 };
const REASON = ['--reason', 'wrong answer'];

describe('calls refund', () => {
  test('takes the receipt of the payer instead of account and call', async () => {
    const { call, receipt } = await paidCall();
    const part = await run(
      ['calls', 'refund', '--receipt', '-', '--amount', '0.02', ...REASON, '--json'],
      `agent-receipt: ${receipt}\n`,
    );
    expect(documentIn(part)).toMatchObject({ call, amount: '20000', charged: '50000' });
    const rest = await run(['calls', 'refund', '--receipt', receipt, ...REASON]);
    expect(rest.code, rest.stderr).toBe(0);
    expect(rest.stdout).toContain('refunded $0.03');
    // The account and its log show both refunds.
    await expect
      .poll(
        async () => (await run(['calls', 'show', 'agent', call, '--operator'])).stdout,
        PATIENCE,
      )
      .toMatch(/refunded +\$0\.05/);
    const refunds = async () => {
      const log = await run(['audit', 'export', 'agent', '--operator', '--from', '1d']);
      const entries = log.stdout.split('\n').filter((line) => line.includes('"call.refunded"'));
      return entries.filter((line) => line.includes(call));
    };
    await expect.poll(refunds, PATIENCE).toHaveLength(2);
  });

  test('refuses a receipt that the gateway did not sign, or that lacks a part', async () => {
    const { receipt } = await paidCall();
    const [header, claims, signature] = receipt.split('.') as [string, string, string];
    const forged = Buffer.from(claims, 'base64url')
      .toString()
      .replace('"charged":"', '"charged":"9');
    for (const bad of [
      [header, Buffer.from(forged).toString('base64url'), signature].join('.'),
      [header, claims].join('.'),
      'nonsense',
    ]) {
      const ran = await run(['calls', 'refund', '--receipt', bad, ...REASON]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain('not a receipt of this gateway');
    }
    const neither = await run(['calls', 'refund', ...REASON]);
    expect(neither.code).toBe(2);
    expect(neither.stderr).toContain('--receipt');
  });

  test('takes the short id that a table shows', async () => {
    const { call } = await paidCall();
    const short = `${call.slice(0, 10)}…${call.slice(-4)}`;
    await expect
      .poll(async () => (await run(['calls', 'show', 'agent', short, '--operator'])).code, PATIENCE)
      .toBe(0);
    const unknown = await run(['calls', 'show', 'agent', '0x00000000…0000', '--operator']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('countersign calls list');
  });

  test('pays the refund out with the wallet at PAY_TO, and takes the credit back', async () => {
    const { client, stack } = world();
    const payee = person('payee');
    await putKey(place, 'payee', payee.privateKey);
    const { call } = await paidCall('agent3');
    const payer = stack.description.agents[2]?.address ?? '0x';
    const before = await usdcBalance(client, payer);
    const words = ['calls', 'refund', 'agent3', call, ...REASON, '--transfer-from', 'payee'];
    // Both failures leave no credit behind that the operator would still owe.
    const poor = await run(words);
    expect(poor.code).toBe(1);
    expect(poor.stderr).toContain('no coins of this chain');
    await client.setBalance({ address: payee.address, value: parseEther('1') });
    const wrong = await run([...words, '--rpc', 'http://127.0.0.1:1']);
    expect(wrong.code, wrong.stderr).toBe(3);
    const ran = await run([...words, '--json']);
    expect(ran.code, ran.stderr).toBe(0);
    const { transfer } = documentIn(ran) as { transfer: Record<string, string> };
    expect(transfer).toMatchObject({ from: payee.address, credit: '0' });
    expect(await usdcBalance(client, payer)).toBe(before + 50_000n);
    await expect
      .poll(async () => {
        const log = await run(['audit', 'export', 'agent3', '--operator', '--from', '1d']);
        return log.stdout
          .split('\n')
          .filter((line) => line.includes('"credit.refunded"') && line.includes(call)).length;
      }, PATIENCE)
      .toBe(1);
    // The call is refunded and the transfer recorded: repeating either command changes nothing.
    expect((await run(words)).code).toBe(1);
    const again = ['credits', 'refund', 'agent3', String(transfer['transaction']), '--json'];
    expect(documentIn(await run(again))).toMatchObject({ known: true });
  });

  test('never says that a sent transfer failed, when the node stops answering', async () => {
    const { client, stack } = world();
    const payee = person('payee');
    await putKey(place, 'payee', payee.privateKey);
    await client.setBalance({ address: payee.address, value: parseEther('1') });
    const { call } = await paidCall('agent4');
    const server = serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: async (request: Request) => {
        const body = await request.text();
        if (body.includes('eth_getTransactionReceipt')) return new Response('', { status: 403 });
        const headers = { 'content-type': 'application/json' };
        return await fetch(stack.chain.rpc, { method: 'POST', body, headers, redirect: 'manual' });
      },
    });
    try {
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const words = ['calls', 'refund', 'agent4', call, ...REASON, '--transfer-from', 'payee'];
      const ran = await run([...words, '--rpc', `http://127.0.0.1:${port}`]);
      expect(ran.code, ran.stderr).toBe(3);
      expect(ran.stderr).toContain('Do not send it again.');
      expect(ran.stderr.replace(/\s+/g, ' ')).not.toMatch(/transfer [^.]*failed/);
      const [, transaction = ''] =
        /transfer (0x[0-9a-f]{64})/.exec(ran.stderr.replace(/\s+/g, ' ')) ?? [];
      // The command in the error records the transfer and takes the credit back.
      const mended = await run([
        'credits',
        'refund',
        'agent4',
        transaction,
        '--call',
        call,
        '--json',
      ]);
      expect(documentIn(mended)).toMatchObject({ credit: '0' });
    } finally {
      server.close();
    }
  });
});
