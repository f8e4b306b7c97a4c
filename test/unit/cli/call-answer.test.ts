import { expect, it } from 'vitest';
import { printAnswer } from '../../../src/cli/call/answer.ts';
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
