import type { Json } from '../../../src/protocol/entry.ts';
import type { ReadTools } from '../../../src/catalog/live-catalogue.ts';

type Put = { readonly id: string; readonly document: Json | null; readonly seq: number };

/** The tools of a stub gateway account, which counts reads and can fail or delay its answers. */
export const watchedTools = () => {
  const puts = new Map<string, Put>();
  let seq = 0;
  let gate: Promise<void> = Promise.resolve();
  let broken = false;
  let reads = 0;
  const read: ReadTools = async (since) => {
    reads += 1;
    // A read sees the state at its start. Only its answer is late.
    const [until, failing] = [gate, broken];
    const top = Math.max(0, ...[...puts.values()].map((put) => put.seq));
    const from = top < since ? 0 : since;
    const tools = [...puts.values()]
      .filter((put) => put.seq > from)
      .map(({ id, document }) => ({
        id,
        document: document === null ? null : JSON.stringify(document),
      }));
    await until;
    if (failing) throw new Error('The object was reset.');
    return { top, tools };
  };
  const write = (id: string, document: Json | null): void => {
    seq += 1;
    puts.set(id, { id, document, seq });
  };
  return {
    read,
    reads: () => reads,
    put: (document: { readonly id: string; readonly [key: string]: Json }) =>
      write(document.id, document),
    remove: (id: string) => write(id, null),
    /** Drops changes, like storage that was restored to an earlier time. */
    undo: (...ids: readonly string[]) => {
      for (const id of ids) puts.delete(id);
    },
    breakDown: () => {
      broken = true;
    },
    recover: () => {
      broken = false;
    },
    /** Delays answers until the returned function is called. */
    holdBack: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return () => {
        if (gate === promise) gate = Promise.resolve();
        resolve();
      };
    },
    /** Stops delaying later reads. Those already delayed still wait. */
    letPass: () => {
      gate = Promise.resolve();
    },
  };
};

export type WatchedTools = ReturnType<typeof watchedTools>;
