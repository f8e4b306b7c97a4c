import { patch } from '@decimalturn/toml-patch';
import { isDeepStrictEqual } from 'node:util';
import { appendInJsonc, setInJsonc } from '../lib/jsonc.ts';
import {
  isTable,
  parseConfigText,
  type Table,
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
 * @returns undefined if an edit fits no form that this code knows: the result is parsed and compared with what each edit means
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
    if (wanted === undefined) return undefined;
    const edited = candidatesOf(config.file, text, edit, wanted).find((candidate) =>
      isEdited(config.file, text, candidate, wanted),
    );
    if (edited === undefined) return undefined;
    [text, table] = [edited, wanted];
  }
  return { ...config, text: isWindows ? text.replaceAll('\n', '\r\n') : text, table };
};

/** The table after an edit. Undefined if something else is in the way. */
const applied = (table: Table, path: readonly string[], edit: ConfigEdit): Table | undefined => {
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

/** Texts that may be the edited one, the best first. */
const candidatesOf = (
  file: WranglerConfig['file'],
  text: string,
  edit: ConfigEdit,
  wanted: Table,
): readonly string[] => {
  const { kind, path, value } = edit;
  if (!file.endsWith('.toml'))
    return attempt(() => (kind === 'set' ? setInJsonc : appendInJsonc)(text, path, value));
  const name = path.join('.');
  const withBlock = (block: string): string => `${text.trimEnd()}\n\n${block}\n`;
  const blocks = isTable(value)
    ? [withBlock(`${kind === 'set' ? `[${name}]` : `[[${name}]]`}\n${lines(value)}`)]
    : [];
  const parent = path.slice(0, -1).join('.');
  const inTable =
    parent === ''
      ? []
      : [
          withBlock(
            `[${parent}]\n${lines({ [path.at(-1) ?? '']: kind === 'set' ? value : [value] })}`,
          ),
        ];
  return [...blocks, ...attempt(() => patch(text, wanted)).map(readable(edit)), ...inTable];
};

const attempt = (make: () => string): readonly string[] => {
  try {
    return [make()];
  } catch {
    return [];
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

const lines = (table: Table): string =>
  Object.entries(table)
    .map(([key, value]) => `${key} = ${toml(value)}`)
    .join('\n');

const toml = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`;
  if (isTable(value))
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${key} = ${toml(inner)}`)
      .join(', ')} }`;
  if (typeof value === 'string' && value.includes('"') && !/['\p{Cc}]/u.test(value))
    return `'${value}'`;
  return JSON.stringify(value);
};

/** TOML escapes nothing between single quotes, which keeps JSON readable. */
const readable =
  ({ path, value }: ConfigEdit) =>
  (text: string): string =>
    text.replace(
      `${path.at(-1)} = ${JSON.stringify(value)}`,
      () => `${path.at(-1)} = ${toml(value)}`,
    );
