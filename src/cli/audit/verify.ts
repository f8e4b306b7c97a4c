import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type {
  Export,
  LogEvidence,
  NamedText,
  Progress,
  VerifyOptions,
} from '../../audit/verify/index.ts';
import type { Command } from '../lib/command.ts';
import { CliError, Ended, EXIT, usageError } from '../lib/errors.ts';
import { httpBytes } from '../lib/http-text.ts';
import { hashIn, type Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import {
  type ExportFolder,
  logFile,
  namedText,
  openExportFolder,
  openLogFolder,
} from './export-folder.ts';
import { reportText } from './report-text.ts';

/** Bytes of a log on standard input, at most: it is read twice, so it is kept in memory. */
const MAX_STDIN = 256 * 1024 * 1024;

/**
 * Exit code for wrong usage. 2 means that something could not be checked, 4 that the ends of chains are not proved (docs/audit-format.md).
 */
const USAGE = EXIT.network;

export const verify: Command = {
  summary: 'verify exported logs offline, trusting neither exporter nor gateway',
  arguments: [
    { syntax: '<paths...>', summary: 'a folder of `audit export`, or .ndjson files; - for stdin' },
  ],
  options: [
    { flags: '--receipts <file>', summary: 'receipts that must match, one a line' },
    {
      flags: '--keys <file>',
      summary: 'keys that verify them (default: jwks.json of the folder)',
    },
    { flags: '--rpc <url>', summary: 'node of a chain, to look at settlements', repeatable: true },
    {
      flags: '--log <place>',
      summary:
        'folder of another export, which has the log; or URL of the gateway: what it publishes must be the log of the export',
    },
    {
      flags: '--log-key <key>',
      summary: 'key of the transparency log from a source that you trust, or a file of them',
      repeatable: true,
    },
    { flags: '--checkpoint <file>', summary: 'older checkpoint, which the log must extend' },
    {
      flags: '--contains <hash>',
      summary: 'entry that must be there, e.g. the `entry` of a receipt',
    },
  ],
  examples: [
    'countersign audit verify audit/ --log-key log-key',
    'countersign audit verify audit/ --receipts receipts.txt --rpc https://sepolia.base.org',
  ],
  run: async (session, input) => {
    const { out } = session;
    const { given, options } = await inUsage(async () => await read(session, input));
    const { verify: check, exitCodeOf } = await import('../../audit/verify/index.ts');
    let text = 'verifying';
    const speed = speedometer();
    const progress = (each: Progress): void => {
      text = `verifying ${speed(each)}`;
    };
    const report = await session.progress.during(
      () => text,
      async () => await check(given, { ...options, progress }),
    );
    out.result(report, () => reportText(report, out));
    const code = exitCodeOf(report.verdict);
    if (code !== EXIT.ok) throw new Ended(code);
  },
};

type Read = { readonly given: Export; readonly options: VerifyOptions };

const read = async (session: Session, input: Input): Promise<Read> => {
  const { folder, files } = await openPaths(session, input.arguments);
  const receipts = input.text('receipts');
  const keys = input.text('keys');
  const contains = input.text('contains');
  const rpc = input.list('rpc');
  const log = await logEvidence(input, folder, session.signal);
  const given: Export = {
    entries: [...(folder?.entries ?? []), ...files],
    ...(folder?.texts === undefined ? {} : { texts: folder.texts }),
    ...(folder?.listed === undefined ? {} : { listed: folder.listed }),
    ...(log === undefined ? {} : { log }),
  };
  return {
    given,
    options: {
      ...(receipts === undefined
        ? {}
        : { receipts: { file: await logFile(receipts), keys: await keysIn(keys, folder) } }),
      ...(rpc.length === 0 ? {} : { rpc }),
      ...(contains === undefined
        ? {}
        : { contains: hashIn(contains, 'a hash for --contains', 'e.g. the `entry` of a receipt') }),
    },
  };
};

const openPaths = async (
  session: Session,
  paths: readonly string[],
): Promise<{ readonly folder: ExportFolder | undefined; readonly files: Export['entries'] }> => {
  let folder: ExportFolder | undefined;
  const files: Export['entries'][number][] = [];
  for (const path of paths) {
    if (path === '-') {
      const bytes = await session.stdin(MAX_STDIN);
      const open = async function* () {
        yield bytes;
      };
      files.push({ name: 'stdin', size: bytes.length, open });
    } else if ((await stat(path).catch(() => undefined))?.isDirectory() === true) {
      if (folder !== undefined) {
        throw usageError('More than one folder was given.', 'Verify one export at a time.');
      }
      folder = await openExportFolder(path);
    } else files.push(await logFile(path));
  }
  return { folder, files };
};

const keysIn = async (
  path: string | undefined,
  folder: ExportFolder | undefined,
): Promise<NamedText> => {
  const keys = path ?? folder?.jwks;
  if (keys !== undefined) return await namedText(keys);
  throw usageError(
    '--receipts needs the keys that verify them.',
    'Give --keys with what the gateway serves at /.well-known/jwks.json.',
  );
};

const logEvidence = async (
  input: Input,
  folder: ExportFolder | undefined,
  signal: AbortSignal,
): Promise<LogEvidence | undefined> => {
  const path = input.text('log');
  const given = input.list('logKey');
  const older = input.text('checkpoint');
  const isLive = path !== undefined && /^https?:\/\//.test(path);
  const of = path === undefined || isLive ? folder?.log : await openLogFolder(path);
  if (of === undefined || of.years.length === 0) {
    // Readers always give --log-key, so a missing log is not a usage error: the report names it.
    if (path === undefined && older === undefined) return undefined;
    throw usageError(
      'There are no leaves of a transparency log to check.',
      'Give --log with the folder of an export that has log/<year>/leaves.ndjson.',
    );
  }
  // Attack: the exporter signs another log and puts its key into the folder.
  const own = of.keys.map(({ name }) => resolve(name));
  const pinned = given.filter((each) => !own.includes(resolve(each)));
  return {
    ...of,
    ...(pinned.length === 0 ? {} : { pinned: await Promise.all(pinned.map(keysOf)) }),
    ...(older === undefined ? {} : { older: await namedText(older) }),
    ...(isLive ? { published: publishedAt(path, signal) } : {}),
  };
};

/** The public log of a gateway. @throws CliError if it cannot be reached */
const publishedAt =
  (gateway: string, signal: AbortSignal): NonNullable<LogEvidence['published']> =>
  async (path) =>
    await httpBytes(new URL(`/log/${path}`, gateway).href, signal);

/** A key as text, or a file with one a line. */
const keysOf = async (given: string): Promise<NamedText> =>
  /^[^\s+]+\+[0-9a-f]{8}\+\S+$/.test(given)
    ? { name: '--log-key', text: given }
    : await namedText(given);

/** Shows the current file, the progress in it, and the speed. */
const speedometer = (): ((progress: Progress) => string) => {
  const from = performance.now();
  return ({ file, entries, bytes, total }) => {
    const seconds = (performance.now() - from) / 1000;
    const share =
      total === undefined || total === 0 ? '' : `, ${Math.floor((100 * bytes) / total)} %`;
    const rate = Math.round(entries / seconds).toLocaleString('en-US');
    return `${file}${share}, ${rate} entries a second`;
  };
};

/** Exits with 3 after usage errors. */
const inUsage = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof CliError) || thrown.exit !== EXIT.usage) throw thrown;
    const { message, hint, code, details } = thrown;
    throw new CliError(message, { hint, exit: USAGE, code, details });
  }
};
