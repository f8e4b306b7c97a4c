import type { SampledNode } from './sampled-profile.ts';
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { basename, relative, resolve } from 'node:path';

/** A sampled function. */
export type Frame = {
  readonly name: string;
  /** `file:line` of the source, or the name of the runtime. */
  readonly place: string;
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

/** Finds the function of each node of a profile, with its name and line in the source. */
export const framesOf = (
  nodes: readonly SampledNode[],
  scripts: readonly string[],
  root: string,
): ReadonlyMap<number, Frame> => {
  const maps = mapsOf(scripts);
  return new Map(nodes.map((node) => [node.id, frameOf(node, maps, root)]));
};

const frameOf = ({ callFrame }: SampledNode, maps: Maps, root: string): Frame => {
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
    /(?:const|let|var|function\*?|class)\s+([\w$]+)[^=]*=?\s*(?:async\s*)?\(?$/.exec(
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
