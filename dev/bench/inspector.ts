import { LOOPBACK } from '../stack/loopback.ts';

/** A connection to the inspector of an isolate. */
export type Inspector = {
  readonly call: (method: string, parameters?: object) => Promise<unknown>;
  readonly close: () => void;
};

type Answer = {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
};

/** Opens the inspector of a Worker by its name. The process must have an inspector port. */
export const openInspector = async (port: number, worker: string): Promise<Inspector> => {
  const listed = await fetch(`http://${LOOPBACK}:${port}/json`);
  const targets = (await listed.json()) as readonly {
    readonly id: string;
    readonly webSocketDebuggerUrl: string;
  }[];
  const target = targets.find(({ id }) => id === worker);
  if (target === undefined)
    throw new Error(`There is no isolate ${worker}: ${JSON.stringify(targets)}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener(
      'error',
      () => reject(new Error('The inspector refused the connection.')),
      {
        once: true,
      },
    );
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as Answer;
    const pending = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || pending === undefined) return;
    waiting.delete(id);
    if (error === undefined) pending.resolve(result);
    else pending.reject(new Error(error.message));
  });
  let calls = 0;
  return {
    call: async (method, parameters = {}) => {
      calls += 1;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(calls, answer);
      socket.send(JSON.stringify({ id: calls, method, params: parameters }));
      return await answer.promise;
    },
    close: () => socket.close(),
  };
};
