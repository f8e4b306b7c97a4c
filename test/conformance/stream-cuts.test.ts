import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { x402Client } from '@x402/core/client';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import { type LocalAccount, maxUint256, parseAbi, parseEther } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { relayerVariables } from '../../dev/stack/gateway-variables.ts';
import { people } from '../../dev/stack/people.ts';
import { openOperator, sellTools } from '../../dev/stack/sell-tools.ts';
import { usdc, usdcBalance } from '../../dev/stack/chain-access.ts';
import { PERMIT2 } from '../../src/protocol/x402/permit2.ts';
import { openRandom } from '../falsify/random.ts';
import { accountOf } from './support/credit.ts';
import { trustedAccount } from './support/payment.ts';
import { useWorld } from './support/world.ts';

/*
 * Callers that leave at random bytes of a metered stream (rule 3 of docs/tools.md): hanging up is no discount, and nothing is charged twice.
 * The upstream is a stand-in in the wire format of OpenAI. `COUNTERSIGN_CUTS` is the number of calls.
 */

const CUTS = Number(process.env['COUNTERSIGN_CUTS'] ?? 40);
const PAYERS = 4;
const INPUT = 3;
const price = (words: number): bigint => BigInt(INPUT * 150 + words * 600);

const approval = parseAbi(['function approve(address spender, uint256 value) returns (bool)']);

/** A payer that may defer payments, and has approved Permit2, so that a permit settles for its charge after the call. */
const payerWith = async (funds: bigint): Promise<LocalAccount> => {
  const { client } = world();
  const account = await trustedAccount(world(), { reports: 20, balance: funds });
  await client.setBalance({ address: account.address, value: parseEther('1') });
  const hash = await client.writeContract({
    ...{ account, address: usdc.address, abi: approval },
    ...{ functionName: 'approve', args: [PERMIT2, maxUint256] },
  });
  await client.waitForTransactionReceipt({ hash });
  return account;
};

const world = useWorld({ variables: relayerVariables(people.relayer) });

/** Tokens that the stand-in has sent, by the number of the request. */
const written = new Map<number, number>();

const model = createServer((request, response) => {
  void text(request).then(async (body) => {
    const { call, words } = JSON.parse(body) as { readonly call: number; readonly words: number };
    if (written.has(call)) throw new Error(`call ${call} ran twice`);
    written.set(call, words);
    response.setHeader('content-type', 'text/event-stream');
    const send = async (event: object): Promise<void> => {
      response.write(`data: ${JSON.stringify({ object: 'chat.completion.chunk', ...event })}\n\n`);
      await new Promise((next) => setImmediate(next));
    };
    for (let word = 0; word < words; word++)
      await send({ choices: [{ index: 0, delta: { content: `word ${word} ` } }], usage: null });
    await send({ choices: [], usage: { prompt_tokens: INPUT, completion_tokens: words } });
    response.end('data: [DONE]\n\n');
  });
});

beforeAll(async () => {
  await new Promise<void>((listening) => model.listen(0, '127.0.0.1', listening));
  await sellTools(openOperator(world().stack.gateway), {}, [
    {
      ...{ id: 'chat', method: 'POST', path: '/v1/chat/completions', description: 'A chat.' },
      ...{ settlement: 'deferred', streamSeconds: 60 },
      upstream: `http://127.0.0.1:${(model.address() as AddressInfo).port}/`,
      price: {
        max: '$0.10',
        meter: {
          ...{ usage: 'openai', missing: 'max', includeUsage: true },
          rates: { input_tokens: '$150 per 1000000', output_tokens: '$600 per 1000000' },
        },
      },
    } as { readonly id: string },
  ]);
});
afterAll(() => {
  model.closeAllConnections();
  model.close();
});

/** `fetch` of the stock client of x402, which knows no scheme but `upto`. */
const stock = (account: LocalAccount, through: typeof fetch = fetch): typeof fetch =>
  wrapFetchWithPayment(
    through,
    new x402Client().register(
      'eip155:*',
      new UptoEvmScheme(account as never, { rpcUrl: world().stack.description.rpc }),
    ),
  ) as typeof fetch;

const requestOf = (call: number, words: number) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ call, words, model: 'small', stream: true }),
});

/** Reads as many bytes as are wanted, then leaves. */
const readUntil = async (answer: Response, bytes: number): Promise<void> => {
  const reader = answer.body?.getReader();
  let read = 0;
  while (reader !== undefined && read < bytes) {
    const { done, value } = await reader.read();
    if (done) return;
    read += value.length;
  }
  await reader?.cancel();
};

/** Sends a request by curl, and lets it die of a closed pipe after so many bytes. */
const curlUntil = async (request: Request, bytes: number): Promise<Response> => {
  const headers = [...request.headers].flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const curl = spawn('curl', [
    ...['-sN', '-X', request.method, '--data-binary', await request.text(), request.url],
    ...headers,
  ]);
  let read = 0;
  curl.stdout.on('data', (chunk: Buffer) => {
    read += chunk.length;
    if (read >= bytes) curl.kill('SIGKILL');
  });
  await new Promise((ended) => curl.on('close', ended));
  return new Response(null);
};

/** Makes one call and leaves after so many bytes: half of the calls by `fetch`, half by curl with what the stock client signed. */
const callAndLeave = async (account: LocalAccount, call: number, words: number, bytes: number) => {
  const url = `${world().stack.gateway.url}/v1/chat/completions`;
  if (call % 2 === 0)
    return await readUntil(await stock(account)(url, requestOf(call, words)), bytes);
  let sent = 0;
  const through: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    return sent++ === 0 ? await fetch(request) : await curlUntil(request, bytes);
  };
  await stock(account, through)(url, requestOf(call, words));
};

describe('callers that leave a metered stream', () => {
  it(`pay for all of it: ${CUTS} random cuts by the stock client and by curl`, async () => {
    const { integer } = openRandom('cuts');
    const funds = 100_000n * BigInt(CUTS);
    const payers = await Promise.all(
      Array.from({ length: PAYERS }, async () => await payerWith(funds)),
    );
    const plans = Array.from({ length: CUTS }, (_, call) => {
      const words = integer(0, 100);
      return { call, words, bytes: integer(1, 90 * words + 400), payer: call % PAYERS };
    });
    await Promise.all(
      payers.map(async (account, at) => {
        for (const { call, words, bytes, payer } of plans)
          // A payer whose payments settle more slowly than it calls is refused for a moment (rule `exposure`).
          for (let tries = 0; payer === at && !written.has(call) && tries < 100; tries++) {
            if (tries > 0) await new Promise((next) => setTimeout(next, 300));
            await callAndLeave(account, call, words, bytes);
          }
      }),
    );
    expect([...written.keys()].toSorted((one, other) => one - other)).toEqual(
      plans.map(({ call }) => call),
    );
    for (const [at, { address }] of payers.entries()) {
      const spent = plans
        .filter(({ payer }) => payer === at)
        .reduce((sum, { words }) => sum + price(words), 0n);
      // Each permit settles before the next call needs a balance, so the last ones may be open still.
      await expect
        .poll(async () => funds - (await usdcBalance(world().client, address)), { timeout: 60_000 })
        .toBe(spent);
      const charged = async (): Promise<bigint> => {
        const entries = await world().audit.entries(accountOf(address));
        return entries
          .filter(({ outcome }) => outcome?.['usage'] !== undefined)
          .reduce((sum, { amounts }) => sum + BigInt(amounts?.['charged'] ?? 0), 0n);
      };
      await expect.poll(charged, { timeout: 60_000 }).toBe(spent);
    }
  }, 900_000);
});
