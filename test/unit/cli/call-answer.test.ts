import { expect, it } from 'vitest';
import { printAnswer } from '../../../src/cli/call/answer.ts';
import { createOutput } from '../../../src/cli/lib/output.ts';
import type { Session } from '../../../src/cli/lib/session.ts';
import { agentOf, scripted } from '../client/server.ts';

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
