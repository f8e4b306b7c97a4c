import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { basename, relative, resolve } from 'node:path';
import type { CpuProfile, ProfileNode } from './inspector.ts';

/** A function with its own time, without its callees. */
export type Frame = {
  readonly name: string;
  /** `file:line` of the source, or the name of the runtime. */
  readonly place: string;
  readonly microseconds: number;
};

/** Source maps by the names of the running modules. */
type Maps = ReadonlyMap<string, { readonly script: string; readonly map: SourceMap }>;

const mapsOf = (scripts: readonly string[]): Maps =>
  new Map(
    scripts.map((script) => {
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
  // The types of Node lack the name.
  const { name: mapped } = entry as { readonly name?: string };
  return {
    name: nameIn(file, entry, root) ?? mapped ?? name,
    place: `${file}:${entry.originalLine + 1}`,
  };
};

/** Reads the name of a function from its source, because names are minified. */
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
