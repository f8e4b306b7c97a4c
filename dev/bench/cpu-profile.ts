import { LOOPBACK } from '../stack/loopback.ts';
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { basename, relative, resolve } from 'node:path';

/** A sampled function, as the Profiler domain of the DevTools protocol reports it. */
export type ProfileNode = {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** The first line is 0. */
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  readonly children?: readonly number[];
  /** Samples by line of the function; the first line of the script is 1. */
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
};

export type CpuProfile = {
  readonly nodes: readonly ProfileNode[];
  /** Node of each sample, and microseconds since the previous sample. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

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

/** A function with its own time, without its callees. */
export type Frame = {
  readonly name: string;
  /** `file:line` of the source, or the name of the runtime. */
  readonly place: string;
  readonly microseconds: number;
};

/** Source maps by the names of the running modules. */
type Maps = ReadonlyMap<string, { readonly script: string; readonly map: SourceMap }>;

/** A module that only exports another one has no map. */
const hasMap = (script: string): boolean => existsSync(`${script}.map`);

const mapsOf = (scripts: readonly string[]): Maps =>
  new Map(
    scripts.filter(hasMap).map((script) => {
      const payload = JSON.parse(readFileSync(`${script}.map`, 'utf8')) as SourceMapPayload;
      return [basename(script), { script, map: new SourceMap(payload) }] as const;
    }),
  );

/** Lists the functions of a profile by their own time, with names and lines of the source. */
export const framesOf = (
  profile: CpuProfile,
  scripts: readonly string[],
  root: string,
): readonly Frame[] => {
  const maps = mapsOf(scripts);
  const spent = new Map<number, number>();
  for (const [at, node] of profile.samples.entries()) {
    spent.set(node, (spent.get(node) ?? 0) + (profile.timeDeltas[at] ?? 0));
  }
  const frames = new Map<string, Frame>();
  for (const node of profile.nodes) {
    const frame = sourceOf(node, maps, root);
    const key = `${frame.name} ${frame.place}`;
    const microseconds = (frames.get(key)?.microseconds ?? 0) + (spent.get(node.id) ?? 0);
    frames.set(key, { ...frame, microseconds });
  }
  return [...frames.values()].toSorted((a, b) => b.microseconds - a.microseconds);
};

const sourceOf = (
  { callFrame }: ProfileNode,
  maps: Maps,
  root: string,
): Pick<Frame, 'name' | 'place'> => {
  const { functionName, url, lineNumber, columnNumber } = callFrame;
  const name = functionName === '' ? '(anonymous)' : functionName;
  const known = maps.get(basename(url));
  if (known === undefined) return { name, place: url === '' ? 'runtime' : url };
  const { script, map } = known;
  const entry = map.findEntry(lineNumber, columnNumber);
  if (!('originalSource' in entry)) return { name, place: `${url}:${lineNumber + 1}` };
  const file = relative(root, resolve(script, '..', entry.originalSource));
  // Node's types lack the member `name`.
  const { name: mapped } = entry as { readonly name?: string };
  return {
    name: nameIn(file, entry, root) ?? mapped ?? name,
    place: `${file}:${entry.originalLine + 1}`,
  };
};

/** Reads the name of a function from its source, because the bundle has minified names. */
const nameIn = (
  file: string,
  {
    originalLine,
    originalColumn,
  }: { readonly originalLine: number; readonly originalColumn: number },
  root: string,
): string | undefined => {
  const line = linesOf(resolve(root, file))[originalLine];
  if (line === undefined) return undefined;
  const named =
    /(?:const|let|var|function\*?|class)\s+([\w$]+)[^=]*=?\s*(?:async\s*)?$/.exec(
      line.slice(0, originalColumn),
    )?.[1] ?? /^\s*(?:export\s+)?(?:static\s+|async\s+|get\s+|#)*([\w$]+)\s*[(:=]/.exec(line)?.[1];
  return named;
};

const read = new Map<string, readonly string[]>();

const linesOf = (file: string): readonly string[] => {
  const known = read.get(file);
  if (known !== undefined) return known;
  let lines: readonly string[] = [];
  try {
    lines = readFileSync(file, 'utf8').split('\n');
  } catch {
    // A generated module has no file.
  }
  read.set(file, lines);
  return lines;
};
