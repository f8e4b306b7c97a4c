/** Random byte-level changes of an export. The TypeScript and the Python verifier must return the same verdict for each. */
import { gzipSync } from 'node:zlib';
import { entryText } from '../../src/audit/entry.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { type ExportTexts, leafLines, relinked, relogged } from './export-texts.ts';

/** The files of an export by their paths in its folder. */
export type ExportFiles = ReadonlyMap<string, Uint8Array>;

export type Random = {
  /** A natural number below `limit`. */
  readonly below: (limit: number) => number;
  readonly one: <T>(items: readonly T[]) => T;
};

/** Mulberry32: the same numbers for the same seed. */
export const randomOf = (seed: number): Random => {
  let state = seed;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return { below, one: (items) => items[below(items.length)] as (typeof items)[number] };
};

const fileOf = (account: string): string => `entries/${account.replaceAll(':', '_')}.ndjson`;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const LEAVES = 'log/2026/leaves.ndjson';

/** Converts an in-memory export to the files of its folder. */
export const filesOf = (texts: ExportTexts): ExportFiles =>
  new Map([
    ...[...texts.logs].map(([account, entries]): [string, Uint8Array] => [
      fileOf(account),
      bytes(entries.map((entry) => `${entryText(entry)}\n`).join('')),
    ]),
    [LEAVES, bytes(leafLines(texts.leaves))],
    ['log/2026/checkpoint', bytes(texts.checkpoint)],
    ['log-key', bytes(`${texts.key} 2026-01-01T00:00:00Z\n`)],
    ['manifest.json', bytes(JSON.stringify({ v: 1, accounts: texts.listed }))],
    ['receipts.txt', bytes(texts.receipts ?? '')],
    ['jwks.json', bytes(texts.jwks)],
  ]);

/** Texts that parsers of JSON, UTF-8, base64 and lines are known to disagree about. */
const TOKENS = [
  ...[
    '\uFEFF',
    '\r',
    '\n',
    ' ',
    '\t',
    '\0',
    '\v',
    '\u0085',
    '\u00a0',
    '\u2028',
    '\u001c',
    '+',
    '=',
  ],
  ...['é', '😀', '\uFFFD', '\\ud800', '\\u0000', '"', '\\', '{', '}', '[', ']', ',', ':', '-', '.'],
  ...['0', '1', '-0', '-0.0', '1.0', '1e0', '1E400', '9007199254740993', '0x', 'null', 'NaN'],
  ...['"__proto__":1,', '"v":1,', '"2":1,', '\n\n', '— x+y AAAAAAA=\n', '— x\u00a0y AAAAAAA=\n'],
  '— gateway.example/log/2026 AAAAAAA=\n',
];

const VALUES: readonly unknown[] = [
  ...[
    0,
    1,
    -1,
    1.5,
    1e21,
    2 ** 53,
    null,
    true,
    false,
    '',
    '0',
    '-1',
    '1e3',
    'x',
    '0x',
    '*',
    [],
    {},
  ],
  ...[
    '0x00',
    `0x${'00'.repeat(20)}`,
    `0x${'ff'.repeat(32)}`,
    `0x${'FF'.repeat(32)}`,
    'iso4217:USD',
  ],
  ...['active', 'frozen', 'revoked', 'owner', 'operator', 'intent', 'none', 'credit', 'deferred'],
  ...[
    'é',
    '😀',
    '\u2028',
    'a\n',
    '١',
    'eip155:1:0x',
    ['x'],
    { x: 1 },
    '9'.repeat(78),
    '9'.repeat(79),
  ],
];

