/** Runs the verifier over in-memory entries. */
import { entryHash, entryText } from '../../src/audit/entry.ts';
import { type Expectation, readLog, verifyRun } from '../../src/audit/run.ts';
import type { Check, Finding, HashedEntry } from '../../src/audit/verify/check.ts';
import type { LogFile } from '../../src/audit/verify/lines.ts';
import { createSignatures } from '../../src/audit/verify/signatures.ts';
import type { Entry } from '../../src/protocol/entry.ts';

/** Parses the text of a log and verifies its chain, as the queue consumer verifies a chunk. */
export const verifyLog = (
  text: string,
  expected: Expectation = {},
): ReturnType<typeof verifyRun> => {
  const read = readLog(text);
  return read.ok ? verifyRun(read.value, expected) : read;
};

export const textOf = (entries: readonly Entry[]): string =>
  entries.map((entry) => `${entryText(entry)}\n`).join('');

/** A file of an export, in memory. */
export const fileOf = (name: string, text: string): LogFile => {
  const bytes = new TextEncoder().encode(text);
  return {
    name,
    size: bytes.length,
    open: async function* () {
      yield bytes;
    },
  };
};

export const hashed = (entries: readonly Entry[], file = 'log.ndjson'): readonly HashedEntry[] =>
  entries.map((entry, at) => ({
    entry,
    text: entryText(entry),
    hash: entryHash(entry),
    place: { file, line: at + 1 },
  }));

/** Runs one check over entries. */
export const findingOf = async (check: Check, entries: readonly Entry[]): Promise<Finding> => {
  for (const seen of hashed(entries)) await check.see(seen);
  return await check.end();
};

export const signaturesOf = async (entries: readonly Entry[]): Promise<Finding> =>
  await findingOf(createSignatures(), entries);
