import { setTimeout as pause } from 'node:timers/promises';
import type { EntryEvent } from '../../client/management-events.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { AdminClient } from '../lib/admin-client.ts';

/** The newest entries of a log, and the sequence number of its last one, after which a feed continues. */
export type History = { readonly entries: readonly EntryEvent[]; readonly head: number };

const ENTRIES = 40;
const PATIENCE_MS = 5_000;

/**
 * Reads the newest entries of an account. Lists of entries begin with the oldest, and a log may be long: the feed names its head first, so
 * this asks for the head and then for the entries before it. An archived or slow log gives fewer entries, never an error.
 *
 * @throws CountersignError if the gateway refuses
 */
export const newestEntries = async (
  admin: Pick<AdminClient, 'session' | 'management'>,
  account: AccountId,
): Promise<History> => {
  const head = await headOf(admin, account);
  if (head === undefined || head === 0) return { entries: [], head: head ?? 0 };
  const stop = new AbortController();
  const signal = AbortSignal.any([admin.session.signal, stop.signal]);
  const entries: EntryEvent[] = [];
  const read = async (): Promise<void> => {
    const options = { signal, after: Math.max(0, head - ENTRIES) };
    for await (const entry of admin.management().events(account, options)) {
      entries.push(entry);
      if (entry.seq >= head) return;
    }
  };
  try {
    await Promise.race([read(), pause(PATIENCE_MS, undefined, { signal, ref: false })]);
  } finally {
    stop.abort();
  }
  return { entries, head };
};

/** The sequence number in the first event of a feed; undefined if the feed names none in time. */
const headOf = async (
  admin: Pick<AdminClient, 'session' | 'management'>,
  account: AccountId,
): Promise<number | undefined> => {
  const stop = new AbortController();
  const signal = AbortSignal.any([admin.session.signal, stop.signal]);
  const found = Promise.withResolvers<number>();
  const fetcher: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (response.ok) void firstId(response.clone()).then(found.resolve, () => undefined);
    return response;
  };
  const follow = async (): Promise<number> => {
    for await (const entry of admin.management(fetcher).events(account, { signal }))
      return entry.seq;
    return await found.promise;
  };
  try {
    const late = pause(PATIENCE_MS, undefined, { signal, ref: false });
    return await Promise.race([found.promise, follow(), late]);
  } finally {
    stop.abort();
  }
};

const MAX_START = 4_096;

/** Does not cancel its half of the body: that would wait for the other half (Streams standard, `tee`). */
const firstId = async ({ body }: Response): Promise<number> => {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (reader !== undefined && text.length < MAX_START) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
    const [, id] = /^id: ([0-9]{1,15})$/m.exec(text.slice(0, text.lastIndexOf('\n') + 1)) ?? [];
    if (id !== undefined) return Number(id);
  }
  throw new Error('the feed names no entry');
};
