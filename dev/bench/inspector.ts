import { LOOPBACK } from '../stack/ports.ts';

/** A sampled function, as the Profiler domain of the DevTools protocol reports it. */
export type ProfileNode = {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** From 0. */
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  readonly children?: readonly number[];
  /** Where in the function samples fell; lines from 1. */
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
};

export type CpuProfile = {
  readonly nodes: readonly ProfileNode[];
  /** Node of each sample, and microseconds since the one before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

/** A connection to one isolate's inspector. */
export type Inspector = {
  readonly ask: (method: string, parameters?: object) => Promise<unknown>;
  readonly close: () => void;
};

type Answer = {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
};

/** Opens the inspector of the Worker of a name, in a process that was started with an inspector's port. */
export const openInspector = async (port: number, worker: string): Promise<Inspector> => {
  const listed = await fetch(`http://${LOOPBACK}:${port}/json`);
  const targets = (await listed.json()) as readonly {
    readonly id: string;
    readonly webSocketDebuggerUrl: string;
  }[];
  const target = targets.find(({ id }) => id === worker);
  if (target === undefined) throw new Error(`No isolate is ${worker}: ${JSON.stringify(targets)}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error('The inspector refused.')), {
      once: true,
    });
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as Answer;
    const asked = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || asked === undefined) return;
    waiting.delete(id);
    if (error === undefined) asked.resolve(result);
    else asked.reject(new Error(error.message));
  });
  let asked = 0;
  return {
    ask: async (method, parameters = {}) => {
      asked += 1;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(asked, answer);
      socket.send(JSON.stringify({ id: asked, method, params: parameters }));
      return await answer.promise;
    },
    close: () => socket.close(),
  };
};
