import { expect } from 'vitest';
import type { Entry, EntryPage } from '../../../src/protocol/entry.ts';
import { type EventSource, eventStream } from '../../../src/management/event-stream.ts';
import { storeChunk } from '../../../src/audit/store.ts';
import { readLog } from '../../../src/audit/run.ts';
import { db, messageOf } from '../audit/database.ts';
import { accepted, ALICE, committed, history, START } from '../audit/history.ts';

type Read = { readonly after: number; readonly waitMs: number; readonly limit: number };

/** An account whose chain grows as the test directs. It has only the entries that are not exported yet. */
export const accountWith = (chain: readonly Entry[], exported = 0) => {
  const state = { chain, exported, fails: 0 };
  const reads: Read[] = [];
  let wake = (): void => undefined;
  const read = (after: number, limit: number): EntryPage => ({
    verdict: 'found',
    entries:
      after < state.exported ? [] : state.chain.filter(({ seq }) => seq > after).slice(0, limit),
    exported: state.exported,
    head: state.chain.length,
  });
  const source: EventSource = {
    db,
    account: () => ({
      async entries(after, waitMs, limit) {
        reads.push({ after, waitMs, limit });
        if (state.fails > 0) {
          state.fails -= 1;
          if (state.fails % 2 === 0) throw new Error('reset');
          return { verdict: 'unavailable' };
        }
        const now = read(after, limit);
        if (now.verdict !== 'found' || after < now.head || waitMs === 0) return now;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        return read(after, limit);
      },
    }),
  };
  return {
    source,
    reads,
    state,
    grow(more: readonly Entry[]) {
      state.chain = [...state.chain, ...more];
      wake();
    },
  };
};

export const clock = () => Math.floor(Date.now() / 1000);

export const open = (
  { source }: ReturnType<typeof accountWith>,
  after: number,
  signal: AbortSignal = new AbortController().signal,
) => {
  const reader = eventStream(source, ALICE, ALICE, after, signal, clock).getReader();
  return {
    reader,
    /** The next part of the stream as text. Undefined at the end. */
    async next(): Promise<string | undefined> {
      const { done, value } = await reader.read();
      return done ? undefined : new TextDecoder().decode(value);
    },
    /** Reads until this many entries have arrived. */
    async entries(count: number): Promise<Entry[]> {
      let text = '';
      while (text.split('\ndata: ').length <= count) text += (await this.next()) ?? '\ndata: ';
      return entriesIn(text);
    },
  };
};

/** Parses a stream as a client does: entries with their ids and event names. */
export const entriesIn = (text: string): Entry[] => {
  const data = text
    .split('\n\n')
    .filter((block) => block.startsWith('id: '))
    .map((block) => {
      const [id, event, ...rest] = block.split('\n');
      expect(rest).toHaveLength(1);
      const line = rest[0]?.slice('data: '.length) ?? '';
      const entry = JSON.parse(line) as Entry;
      expect([id, event]).toEqual([`id: ${entry.seq}`, `event: ${entry.type}`]);
      return line;
    });
  const read = readLog(data.join('\n'));
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return [...read.value];
};

export const chainOf = (count: number): Entry[] =>
  history(
    ALICE,
    Array.from({ length: count }, (_, at) =>
      at % 2 === 0 ? accepted(at, START + at) : committed(at - 1, START + at),
    ),
  );

export const store = async (entries: readonly Entry[]): Promise<void> => {
  const stored = await storeChunk(db, await messageOf(entries), START);
  if (!stored.ok) throw new Error(JSON.stringify(stored.error));
};
