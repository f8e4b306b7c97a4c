import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { writtenForms } from '../../dev/written-forms.ts';
import { RUNTIME_FILE } from '../../dev/stack/runtime.ts';

/** A secret that a run used. `find` expects lower-case text with one character per byte, and returns the form that it found. */
export type Planted = {
  readonly name: string;
  readonly find: (text: string) => string | undefined;
};

/** A planted secret, and where it was found. */
export type Trace = { readonly secret: string; readonly place: string; readonly form: string };

/** Plants a text: searches for every form of `dev/written-forms.ts`, in UTF-16, and across line breaks and spaces. */
export const plantText = (name: string, text: string): Planted =>
  plantForms(name, writtenForms(text).map(latin1));

/**
 * Plants a key of at least 16 bytes: searches for its first and last 16 bytes raw, in hex, base64 and base64url, and as a list of numbers.
 */
export const plantKey = (name: string, key: Uint8Array): Planted => {
  if (key.length < KEY_PART) throw new Error(`${name} is too short to be told from other bytes`);
  const ends = [key.subarray(0, KEY_PART), key.subarray(-KEY_PART)];
  return plantForms(name, [
    ...new Set(ends.flatMap((end) => [latin1(end), ...base64Forms(end), hex(end), end.join(',')])),
  ]);
};

/** Plants a card number: searches for every form, also in groups of four digits. */
export const plantCard = (name: string, number: string): Planted =>
  plantForms(
    name,
    ['', ' ', '-'].flatMap((separator) =>
      writtenForms(number.replace(/(.{4})(?=.)/g, `$1${separator}`)),
    ),
  );

/** Finds any card verification code by the name of its field, because three digits alone match everywhere. */
export const CVC: Planted = {
  name: 'a CVC',
  find: (text) => /cvc["'\])%}a-z0-9]{0,8}[:=]\s*["']?\d{3}\b/.exec(text)?.[0],
};

const KEY_PART = 16;
/** Line breaks and spaces; the null bytes of UTF-16. */
const GAPS = /[\s\0]+/g;

const latin1 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('latin1');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The base64 characters that depend on these bytes alone, for each of the three offsets at which the bytes can start in a longer key. */
const base64Forms = (bytes: Uint8Array): readonly string[] =>
  [0, 1, 2].flatMap((before) => {
    const placed = Buffer.concat([Buffer.alloc(before), bytes]);
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((placed.length * 8) / 6)];
    return (['base64', 'base64url'] as const).map((form) => placed.toString(form).slice(from, to));
  });

/** Each of `forms` has one character per byte. */
const plantForms = (name: string, forms: readonly string[]): Planted => {
  const plain = forms.map((form) => form.toLowerCase());
  const joined = plain.map((form) => form.replace(GAPS, ''));
  return {
    name,
    find: (text) => {
      const gapless = gaplessOf(text);
      return plain.find((form, at) => text.includes(form) || gapless.includes(joined[at] ?? form));
    },
  };
};

/** Caches the last text, because many secrets are searched for in the same text. */
let last = { text: '', gapless: '' };
const gaplessOf = (text: string): string => {
  if (last.text !== text) last = { text, gapless: text.replace(GAPS, '') };
  return last.gapless;
};

/** Returns the planted secrets found in the content of one place. */
export const tracesIn = (
  planted: readonly Planted[],
  content: Uint8Array | string,
  place = '',
): readonly Trace[] => {
  const text = latin1(content).toLowerCase();
  return planted.flatMap(({ name, find }) => {
    const form = find(text);
    return form === undefined ? [] : [{ secret: name, place, form }];
  });
};

/** Files with the settings of a local Worker. They contain secrets by design. */
const SETTINGS = [RUNTIME_FILE, 'receipt-key.json', 'log-key.json', 'signer-key'];

/**
 * Searches everything that a local Worker has written into its state directory: every byte of every file (databases with their freed pages
 * and write-ahead logs, objects, R2, logs), and every value of every database, because SQLite spreads a long value over pages and the
 * gateway compresses entries. Miniflare keeps queues in memory, so callers must first wait until their messages have reached D1.
 */
export const scanState = async (
  directory: string,
  planted: readonly Planted[],
): Promise<readonly Trace[]> => {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter(
    (file) => file.isFile() && !SETTINGS.includes(file.name),
  );
  const traces: Trace[] = [];
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    const place = relative(directory, path);
    const bytes = await readFile(path);
    traces.push(...tracesIn(planted, bytes, place));
    for (const unpacked of unpack(bytes)) traces.push(...tracesIn(planted, unpacked, place));
    if (!file.name.endsWith('.sqlite')) continue;
    for (const [table, dump] of dumpsOf(path))
      traces.push(...tracesIn(planted, dump, `${place} table ${table}`));
  }
  return traces;
};

/**
 * Proves that a scan reads the right files: searches a state directory for an account's address, which must be in D1, where entries are
 * compressed, and in a Durable Object.
 *
 * @throws Error that names the place where the address is missing
 */
export const mustSearch = async (directory: string, text: string): Promise<void> => {
  const places = (await scanState(directory, [plantText('control', text)])).map(
    ({ place }) => place,
  );
  const missing = [/\bd1\/.* table chunks$/, /\bdo\/.* table /].filter(
    (pattern) => !places.some((place) => pattern.test(place)),
  );
  if (missing.length > 0)
    throw new Error(`not found at ${missing.join(' and ')}: ${places.join(', ')}`);
};

const unpack = (bytes: Uint8Array): readonly Uint8Array[] => {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return [];
  return [gunzipSync(bytes)];
};

/** The values of each table, also decompressed. */
const dumpsOf = (file: string): readonly (readonly [string, Uint8Array])[] => {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 30_000 });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    return tables.map(({ name }) => {
      const statement = database.prepare(`SELECT * FROM "${String(name)}"`);
      statement.setReadBigInts(true);
      const values = statement.all().flatMap((row) => Object.values(row));
      return [String(name), Buffer.concat(values.flatMap(bytesOf))];
    });
  } finally {
    database.close();
  }
};

const bytesOf = (value: unknown): readonly Uint8Array[] => {
  const bytes = value instanceof Uint8Array ? value : Buffer.from(String(value));
  return [bytes, ...unpack(bytes)].flatMap((each) => [each, Buffer.from('\n')]);
};
