import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyOf, discard, readUpTo, resumed } from '../../../src/gateway/body.ts';

const streamOf = (chunks: readonly Uint8Array[], failure?: Error) => {
  const left = [...chunks];
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = left.shift();
      if (chunk !== undefined) controller.enqueue(chunk);
      else if (failure !== undefined) controller.error(failure);
      else controller.close();
    },
  });
};

const chunksOf = fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { maxLength: 8 });
const joined = (chunks: readonly Uint8Array[]) => chunks.flatMap((chunk) => [...chunk]);

describe('readUpTo', () => {
  it('reads a body within the limit completely, and resumes a longer one without losing a byte', async () => {
    await fc.assert(
      fc.asyncProperty(chunksOf, fc.nat(100), async (chunks, limit) => {
        const all = joined(chunks);
        const reading = await readUpTo(streamOf(chunks), limit);
        expect(reading.read).toBe(all.length > limit ? 'over' : 'whole');
        if (reading.read === 'whole') expect([...reading.bytes]).toEqual(all);
        if (reading.read !== 'over') return;
        expect(reading.head.byteLength).toBeLessThanOrEqual(limit + 20);
        const body = await new Response(resumed(reading.head, reading.rest)).arrayBuffer();
        expect([...new Uint8Array(body)]).toEqual(all);
      }),
    );
  });

  it('accepts a body of exactly the limit', async () => {
    const ten = () => streamOf([new Uint8Array(6), new Uint8Array(4)]);
    expect((await readUpTo(ten(), 10)).read).toBe('whole');
    expect((await readUpTo(ten(), 9)).read).toBe('over');
  });

  it('reads an absent body as zero bytes', async () => {
    expect(await readUpTo(null, 0)).toEqual({ read: 'whole', bytes: new Uint8Array(0) });
  });

  it('reports a body that breaks off', async () => {
    expect(await readUpTo(streamOf([new Uint8Array(3)], new Error('lost')), 10)).toEqual({
      read: 'broken',
      head: new Uint8Array(3),
    });
  });

  describe('with a declared length', () => {
    /** Streams of bytes, like those of the network, and of chunks, like those of a script. */
    const bodies = {
      bytes: (chunks: readonly Uint8Array[]) =>
        new Response(new Blob([...chunks] as Uint8Array<ArrayBuffer>[])).body,
      chunks: (chunks: readonly Uint8Array[]) => streamOf(chunks),
    };

    it('reads the same bytes whatever length is declared, and no more than the limit', async () => {
      await fc.assert(
        fc.asyncProperty(
          chunksOf,
          fc.nat(100),
          fc.oneof(fc.nat(120), fc.constantFrom(NaN, Infinity)),
          fc.constantFrom('bytes', 'chunks'),
          async (chunks, limit, declared, kind) => {
            const all = joined(chunks);
            const reading = await readUpTo(bodies[kind](chunks), limit, declared);
            expect(reading.read).toBe(all.length > limit ? 'over' : 'whole');
            if (reading.read === 'whole') expect([...reading.bytes]).toEqual(all);
            if (reading.read !== 'over') return;
            const body = await new Response(resumed(reading.head, reading.rest)).arrayBuffer();
            expect([...new Uint8Array(body)]).toEqual(all);
          },
        ),
      );
    });

    it('takes no memory for a length above the limit', async () => {
      expect(await readUpTo(bodies.bytes([new Uint8Array(3)]), 10, 2 ** 50)).toEqual({
        read: 'whole',
        bytes: new Uint8Array(3),
      });
    });

    it('reports a body that breaks off before its length', async () => {
      const { readable, writable } = new IdentityTransformStream();
      const writer = writable.getWriter();
      const reading = readUpTo(readable, 10, 5);
      await writer.write(new Uint8Array(3));
      await writer.abort(new Error('lost'));
      expect(await reading).toEqual({ read: 'broken', head: new Uint8Array(0) });
    });
  });
});

describe('discard', () => {
  const endless = (after: () => Promise<void> = async () => undefined) => {
    let taken = 0;
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await after();
        taken += 10;
        controller.enqueue(new Uint8Array(10));
      },
      cancel: () => {
        cancelled = true;
      },
    });
    return { rest: body.getReader(), seen: () => ({ taken, cancelled }) };
  };

  it('reads a body to its end, and no more than its bound of a longer one', async () => {
    const short = streamOf([new Uint8Array(5), new Uint8Array(5)]).getReader();
    await discard(short, 100, 1_000);
    expect(await short.read()).toMatchObject({ done: true });
    const long = endless();
    await discard(long.rest, 100, 1_000);
    // A stream pulls one chunk in advance.
    expect(long.seen().taken).toBeLessThanOrEqual(110);
    expect(long.seen().cancelled).toBe(true);
  });

  it('does not wait for a sender that stalls, nor fail with one that breaks off', async () => {
    const stalled = endless(async () => await new Promise(() => {}));
    await discard(stalled.rest, 100, 20);
    expect(stalled.seen().cancelled).toBe(true);
    await discard(streamOf([new Uint8Array(5)], new Error('lost')).getReader(), 100, 1_000);
  });
});

describe('resumed', () => {
  it('fails where the rest fails, so that a cut stream does not look complete', async () => {
    const reading = await readUpTo(
      streamOf([new Uint8Array(5), new Uint8Array(5)], new Error('lost')),
      4,
    );
    if (reading.read !== 'over') throw new Error('expected more than the limit');
    const reader = resumed(reading.head, reading.rest).getReader();
    expect((await reader.read()).done).toBe(false);
    expect((await reader.read()).done).toBe(false);
    await expect(reader.read()).rejects.toThrow('lost');
  });

  it('cancels the upstream when the caller cancels', async () => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(10)),
      cancel: () => {
        cancelled = true;
      },
    });
    const reading = await readUpTo(endless, 4);
    if (reading.read !== 'over') throw new Error('expected more than the limit');
    await resumed(reading.head, reading.rest).cancel();
    expect(cancelled).toBe(true);
  });
});

describe('bodyOf', () => {
  it('returns null for a status without a body', () => {
    const bytes = new Uint8Array(0);
    for (const status of [204, 205, 304])
      expect(new Response(bodyOf(status, bytes), { status }).status).toBe(status);
    expect(bodyOf(200, bytes)).toBe(bytes);
  });
});
