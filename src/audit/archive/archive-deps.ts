import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AlertBody } from '../../protocol/alert.ts';

/** An object of the archive as the gateway's account records it in its log. */
export type WrittenObject = {
  readonly name: string;
  readonly sha256: Hex;
  readonly bytes: number;
  readonly entries: number;
};

/** What a run of the archive uses. */
export type ArchiveDeps = {
  readonly db: D1Database;
  readonly bucket: R2Bucket;
  /** Days that D1 keeps log and ended calls. */
  readonly retainDays: number;
  /** Raises an alert of the gateway; false if it was not recorded. */
  readonly raise: (alert: AlertBody) => Promise<boolean>;
  /** Records an object in the log of the gateway's account, once; false if the account did not answer. */
  readonly record: (object: WrittenObject) => Promise<boolean>;
};

/** How long after the end of a day its chunks are copied: the clocks of isolates differ, and a chunk has the time of its isolate. */
export const COPY_DELAY: Seconds = 3_600;
