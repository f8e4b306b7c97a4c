import { expect, it } from 'vitest';
import { printAnswer } from '../../../src/cli/call/answer.ts';
import { createOutput } from '../../../src/cli/lib/output.ts';
import type { Session } from '../../../src/cli/lib/session.ts';
import type { Offered } from '../../../src/client/hooks.ts';
import { AnswerBrokenOff } from '../../../src/client/index.ts';
import { cliErrorOf, EXIT } from '../../../src/cli/lib/errors.ts';
import {
  agentOf,
  type Arrived,
  BASE_SEPOLIA,
  callOf,
  claimsFor,
  HASH,
  offer,
  receiptOf,
  scripted,
  URL_OF_TOOL,
  USDC,
} from '../client/server.ts';

it.each([true, false])(
  'resets the terminal after a body that breaks off (raw: %s)',
  async (isRaw) => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array([0x1b])),
      pull: (controller) => controller.error(new TypeError('connection closed')),
    });
    const server = scripted(() => new Response(body));
    const response = await agentOf(server).fetch('https://gw.example/free');
    const written: string[] = [];
    const write = async () => void written.push('bytes');
    const out = {
      json: false,
      raw: write,
      bytes: write,
      endBytes: () => void written.push('reset'),
    };
    const request = { url: 'https://gw.example/free', method: 'GET' } as never;
    const session = { out } as unknown as Session;
    const printed = printAnswer(session, request, response, undefined, { verbose: false, isRaw });
    await expect(printed).rejects.toThrow('connection closed');
    expect(written.at(-1)).toBe('reset');
  },
);

/** Both output streams of a process, and what each received. */
const streams = (isTTY: boolean) => {
  const written: string[] = [];
  const write = (chunk: string | Uint8Array): boolean => {
    written.push(typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk));
    return true;
  };
  const stream = { isTTY, columns: 80, write, once: () => undefined } as never;
  const out = createOutput({
    ...{ json: false, colour: false, env: {} as never, stdout: stream, stderr: stream },
  });
  return { out, written };
};

const ESC = '\u001B';
const HIDDEN = `${ESC}]52;c;b3duZWQ=\u0007ok${ESC}[8m`;

it('prints an answer without its controls on a terminal, and resets the terminal before its own line', async () => {
  const { out, written } = streams(true);
  await out.bytes(new TextEncoder().encode(HIDDEN));
  expect(written.join('')).not.toContain(ESC);
  expect(written.join('')).toContain('ok');
  out.endBytes();
  // CAN and ST end a control sequence that the answer started, and SGR 0 resets its colours.
  expect(written.at(-1)).toBe(`\u0018${ESC}\\${ESC}[0m\n`);
});

it('passes the bytes of an answer on into a pipe unchanged', async () => {
  const { out, written } = streams(false);
  await out.bytes(new TextEncoder().encode(HIDDEN));
  out.endBytes();
  expect(written).toEqual([HIDDEN]);
});

it('prints what a stream has cost once it has ended, and its usage', async () => {
  const metered = async (arrived: Arrived) =>
    await receiptOf(
      await claimsFor(arrived, callOf(arrived), 'data: 1\n\n', {
        ...{ charged: '300', usage: { output_tokens: 7 }, end: 'complete' },
      }),
    );
  const server = () =>
    scripted(
      () => offer(),
      async (arrived) =>
        new Response(`data: 1\n\nevent: countersign-receipt\ndata: ${await metered(arrived)}\n\n`, {
          headers: { 'content-type': 'text/event-stream' },
        }),
    );
  const request = { url: URL_OF_TOOL, method: 'GET' } as never;
  const print = async (offered?: Offered): Promise<readonly string[]> => {
    const response = await agentOf(server()).fetch(URL_OF_TOOL);
    const { out, written } = streams(false);
    const session = { out } as unknown as Session;
    await printAnswer(session, request, response, offered, { verbose: false, isRaw: false });
    return written;
  };
  const written = await print();
  expect(written.slice(0, -1).join('')).toBe('data: 1\n\n');
  expect(written.at(-1)).toContain('paid $0.0003 · 7 output tokens · receipt verified');
  // `exact` moves the whole price.
  const requirement = {
    scheme: 'exact',
    network: BASE_SEPOLIA,
    asset: USDC.split(':')[2],
    amount: 20_000n,
  };
  expect((await print({ requirement } as unknown as Offered)).at(-1)).toContain(
    'paid $0.0003 in USDC on base-sepolia; the other $0.0197 of the payment becomes credit',
  );
});

it('ends with an exit code of its own if the answer broke off, and never says to try again', () => {
  const thrown = new AnswerBrokenOff({
    ...{ call: HASH, charged: undefined, atMost: 50_000n, cause: new TypeError('terminated') },
    final: async () => await Promise.reject(new Error('no look-up')),
  });
  const error = cliErrorOf(thrown);
  expect(error).toMatchObject({ exit: EXIT.incomplete, code: 'answer_broken_off' });
  expect(error.message).toContain('at most $0.05 (50000)');
  expect(`${error.message} ${error.hint}`).not.toContain('try again');
});
