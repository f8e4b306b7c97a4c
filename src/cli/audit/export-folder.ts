import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Export, LogEvidence, LogFile, NamedText } from '../../audit/verify/index.ts';
import { decodeUtf8 } from '../../crypto/bytes.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { usageError } from '../lib/errors.ts';
import { unreadable } from '../lib/input.ts';

/** The files in a folder of `countersign audit export` besides the entries. */
export type ExportFolder = Export & {
  /** The path of the keys of receipts. */
  readonly jwks?: string;
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
/** Bytes of a manifest or of another small file, at most: some hundred thousand accounts. */
const MAX_TEXT = 16 * 1024 * 1024;

/** A file on the disk, which can be opened again and again. @throws CliError usage if it is not there */
export const logFile = async (path: string): Promise<LogFile> => {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) throw unreadable(path);
  return {
    name: path,
    size: found.size,
    // Node allocates the whole buffer for each read, also for a file of a few lines.
    open: () => createReadStream(path, { highWaterMark: Math.min(CHUNK, found.size + 1) }),
  };
};

/** Reads a text file, which reports name by its path. @throws CliError usage if it is missing, not UTF-8 or too large */
export const namedText = async (path: string): Promise<NamedText> => {
  const found = await stat(path).catch(() => undefined);
  const isSmall = found?.isFile() === true && found.size <= MAX_TEXT;
  const bytes = isSmall ? await readFile(path).catch(() => undefined) : undefined;
  const text = bytes && decodeUtf8(bytes);
  if (text === undefined) throw unreadable(path);
  return { name: path, text };
};

/** Opens a folder that `countersign audit export` wrote. @throws CliError usage for any other folder */
export const openExportFolder = async (path: string): Promise<ExportFolder> => {
  const entries = await readdir(join(path, 'entries')).catch(() => undefined);
  if (entries === undefined) {
    throw usageError(
      `${path} has no folder entries.`,
      'Give the folder that `countersign audit export -o` wrote, or its .ndjson files.',
    );
  }
  const files = entries.filter((name) => /\.ndjson(?:\.gz)?$/.test(name)).toSorted();
  const texts = await fileIn(path, 'texts.ndjson');
  const jwks = await fileIn(path, 'jwks.json');
  const log = await openLogFolder(path);
  return {
    entries: await Promise.all(
      files.map(async (name) => await logFile(join(path, 'entries', name))),
    ),
    listed: await readManifest(join(path, 'manifest.json')),
    ...(texts === undefined ? {} : { texts: await logFile(texts) }),
    ...(log.years.length === 0 ? {} : { log }),
    ...(jwks === undefined ? {} : { jwks }),
  };
};

/** The transparency log in the folder of an export: the leaves and the checkpoint of each year, and the keys. */
export const openLogFolder = async (path: string): Promise<LogEvidence> => {
  const named = async (...names: readonly string[]): Promise<NamedText | undefined> => {
    const found = await fileIn(path, ...names);
    return found === undefined ? undefined : await namedText(found);
  };
  const years = (await readdir(join(path, 'log')).catch((): string[] => []))
    .filter((name) => /^\d{4}$/.test(name))
    .toSorted();
  const keys = await named('log-key');
  return {
    years: await Promise.all(
      years.map(async (year) => {
        const checkpoint = await named('log', year, 'checkpoint');
        // Only an owner's export has this file.
        const heads = await logFile(join(path, 'log', year, 'heads.ndjson')).catch(() => undefined);
        return {
          leaves: await logFile(join(path, 'log', year, 'leaves.ndjson')),
          ...(checkpoint === undefined ? {} : { checkpoint }),
          ...(heads === undefined ? {} : { heads }),
        };
      }),
    ),
    keys: keys === undefined ? [] : [keys],
  };
};

/** The path of a file, if it exists. */
const fileIn = async (...names: readonly string[]): Promise<string | undefined> => {
  const path = join(...names);
  return (await stat(path).catch(() => undefined))?.isFile() === true ? path : undefined;
};

const readManifest = async (path: string): Promise<NonNullable<Export['listed']>> => {
  const { text } = await namedText(path);
  const json = parseStrictJson(text);
  const parsed = json.ok ? manifestSchema.safeParse(json.value) : undefined;
  if (parsed?.success === true) return parsed.data.accounts;
  throw usageError(
    `${path} is not the manifest of an export.`,
    'Export again, or give the .ndjson files one by one.',
  );
};
