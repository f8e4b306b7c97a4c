import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Export, LogEvidence, LogFile, NamedText } from '../../audit/verify/index.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { readText } from '../lib/atomic-file.ts';
import { usageError } from '../lib/errors.ts';
import { unreadable } from '../lib/input.ts';

/** What a folder of `countersign audit export` holds besides its entries. */
export type ExportFolder = Export & {
  readonly jwks?: NamedText;
};

const account = z.custom<AccountId>(
  (value) => typeof value === 'string' && parseAccountId(value) !== undefined,
);
const manifestSchema = z.looseObject({
  v: z.literal(1),
  accounts: z.array(
    z.looseObject({
      account,
      first: z.int().check(z.positive()),
      last: z.int().check(z.positive()),
    }),
  ),
});

const CHUNK = 1_048_576;
/** Characters of a manifest, at most: some hundred thousand accounts. */
const MAX_MANIFEST = 64 * 1024 * 1024;

/** A file on the disk, which can be opened again and again. @throws CliError usage if it is not there */
export const logFile = async (path: string): Promise<LogFile> => {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) throw unreadable(path);
  return {
    name: path,
    size: found.size,
    open: () => createReadStream(path, { highWaterMark: CHUNK }),
  };
};

/** A text that a report names by its path. @throws CliError usage if it is not there */
export const namedText = async (path: string): Promise<NamedText> => {
  const text = await readText(path).catch(() => undefined);
  if (text === undefined) throw unreadable(path);
  return { name: path, text };
};

/** Opens a folder that `countersign audit export` wrote. @throws CliError usage if it is none */
export const openExportFolder = async (path: string): Promise<ExportFolder> => {
  const names = await readdir(path).catch(() => {
    throw unreadable(path);
  });
  const has = (name: string): boolean => names.includes(name);
  if (!has('entries')) {
    throw usageError(
      `${path} has no folder entries.`,
      'Give the folder that `countersign audit export -o` wrote, or its .ndjson files.',
    );
  }
  const files = (await readdir(join(path, 'entries')))
    .filter((name) => /\.ndjson(?:\.gz)?$/.test(name))
    .toSorted();
  const text = async (name: string) => (has(name) ? await namedText(join(path, name)) : undefined);
  const file = async (name: string) => (has(name) ? await logFile(join(path, name)) : undefined);
  const [texts, jwks] = [await file('texts.ndjson'), await text('jwks.json')];
  const log = await openLogFolder(path);
  return {
    entries: await Promise.all(
      files.map(async (name) => await logFile(join(path, 'entries', name))),
    ),
    listed: await readManifest(join(path, 'manifest.json')),
    ...(texts === undefined ? {} : { texts }),
    ...(log.years.length === 0 ? {} : { log }),
    ...(jwks === undefined ? {} : { jwks }),
  };
};

/** The transparency log in the folder of an export: the leaves and the checkpoint of each year, and the keys. */
export const openLogFolder = async (path: string): Promise<LogEvidence> => {
  const named = async (...names: readonly string[]): Promise<NamedText | undefined> =>
    await namedText(join(path, ...names)).catch(() => undefined);
  const years = (await readdir(join(path, 'log')).catch((): string[] => []))
    .filter((name) => /^\d{4}$/.test(name))
    .toSorted();
  const keys = await named('log-key');
  return {
    years: await Promise.all(
      years.map(async (year) => {
        const checkpoint = await named('log', year, 'checkpoint');
        return {
          leaves: await logFile(join(path, 'log', year, 'leaves.ndjson')),
          ...(checkpoint === undefined ? {} : { checkpoint }),
        };
      }),
    ),
    keys: keys === undefined ? [] : [keys],
  };
};

const readManifest = async (path: string): Promise<NonNullable<Export['listed']>> => {
  const { text } = await namedText(path);
  const json = text.length > MAX_MANIFEST ? undefined : parseStrictJson(text);
  const parsed = json?.ok === true ? manifestSchema.safeParse(json.value) : undefined;
  if (parsed?.success === true) return parsed.data.accounts;
  throw usageError(
    `${path} is not the manifest of an export.`,
    'Export again, or give the .ndjson files one by one.',
  );
};
