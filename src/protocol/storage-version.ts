/**
 * The versions of what Durable Objects store, which this code reads and writes. Raise them with each change of a table, or of what a noun
 * encodes, as CONTRIBUTING.md says: expand, then contract.
 */
export type StorageVersion = {
  /** The newest version that it reads. */
  readonly reads: number;
  /** The version that it writes; never above `reads`. */
  readonly writes: number;
};

export const STORAGE: StorageVersion = { reads: 1, writes: 1 };

/** The tag of an uploaded version of the Worker. Cloudflare keeps at most 25 characters. */
export const versionTag = ({ reads, writes }: StorageVersion): string =>
  `storage-r${reads}-w${writes}`;

/** Reads the tag of a version. @returns undefined for a version that `countersign deploy` did not upload */
export const readVersionTag = (tag: string | undefined): StorageVersion | undefined => {
  const [, reads, writes] = /^storage-r(\d{1,4})-w(\d{1,4})$/.exec(tag ?? '') ?? [];
  return reads === undefined || writes === undefined
    ? undefined
    : { reads: Number(reads), writes: Number(writes) };
};

/** Whether code can run on everything that other code has written: Cloudflare may give an object either version at any time. */
export const canFollow = (next: StorageVersion, writer: StorageVersion): boolean =>
  next.reads >= writer.writes;
