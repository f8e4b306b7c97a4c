import { findNodeAtLocation, parseTree } from 'jsonc-parser';
import {
  isTable,
  type Table,
  tomlMembers,
  tomlText,
  valueAt,
  type WranglerConfig,
} from '../lib/wrangler-config.ts';
import { applied, type ConfigEdit } from './config-edit.ts';

/** Lines that the operator adds to a file of their own, which the command never edits. */
export type Paste = {
  readonly file: string;
  /** In the present file, from 1. */
  readonly line: number;
  /** What to do there, e.g. `add to triggers.crons`. */
  readonly how: string;
  readonly text: string;
};

type Path = readonly string[];

/** Further values of a list, or further members of a table that exists. */
type Addition = { readonly to: Path; readonly members: Table } | { to: Path; values: unknown[] };

/** Renders edits of a configuration as text to paste, each with its place. */
export const pastesOf = (
  config: WranglerConfig,
  edits: readonly ConfigEdit[],
): readonly Paste[] => {
  const { file, text, table } = config;
  const isToml = file.endsWith('.toml');
  const lineOf = (path: Path): number => placeOf(config, path)?.line ?? 1;
  const replaced = edits.flatMap(({ kind, path, value }): Paste[] =>
    kind === 'set' && valueAt(table, path) !== undefined
      ? [
          {
            ...{ file, line: lineOf(path), how: `instead of ${path.join('.')}` },
            text: isToml
              ? `${path.at(-1)} = ${tomlText(value)}`
              : `${JSON.stringify(path.at(-1))}: ${JSON.stringify(value)}`,
          },
        ]
      : [],
  );
  const additions = additionsIn(table, edits);
  const added = additions.flatMap((addition): Paste[] => {
    const { to } = addition;
    const place = placeOf(config, to);
    const how = to.length === 0 ? 'add to the outermost object' : `add to ${to.join('.')}`;
    if (!isToml) return [{ file, line: place?.line ?? 1, how, text: jsonText(addition) }];
    if (place?.form === 'value')
      return [{ file, line: place.line, how, text: inlineToml(addition) }];
    const own = 'members' in addition && place?.form === 'table' ? plainIn(addition.members) : {};
    return Object.keys(own).length === 0
      ? []
      : [{ file, line: place?.line ?? 1, how, text: tomlMembers(own).join('\n') }];
  });
  const blocks = isToml ? additions.flatMap((addition) => blocksOf(config, addition)) : [];
  const end = { file, line: text.split('\n').length, how: 'add at the end of the file' };
  return [
    ...replaced,
    ...added.toSorted((one, other) => one.line - other.line),
    ...(blocks.length === 0 ? [] : [{ ...end, text: blocks.join('\n\n') }]),
  ];
};

/** The edits that add something, by the deepest table or list on their way that exists. */
const additionsIn = (table: Table, edits: readonly ConfigEdit[]): readonly Addition[] => {
  const additions = new Map<string, Addition>();
  for (const edit of edits) {
    const { kind, path, value } = edit;
    const depth = path.findIndex((_, at) => valueAt(table, path.slice(0, at + 1)) === undefined);
    if (depth < 0 && kind === 'set') continue;
    const to = depth < 0 ? path : path.slice(0, depth);
    const known = additions.get(to.join('.'));
    if (depth < 0) {
      const values = known !== undefined && 'values' in known ? known.values : [];
      additions.set(to.join('.'), { to, values: [...values, value] });
    } else {
      const members = known !== undefined && 'members' in known ? known.members : {};
      const next = applied(members, path.slice(depth), edit) ?? members;
      additions.set(to.join('.'), { to, members: next });
    }
  }
  return [...additions.values()];
};

/** Where something of a configuration begins. `table`, `tables`: a TOML header in one or two brackets. `value`: anything else. */
type Place = { readonly line: number; readonly form: 'table' | 'tables' | 'value' };

const placeOf = (config: WranglerConfig, path: Path): Place | undefined => {
  const { file, text } = config;
  if (file.endsWith('.toml')) {
    const place = placeInToml(text, path.join('.'));
    if (place !== undefined || path.length === 0) return place;
    const parent = placeOf(config, path.slice(0, -1));
    return parent?.form === 'value' ? parent : undefined;
  }
  const root = parseTree(text, [], { allowTrailingComma: true });
  const node = root && findNodeAtLocation(root, [...path]);
  return node && { line: text.slice(0, node.offset).split('\n').length, form: 'value' };
};

const placeInToml = (text: string, name: string): Place | undefined => {
  let table = '';
  for (const [at, content] of text.split('\n').entries()) {
    const line = at + 1;
    const header = /^\s*(\[\[?)\s*([\w.-]+)\s*\]/.exec(content);
    const key = /^\s*([\w.-]+)\s*=/.exec(content)?.[1];
    if (header !== null) {
      table = header[2] ?? '';
      if (table === name) return { line, form: header[1] === '[[' ? 'tables' : 'table' };
    } else if (key !== undefined && (table === '' ? key : `${table}.${key}`) === name)
      return { line, form: 'value' };
  }
  return undefined;
};

const jsonText = (addition: Addition): string => {
  const value = 'members' in addition ? addition.members : addition.values;
  // Without the brackets around it, which exist.
  const lines = JSON.stringify(value, undefined, 2).split('\n').slice(1, -1);
  return lines.map((line) => line.slice(2)).join('\n');
};

const inlineToml = (addition: Addition): string =>
  ('members' in addition ? tomlMembers(addition.members) : addition.values.map(tomlText)).join(
    ', ',
  );

const areTables = (value: unknown): value is readonly Table[] =>
  Array.isArray(value) && value.length > 0 && value.every(isTable);

/** The members of a table that need no header of their own. */
const plainIn = (table: Table): Table =>
  Object.fromEntries(
    Object.entries(table).filter(([, value]) => !isTable(value) && !areTables(value)),
  );

/** The part of an addition that stands at the end of a TOML file, under headers of its own. */
const blocksOf = (config: WranglerConfig, addition: Addition): readonly string[] => {
  const form = placeOf(config, addition.to)?.form;
  if (form === 'value') return [];
  const name = addition.to.join('.');
  if ('values' in addition) return tableBlocks(name, addition.values.filter(isTable));
  const { members } = addition;
  const own = plainIn(members);
  return blocks(
    name,
    form === 'table'
      ? Object.fromEntries(Object.entries(members).filter(([key]) => !(key in own)))
      : members,
  );
};

const tableBlocks = (name: string, tables: readonly Table[]): readonly string[] =>
  tables.map((table) => [`[[${name}]]`, ...tomlMembers(table)].join('\n'));

const blocks = (name: string, table: Table): readonly string[] => {
  const own = tomlMembers(plainIn(table));
  return [
    ...(own.length === 0 ? [] : [[`[${name}]`, ...own].join('\n')]),
    ...Object.entries(table).flatMap(([key, value]) => {
      const inner = name === '' ? key : `${name}.${key}`;
      if (areTables(value)) return tableBlocks(inner, value);
      return isTable(value) ? blocks(inner, value) : [];
    }),
  ];
};
