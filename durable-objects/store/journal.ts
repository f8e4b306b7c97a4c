import type { Key } from './noun.ts';

/**
 * The journal of an object: every change since its last snapshot, and that snapshot. One row is one group, or a part of a long one.
 *
 * Slots are overwritten, never deleted. A snapshot starts again at slot 0 with the next seq, so that `seq - slot` rises with each snapshot:
 * the rows whose `seq - slot` is that of slot 0 are the journal, and all others are leftovers. A snapshot and the group after it are written
 * in one transaction, so a leftover never holds the only copy of a value.
 */
export type JournalRow = {
  readonly slot: number;
  readonly seq: number;
  /** Whether the row is a part of the snapshot. */
  readonly kind: 'snapshot' | 'group';
  /**
   * A line for each change, later lines win: noun, key as JSON, text, and the parts of the detail. An empty part first: the parts of the line
   * before stay, and the others follow them. A line without text removes the value.
   */
  readonly text: string;
};

/** A value as stored: its text, and the parts of its detail. */
export type Encoded = { readonly text: string; readonly parts: readonly string[] };

/** A change of one value, or its removal. */
export type Line = {
  readonly noun: string;
  readonly key: Key;
  readonly encoded: Encoded | undefined;
};

/** Sizes in characters. */
export type Limits = {
  readonly row: number;
  /** The size of a page of ended values. A look-up reads a whole page. */
  readonly page: number;
  /**
   * A snapshot is due when at least this much, and at least the size of the last snapshot, was written since. So snapshots at most double
   * what is written.
   */
  readonly snapshotAfter: number;
};

/** A character takes at most three bytes of UTF-8, and a row at most 2 MB. */
export const LIMITS: Limits = { row: 524_288, page: 262_144, snapshotAfter: 524_288 };

/** The end of a journal. */
export type JournalEnd = {
  /** The slot and the seq of the next row. */
  readonly slot: number;
  readonly seq: number;
  /** Characters of the snapshot, and of the groups since. */
  readonly snapshot: number;
  readonly groups: number;
};

export const EMPTY_JOURNAL: JournalEnd = { slot: 0, seq: 1, snapshot: 0, groups: 0 };

export const isSnapshotDue = (
  { snapshot, groups }: JournalEnd,
  { snapshotAfter }: Limits,
): boolean => groups > Math.max(snapshotAfter, snapshot);

/** Extends a journal by lines. @returns the new rows, and the end after them. */
export const extend = (
  end: JournalEnd,
  kind: JournalRow['kind'],
  lines: readonly string[],
  { row }: Limits,
): { readonly rows: readonly JournalRow[]; readonly end: JournalEnd } => {
  const texts = split(lines, row);
  const written = texts.reduce((sum, { length }) => sum + length, 0);
  return {
    rows: texts.map((text, at) => ({ slot: end.slot + at, seq: end.seq + at, kind, text })),
    end: {
      slot: end.slot + texts.length,
      seq: end.seq + texts.length,
      snapshot: end.snapshot + (kind === 'snapshot' ? written : 0),
      groups: end.groups + (kind === 'group' ? written : 0),
    },
  };
};

/** The position at which a snapshot starts: it overwrites the journal from slot 0 on. */
export const rewound = ({ seq }: JournalEnd): JournalEnd => ({ ...EMPTY_JOURNAL, seq });

/** Returns the end of the journal that consists of these rows. */
export const endOf = (rows: readonly JournalRow[]): JournalEnd =>
  rows.reduce(
    ({ snapshot, groups }, { slot, seq, kind, text: { length } }) => ({
      slot: slot + 1,
      seq: seq + 1,
      snapshot: snapshot + (kind === 'snapshot' ? length : 0),
      groups: groups + (kind === 'group' ? length : 0),
    }),
    EMPTY_JOURNAL,
  );

/** Joins lines to texts that fit into rows. */
const split = (lines: readonly string[], most: number): readonly string[] => {
  const whole = lines.join('\n');
  if (whole.length <= most) return lines.length === 0 ? [] : [whole];
  const texts: string[] = [];
  let open: string[] = [];
  let length = 0;
  for (const line of lines) {
    if (open.length > 0 && length + line.length > most) {
      texts.push(open.join('\n'));
      open = [];
      length = 0;
    }
    open.push(line);
    length += line.length + 1;
  }
  return open.length === 0 ? texts : [...texts, open.join('\n')];
};

/** Returns the beginning of a value's line, which no other value's line has. */
export const lineStart = (noun: string, key: Key): string => `${noun}\t${JSON.stringify(key)}`;

/** Returns the line of a whole value. @throws RangeError if a field has a tab or a line break, or a part is empty: the engine refuses the group. */
export const lineOf = (noun: string, key: Key, { text, parts }: Encoded): string =>
  lineFrom(noun, lineStart(noun, key), { text, parts }, 0);

/**
 * Returns the line that turns the known value into this one. If parts were only added, it has only the new ones.
 *
 * @throws RangeError as `lineOf`.
 */
export const changeOf = (
  noun: string,
  start: string,
  known: Encoded | undefined,
  { text, parts }: Encoded,
): string => {
  const before = known?.parts ?? [];
  const isKept = before.every((part, at) => part === parts[at]);
  return lineFrom(noun, start, { text, parts }, isKept ? before.length : 0);
};

/** @param kept how many parts the line omits, because the value has them already. */
const lineFrom = (noun: string, start: string, { text, parts }: Encoded, kept: number): string => {
  let line = `${start}\t${text}`;
  if (kept > 0) line += '\t';
  const added = kept > 0 ? parts.slice(kept) : parts;
  for (const part of added) line += `\t${part}`;
  if (!isField(text) || !added.every((part) => part !== '' && isField(part))) {
    throw new RangeError(`A ${noun} contains a tab or a line break, or an empty part.`);
  }
  return line;
};

const isField = (text: string): boolean => !text.includes('\t') && !text.includes('\n');

export const readLine = (line: string): Line => {
  const [noun = '', key = '', text, ...parts] = line.split('\t');
  return {
    noun,
    key: JSON.parse(key) as Key,
    encoded: text === undefined ? undefined : { text, parts },
  };
};

/** The value after a line of the journal. @param known the value before it. */
export const grown = (known: Encoded | undefined, { text, parts }: Encoded): Encoded => {
  const [first, ...added] = parts;
  return first === '' ? { text, parts: [...(known?.parts ?? []), ...added] } : { text, parts };
};
