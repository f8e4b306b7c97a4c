import { decodeBase64, encodeBase64 } from '../../crypto/bytes.ts';
import { HASH_BYTES } from './merkle-tree.ts';

/**
 * A proof that a leaf is in a log, as a file (https://c2sp.org/tlog-proof): where the leaf is, the hashes from the leaf upwards, and the
 * signed checkpoint with the resulting root.
 */
export type ProofFile = {
  /** Opaque bytes for the reader of the file: here the parts from which a reader recomputes the leaf and the entry. */
  readonly extra?: Uint8Array;
  readonly index: number;
  readonly proof: readonly Uint8Array[];
  /** The checkpoint as the log served it, a signed note. */
  readonly checkpoint: string;
};

const HEAD = 'c2sp.org/tlog-proof@v1';
/** Hashes of a proof, at most: a tree of 2^63 leaves needs no more. */
const MAX_HASHES = 63;
/** Characters of a file, at most. */
const MAX_FILE = 4_194_304;
const DECIMAL = /^(?:0|[1-9]\d{0,15})$/;

export const writeProofFile = ({ extra, index, proof, checkpoint }: ProofFile): string =>
  [
    HEAD,
    ...(extra === undefined ? [] : [`extra ${encodeBase64(extra)}`]),
    `index ${index}`,
    ...proof.map(encodeBase64),
    '',
    checkpoint,
  ].join('\n');

/** Reads a proof file. @returns undefined for any other text. */
export const parseProofFile = (text: string): ProofFile | undefined => {
  const end = text.indexOf('\n\n');
  if (text.length > MAX_FILE || end < 0) return undefined;
  const [head, ...lines] = text.slice(0, end).split('\n');
  const extra = lines[0]?.startsWith('extra ') === true ? lines.shift() : undefined;
  const place = lines.shift();
  if (head !== HEAD || place?.startsWith('index ') !== true || lines.length > MAX_HASHES) {
    return undefined;
  }
  const index = place.slice('index '.length);
  const proof = lines.map(decodeBase64);
  const isWhole = proof.every((hash): hash is Uint8Array => hash?.length === HASH_BYTES);
  const opaque = extra === undefined ? undefined : decodeBase64(extra.slice('extra '.length));
  if (!DECIMAL.test(index) || !Number.isSafeInteger(Number(index)) || !isWhole) return undefined;
  if (extra !== undefined && opaque === undefined) return undefined;
  return {
    ...(opaque === undefined ? {} : { extra: opaque }),
    index: Number(index),
    proof,
    checkpoint: text.slice(end + 2),
  };
};
