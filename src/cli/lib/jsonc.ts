/**
 * JSON with comments and trailing commas, as wrangler reads `wrangler.jsonc`, and edits that keep every other byte: comments, order and
 * layout stay the author's.
 */

/** A value with its place in the text. */
type Node = { readonly start: number; readonly end: number; readonly value: unknown } & Partial<{
  readonly members: readonly Member[];
  readonly items: readonly Node[];
  /** The last comma of an object or array has no value after it. */
  readonly hasTrailingComma: boolean;
}>;
type Member = { readonly key: string; readonly node: Node };

/** Nesting that no configuration has; deeper text would exhaust the stack (CWE-674). */
const MAX_DEPTH = 64;

/** @throws SyntaxError with the line of the fault */
export const parseJsonc = (text: string): unknown => parseNode(text).value;

const parseNode = (text: string): Node => {
  let at = 0;
  const fail = (): never => {
    throw new SyntaxError(`unexpected text in line ${text.slice(0, at).split('\n').length}`);
  };
  const token = (pattern: RegExp): string | undefined => {
    const found = pattern.exec(text.slice(at))?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const space = (): void => {
    token(/^(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*/);
  };
  const string = (): string => {
    const raw = token(/^"(?:[^"\\\n]|\\.)*"/) ?? fail();
    return JSON.parse(raw) as string;
  };
  /** The parts between two brackets, separated by commas; a last comma may have none after it. */
  const parts = (close: string, part: () => void): boolean => {
    at += 1;
    let hasTrailingComma = false;
    for (let count = 0; ; count += 1) {
      space();
      if (text[at] === close) break;
      if (count > 0 && !hasTrailingComma) fail();
      part();
      space();
      hasTrailingComma = token(/^,/) !== undefined;
    }
    at += 1;
    return hasTrailingComma;
  };
  const node = (depth: number): Node => {
    space();
    const start = at;
    if (depth > MAX_DEPTH) fail();
    if (text[at] === '{') {
      const members: Member[] = [];
      const hasTrailingComma = parts('}', () => {
        const key = string();
        space();
        if (token(/^:/) === undefined || members.some((member) => member.key === key)) fail();
        members.push({ key, node: node(depth + 1) });
      });
      const value = Object.fromEntries(members.map((member) => [member.key, member.node.value]));
      return { start, end: at, value, members, hasTrailingComma };
    }
    if (text[at] === '[') {
      const items: Node[] = [];
      const hasTrailingComma = parts(']', () => void items.push(node(depth + 1)));
      return { start, end: at, value: items.map(({ value }) => value), items, hasTrailingComma };
    }
    if (text[at] === '"') return { value: string(), start, end: at };
    const raw = token(/^(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/) ?? fail();
    return { value: JSON.parse(raw) as unknown, start, end: at };
  };
  const root = node(0);
  space();
  return at === text.length ? root : fail();
};

type Path = readonly string[];

/** Sets a member. Objects on the way to it are made. @throws SyntaxError where something else is in the way */
export const setInJsonc = (text: string, path: Path, value: unknown): string => {
  const { parent, rest } = nearest(text, path);
  const [name = '', ...deeper] = rest;
  const present = memberNamed(parent, name);
  if (present !== undefined) {
    const { start, end } = present;
    return text.slice(0, start) + pretty(text, value, path.length) + text.slice(end);
  }
  const nested = deeper.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  return insert(text, parent, path.length - deeper.length, { key: name, value: nested });
};

/** Appends to an array. The array, and objects on the way to it, are made. @throws SyntaxError where something else is in the way */
export const appendInJsonc = (text: string, path: Path, value: unknown): string => {
  const { parent, rest } = nearest(text, path);
  const present = rest.length === 1 ? memberNamed(parent, rest[0]) : undefined;
  if (present === undefined) return setInJsonc(text, path, [value]);
  if (present.items === undefined) throw new SyntaxError(`${path.join('.')} is not an array`);
  return insert(text, present, path.length + 1, { value });
};

const memberNamed = ({ members }: Node, name: string | undefined): Node | undefined =>
  members?.find(({ key }) => key === name)?.node;

/** The deepest object on the way to a path that exists, and the rest of the path. */
const nearest = (text: string, path: Path): { readonly parent: Node; readonly rest: Path } => {
  let parent = parseNode(text);
  let rest = path;
  while (parent.members !== undefined) {
    const next = memberNamed(parent, rest[0]);
    if (next === undefined || rest.length === 1) return { parent, rest };
    [parent, rest] = [next, rest.slice(1)];
  }
  throw new SyntaxError(`${path.slice(0, path.length - rest.length).join('.')} is not an object`);
};

type Part = { readonly key?: string; readonly value: unknown };

/** Inserts a part at the end of an object or array. Comments after the last part stay above it. */
const insert = (text: string, container: Node, depth: number, { key, value }: Part): string => {
  const { start, end, items, members, hasTrailingComma } = container;
  const last = items?.at(-1) ?? members?.at(-1)?.node;
  const close = end - 1;
  const comma = last === undefined || hasTrailingComma === true ? '' : ',';
  const filled = last === undefined ? close : last.end;
  const head = text.slice(0, filled) + comma + text.slice(filled, close);
  const kept = head.trimEnd();
  const name = key === undefined ? '' : `${JSON.stringify(key)}: `;
  const trailing = hasTrailingComma === true ? ',' : '';
  const isOneLine = last !== undefined && !text.slice(start, end).includes('\n');
  if (isOneLine) {
    const space = head.slice(kept.length);
    return `${kept} ${name}${compact(value)}${trailing}${space}${text.slice(close)}`;
  }
  const indent = indentOf(text);
  const part = `${indent.repeat(depth)}${name}${pretty(text, value, depth)}${trailing}`;
  return `${kept}\n${part}\n${indent.repeat(depth - 1)}${text.slice(close)}`;
};

/** The indentation of the first member. */
const indentOf = (text: string): string =>
  /^[^\S\n]*\{[^\n]*\n(?:\s*\/[^\n]*\n)*([ \t]+)/m.exec(text)?.[1] ?? '\t';

const pretty = (text: string, value: unknown, depth: number): string => {
  const indent = indentOf(text);
  return JSON.stringify(value, undefined, indent).replaceAll('\n', `\n${indent.repeat(depth)}`);
};

const compact = (value: unknown): string =>
  JSON.stringify(value, undefined, ' ').replaceAll(/\n\s*/g, ' ');
