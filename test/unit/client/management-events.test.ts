import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/crypto/bytes.ts';
import { clientOf, errorOf, expectSigned, OWNER } from './management-fixture.ts';
import { problem, scripted, type Step } from './server.ts';

const feed = (...pieces: readonly string[]): Step => {
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(utf8(piece));
      controller.close();
    },
  });
  return () => new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
};

const event = (seq: number, more = ''): string =>
  `id: ${seq}\nevent: call.accepted\ndata: ${JSON.stringify({ seq, more })}\n\n`;

const followed = async (
  steps: readonly Step[],
  count: number,
  after?: number,
): Promise<{ readonly seqs: readonly number[]; readonly queries: readonly string[] }> => {
  const server = scripted(...steps);
  const seqs: number[] = [];
  const options = after === undefined ? {} : { after };
  for await (const { seq } of clientOf(server).events(OWNER, options)) {
    seqs.push(seq);
    if (seqs.length === count) break;
  }
  await expectSigned(server.arrived[0], 'countersign.admin.account.events');
  const headers = server.arrived.map((arrived) => arrived.headers.get('agent-intent'));
  expect(new Set(headers).size).toBe(headers.length);
  return { seqs, queries: server.arrived.map(({ url }) => new URL(url).search) };
};

describe('the feed of log entries', () => {
  it('yields entries however the stream is cut, and ignores comments', async () => {
    const text = `retry: 3000\n\n: nothing new\n\n${event(3, 'ü\u2028')}:x\r\n\r\n${event(4)}`;
    const bytes = utf8(text);
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
        controller.close();
      },
    });
    const { seqs, queries } = await followed([() => new Response(stream)], 2, 2);
    expect(seqs).toEqual([3, 4]);
    expect(queries).toEqual(['?after=2']);
  });

  it('asks for the newest entries until it has one, and then resumes after that', async () => {
    const server = scripted(feed(': nothing'), feed(event(3)), feed(event(4)));
    const seqs: number[] = [];
    for await (const { seq } of clientOf(server).events(OWNER, { newest: 30 })) {
      seqs.push(seq);
      if (seq === 4) break;
    }
    expect(seqs).toEqual([3, 4]);
    expect(server.arrived.map(({ url }) => new URL(url).search)).toEqual([
      '?newest=30',
      '?newest=30',
      '?after=3',
    ]);
  });

  it('resumes after the last entry with a new signature when it ends or breaks', async () => {
    const broken: Step = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          start: (controller) => {
            controller.enqueue(utf8(`${event(6)}id: 7\ndata: {"seq"`));
          },
          pull: (controller) => {
            controller.error(new TypeError('connection lost'));
          },
        }),
      );
    const { seqs, queries } = await followed([feed(event(5)), broken, feed(event(7))], 3);
    expect(seqs).toEqual([5, 6, 7]);
    expect(queries).toEqual(['', '?after=5', '?after=6']);
  });

  it('resumes after the sequence number that the gateway sent before any entry', async () => {
    const { queries } = await followed([feed('id: 41\n\n'), feed(event(42))], 1);
    expect(queries).toEqual(['', '?after=41']);
  });

  it('yields no entry twice', async () => {
    const { seqs } = await followed([feed(event(5), event(5), event(4), event(6))], 2);
    expect(seqs).toEqual([5, 6]);
  });

  it('retries a 429, and throws a final refusal', async () => {
    const busy: Step = () => new Response('', { status: 429, headers: { 'retry-after': '1' } });
    const server = scripted(busy, () => problem(404, 'unknown-account'));
    const error = await errorOf(async () => {
      for await (const _ of clientOf(server).events(OWNER));
    });
    expect(error).toMatchObject({
      code: 'refused',
      problem: { type: 'urn:countersign:problem:unknown-account' },
    });
    expect(server.arrived).toHaveLength(2);
  });

  it('stops when its signal aborts', async () => {
    const stop = new AbortController();
    const silent: Step = () => new Response(new ReadableStream());
    const events = clientOf(scripted(silent)).events(OWNER, { signal: stop.signal });
    const next = events.next();
    setTimeout(() => stop.abort(new Error('enough')), 20);
    await expect(next).rejects.toThrow('enough');
  });

  it.each([
    ['an entry without a sequence number', 'data: {"seq":9}\n\n'],
    ['a sequence number that is not an integer', 'id: 0x5g\ndata: {"seq":9}\n\n'],
    ['an event that never ends', `data: ${'x'.repeat(1_000)}\n`.repeat(400)],
  ])('rejects %s', async (_, text) => {
    const error = await errorOf(async () => followed([feed(text), feed(event(9))], 1));
    expect(error.code).toBe('answer_malformed');
  });

  it('reads a CR LF that two chunks split as one line end', async () => {
    const pieces = ['id: 5\r', '\ndata: {"seq":5}\r', '\n\r', '\n'];
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const piece of pieces) controller.enqueue(utf8(piece));
        controller.close();
      },
    });
    const { seqs } = await followed([() => new Response(stream)], 1);
    expect(seqs).toEqual([5]);
  });

  it('pauses between feeds that only repeat old entries', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 200);
    let asked = 0;
    const same = () => {
      asked += 1;
      return Promise.resolve(new Response(event(5)));
    };
    const events = clientOf({ fetch: same }).events(OWNER, { after: 5, signal: stop.signal });
    await expect(events.next()).rejects.toThrow('enough');
    expect(asked).toBeLessThan(4);
  });

  it('rejects an event that is not JSON', async () => {
    const error = await errorOf(async () => followed([feed('id: 5\ndata: nonsense\n\n')], 1));
    expect(error.code).toBe('answer_malformed');
  });
});
