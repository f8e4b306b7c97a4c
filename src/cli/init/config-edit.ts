import { patch } from '@decimalturn/toml-patch';
import { applyEdits, modify } from 'jsonc-parser';
import { isDeepStrictEqual } from 'node:util';
import {
  isTable,
  parseConfigText,
  type Table,
  tomlText,
  type WranglerConfig,
} from '../lib/wrangler-config.ts';

/** One change of the configuration of a Worker. Missing tables and arrays on the way are made. */
export type ConfigEdit = {
  /** `append`: adds the value to the array at the path. */
  readonly kind: 'set' | 'append';
  readonly path: readonly [string, ...string[]];
  readonly value: unknown;
};

/**
 * Makes edits that keep comments, order and layout of everything else.
 *
 * @returns undefined if an edit has no place: the result is parsed and compared with what each edit means
 */
export const editConfig = (
  config: WranglerConfig,
  edits: readonly ConfigEdit[],
): WranglerConfig | undefined => {
  const isWindows = config.text.includes('\r\n');
  let text = isWindows ? config.text.replaceAll('\r\n', '\n') : config.text;
  let { table } = config;
  for (const edit of edits) {
    const wanted = applied(table, edit.path, edit);
    const edited = wanted && textAfter(config.file, text, edit, wanted);
    if (wanted === undefined || edited === undefined) return undefined;
    if (!isEdited(config.file, text, edited, wanted)) return undefined;
    [text, table] = [edited, wanted];
  }
  return { ...config, text: isWindows ? text.replaceAll('\n', '\r\n') : text, table };
};

/** The table after an edit. Undefined if another value is at this place. */
export const applied = (
  table: Table,
  path: readonly string[],
  edit: ConfigEdit,
): Table | undefined => {
  const [key = '', ...rest] = path;
  const present = table[key];
  if (rest.length > 0) {
    const inner = isTable(present ?? {})
      ? applied((present ?? {}) as Table, rest, edit)
      : undefined;
    return inner && { ...table, [key]: inner };
  }
  if (edit.kind === 'set') return { ...table, [key]: edit.value };
  return Array.isArray(present ?? [])
    ? { ...table, [key]: [...((present ?? []) as readonly unknown[]), edit.value] }
    : undefined;
};

const textAfter = (
  file: WranglerConfig['file'],
  text: string,
  { kind, path, value }: ConfigEdit,
  wanted: Table,
): string | undefined => {
  try {
    if (file.endsWith('.toml')) {
      const name = path.at(-1) ?? '';
      const plain = `${name} = ${JSON.stringify(value)}`;
      return patch(text, wanted).replace(plain, () => `${name} = ${tomlText(value)}`);
    }
    const indent = /^\{[^\n]*\n([ \t]+)/.exec(text)?.[1] ?? '\t';
    const edits = modify(text, kind === 'set' ? [...path] : [...path, -1], value, {
      isArrayInsertion: kind === 'append',
      formattingOptions: { insertSpaces: indent.startsWith(' '), tabSize: indent.length },
    });
    return applyEdits(text, edits);
  } catch {
    return undefined;
  }
};

const isEdited = (
  file: WranglerConfig['file'],
  before: string,
  after: string,
  wanted: Table,
): boolean => {
  const parsed = parseConfigText(file, after);
  const mark = file.endsWith('.toml') ? '#' : '//';
  const comments = before.split('\n').filter((line) => line.trim().startsWith(mark));
  const kept = new Set(after.split('\n'));
  return (
    parsed.ok &&
    isDeepStrictEqual(plain(parsed.value), plain(wanted)) &&
    comments.every((comment) => kept.has(comment))
  );
};

/** Without the prototypes of a parser. */
const plain = (table: Table): unknown => JSON.parse(JSON.stringify(table));