/** Numbers in another notation, and duplicate members. */
const REWRITES: readonly (readonly [RegExp, string])[] = [
  [/":(\d+)/g, '":$1.0'],
  [/":(\d+)/g, '":$1e0'],
  [/":(\d+)/g, '":-$1'],
  [/":(\d+)/g, '":$1.5'],
  [/":(\d+)/g, '":"$1"'],
  [/":(\d+)/g, '":0$1'],
  [/("[a-z]+":)/g, '$1 '],
  [/("[a-z]+":)("[^"]*"),/g, '$1$2,$1$2,'],
  [/a/g, '\\u0061'],
  [/\//g, '\\/'],
  [/0x([0-9a-f]+)/g, '0X$1'],
  [/=/g, ''],
  [/ /g, '  '],
];

type Change = (files: Map<string, Uint8Array>, random: Random) => void;

const edit =
  (change: (text: string, random: Random) => string): Change =>
  (files, random) => {
    const name = random.one([...files.keys()]);
    const text = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(
      files.get(name),
    );
    files.set(name, bytes(change(text, random)));
  };

const editLines = (change: (lines: string[], at: number, random: Random) => void): Change =>
  edit((text, random) => {
    const lines = text.split('\n');
    change(lines, random.below(lines.length), random);
    return lines.join('\n');
  });

/** Changes of bytes and lines. A verifier finds most of them when it parses the files. */
const BYTE_CHANGES: readonly Change[] = [
  edit((text, { below, one }) => {
    const at = below(text.length + 1);
    return text.slice(0, at) + one(TOKENS) + text.slice(at + below(2));
  }),
  edit((text, { one, below }) => (below(2) === 0 ? one(TOKENS) + text : text + one(TOKENS))),
  edit((text, { below }) => text.slice(0, below(text.length))),
  edit((text, { one, below }) => {
    const [from, to] = one(REWRITES);
    let left = below(Math.max(1, text.match(from)?.length ?? 1));
    return text.replace(from, (found: string, ...groups: readonly string[]) =>
      left-- === 0 ? to.replaceAll(/\$(\d)/g, (_, at) => groups[Number(at) - 1] ?? '') : found,
    );
  }),
  (files, random) => {
    const name = random.one([...files.keys()]);
    const copy = new Uint8Array(files.get(name) ?? []);
    copy[random.below(copy.length)] = random.below(256);
    files.set(name, copy);
  },
  editLines((lines, at) => lines.splice(at, 1)),
  editLines((lines, at) => lines.splice(at, 0, lines[at] ?? '')),
  editLines((lines, at, { below }) => {
    const other = below(lines.length);
    [lines[at], lines[other]] = [lines[other] ?? '', lines[at] ?? ''];
  }),
  editLines((lines, at, { below }) =>
    lines.splice(0, lines.length, ...lines.slice(at, at + 1 + below(9))),
  ),
  (files, random) => void files.delete(random.one([...files.keys()])),
  (files, random) => {
    const name = random.one([...files.keys()].filter((each) => each.startsWith('entries/')));
    const text = files.get(name) ?? new Uint8Array();
    const packed = new Uint8Array(gzipSync(text));
    const half = text.lastIndexOf(10, text.length / 2) + 1;
    const forms = [
      [packed],
      [packed, packed],
      [gzipSync(text.subarray(0, half)), gzipSync(text.subarray(half))],
      [packed, new Uint8Array(4)],
      [packed, bytes('x')],
      [packed.subarray(0, random.below(packed.length))],
      [packed.with(random.below(packed.length), random.below(256))],
    ];
    files.delete(name);
    files.set(`${name}.gz`, new Uint8Array(Buffer.concat(random.one(forms))));
  },
];

const pathsIn = (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] => [
  ...(path.length > 0 ? [path] : []),
  ...(typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...path, key]))
    : []),
];

const valueAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => Reflect.get(inner as object, key), value);

/** Replaces, removes or adds one member of an entry. */
const changedEntry = (entry: Entry, others: readonly Entry[], random: Random): Entry => {
  const copy = structuredClone(entry) as unknown as Record<string, unknown>;
  const path = random.one(pathsIn(copy));
  const holder = valueAt(copy, path.slice(0, -1)) as object;
  const key = path.at(-1) ?? '';
  const kind = random.below(10);
  if (kind === 0) Reflect.deleteProperty(holder, key);
  else if (kind === 1)
    Reflect.set(holder, random.one(['x', 'call', 'rule', '2', 'é']), random.one(VALUES));
  else if (kind < 6) Reflect.set(holder, key, random.one(VALUES));
  else if (kind < 8) {
    const other = random.one(others);
    Reflect.set(holder, key, valueAt(other, random.one(pathsIn(other))));
  } else Reflect.set(holder, key, near(Reflect.get(holder, key), random));
  return copy as unknown as Entry;
};

const near = (value: unknown, { below, one }: Random): unknown => {
  if (typeof value === 'number') return Math.max(0, value + one([-1, 1, -66, 66, 3_600, 86_400]));
  if (typeof value !== 'string' || value === '') return !value;
  if (/^\d+$/.test(value)) return String(BigInt(value) + BigInt(one([1, 1_000, 1_000_000])));
  const at = below(value.length);
  return value.slice(0, at) + one(['0', 'a', 'F', '']) + value.slice(at + 1);
};

const hasText = (entries: readonly Entry[]): boolean => {
  try {
    entries.forEach(entryText);
    return true;
  } catch {
    return false;
  }
};

/** Changes the entries of one account. Some changes also rebuild the links of its chain and the log. */
const changedEntries = async (original: ExportTexts, random: Random): Promise<ExportFiles> => {
  const [account, entries] = random.one([...original.logs]);
  const all = [...original.logs.values()].flat();
  let changed = [...entries];
  for (let more = 1 + random.below(2); more > 0; more -= 1) {
    const at = random.below(changed.length);
    const kind = random.below(12);
    if (kind === 0) changed.splice(at, 1);
    else if (kind === 1) changed.splice(at, 0, { ...random.one(all), account });
    else if (kind === 2) changed.splice(0, changed.length, ...changed.slice(0, at + 1));
    else changed[at] = changedEntry(changed[at] as Entry, all, random);
    if (changed.length === 0) changed = [...entries];
  }
  if (!hasText(changed)) return filesOf(original);
  const depth = random.below(3);
  const linked = depth > 0 ? relinked(changed) : changed;
  const texts = { ...original, logs: new Map(original.logs).set(account, linked) };
  return filesOf(depth > 1 && hasText(linked) ? await relogged(texts) : texts);
};

/** Applies one random change or several. */
export const fuzzedExport = async (original: ExportTexts, random: Random): Promise<ExportFiles> => {
  if (random.below(2) === 0) return await changedEntries(original, random);
  const files = new Map(filesOf(original));
  for (let more = 1 + random.below(2); more > 0; more -= 1) random.one(BYTE_CHANGES)(files, random);
  return files;
};
