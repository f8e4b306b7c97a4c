import { nativeSha256 } from '../../crypto/native-crypto.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Day } from '../day.ts';
import { callFingerprint, fingerprintSet } from './fingerprint.ts';
import { createGzipWriter, type Section } from './gzip-sections.ts';

/** Consecutive entries of one account: their canonical lines, each with its line feed. */
export type ArchivedRun = {
  readonly account: AccountId;
  readonly first: number;
  readonly last: number;
  readonly lastHash: Hex;
  readonly text: string;
};

/** Where a run is in its object, and the calls that its entries are about. */
export type ArchivedRange = Omit<ArchivedRun, 'text'> & Section & { readonly calls: Uint8Array };

export type ArchiveObject = {
  readonly name: string;
  readonly sha256: Hex;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly entries: number;
  /** Times of the earliest and the latest entry. */
  readonly from: Seconds;
  readonly to: Seconds;
  readonly ranges: readonly ArchivedRange[];
};

export type ObjectWriter = {
  /** Runs come in the order of account and seq. */
  readonly add: (run: ArchivedRun) => void;
  /** Compressed bytes so far. */
  readonly size: () => number;
  readonly finish: () => ArchiveObject;
};

/**
 * Lays out an object of the archive: `day=<day>/<part>-<hash>.ndjson.gz`, one canonical entry a line, ordered by account and seq. A name
 * contains the first eight bytes of the object's SHA-256, so the same runs always give the same object, and no other object replaces it.
 */
export const createObjectWriter = (day: Day, part: number): ObjectWriter => {
  const gzip = createGzipWriter();
  const ranges: ArchivedRange[] = [];
  let entries = 0;
  let from = Number.MAX_SAFE_INTEGER;
  let to = 0;
  return {
    add: ({ text, ...run }) => {
      const calls: string[] = [];
      for (const line of text.split('\n')) {
        if (line === '') continue;
        const { at, call } = JSON.parse(line) as { readonly at: Seconds; readonly call?: Hex };
        entries += 1;
        from = Math.min(from, at);
        to = Math.max(to, at);
        if (call !== undefined) calls.push(callFingerprint(call));
      }
      ranges.push({ ...run, ...gzip.add(text), calls: fingerprintSet(calls) });
    },
    size: gzip.size,
    finish: () => {
      const body = gzip.finish();
      const sha256 = nativeSha256(body);
      const name = `${partPrefix(day, part)}${sha256.slice(2, 18)}.ndjson.gz`;
      return { name, sha256, body, entries, from, to, ranges };
    },
  };
};

/** The common prefix of the names of all objects of one part. */
export const partPrefix = (day: Day, part: number): string =>
  `day=${day}/${part.toString().padStart(4, '0')}-`;
