import { decodeBase64, encodeBase64 } from '../../crypto/bytes.ts';
import { HASH_BYTES } from './merkle-tree.ts';
import { isKeyName } from './signed-note.ts';

/** What a log states about its tree (https://c2sp.org/tlog-checkpoint): the text of a signed note. */
export type Checkpoint = {
  /** The log's name, a URL without scheme: `<host>/log/<year>`. */
  readonly origin: string;
  /** Leaves. */
  readonly size: number;
  readonly root: Uint8Array;
};

const DECIMAL = /^(?:0|[1-9]\d{0,15})$/;

/** Writes the text of a checkpoint: origin, size and root, a line each. */
export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${encodeBase64(root)}\n`;

/** Reads the text of a checkpoint. Further lines are allowed and ignored. @returns undefined for any other text. */
export const parseCheckpoint = (text: string): Checkpoint | undefined => {
  const [origin, size, root, ...rest] = text.split('\n');
  if (origin === undefined || size === undefined || root === undefined) return undefined;
  const hash = decodeBase64(root);
  const isWhole = rest.at(-1) === '' && !rest.slice(0, -1).includes('');
  if (!isKeyName(origin) || !DECIMAL.test(size) || hash?.length !== HASH_BYTES || !isWhole) {
    return undefined;
  }
  const leaves = Number(size);
  return Number.isSafeInteger(leaves) ? { origin, size: leaves, root: hash } : undefined;
};
