import { decodeBase64, utf8 } from '../../../../src/crypto/bytes.ts';
import { sha256Hex } from '../../../../src/crypto/bytes.ts';
import { leafHash } from '../../../../src/audit/log/merkle-tree.ts';
import { SIGNATURE_TYPE } from '../../../../src/audit/log/signed-note.ts';

/**
 * Vectors of a log with the key of seed 000102…1f, made and verified with Go's `sumdb/note` and `sumdb/tlog`. Its leaves are those in
 * docs/audit-log.md without the line `root`.
 */
export const ORIGIN = 'gateway.example/log/2026';
export const VERIFIER_KEY = `${ORIGIN}+49c1ef09+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4`;

export const CHECKPOINTS = [
  {
    size: 0,
    root: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
    signature:
      'ScHvCe4Pa8dNdga5hpMU0eZRocjNoRG82l7xAhJxLZ1bqKBN88FzFOq/goxCk6e7ZEQIdOXrvpFx538yjsnhKgrUGg0=',
  },
  {
    size: 1,
    root: '9BXSudRI2m1Tm+lmnHhLvk8OxoDSWRMaoB4PT6qdp10=',
    signature:
      'ScHvCW/eTrlsewkn2h7KiFIqGmRaH/jUkVUNxYqoDyYbQsF7YjxEBQjfFWhPc5bAHqNxfFNisF85v0uhBpefeKzeNQM=',
  },
  {
    size: 3,
    root: 'o21PHprHnUGE8pmNzrLVt5k4RpTS5HXujrrwFh0LDrc=',
    signature:
      'ScHvCWWg9RQlZs75AoW+SSr7XMFfvbAjAxIWBABonnPJv1tizUa+8VXUtdyKP8J/6ir+3TNmJi+jb/i5klI8LIvr+Qc=',
  },
  {
    size: 70_000,
    root: 'Ojed1x41KjYGSKWxi6qaR3L5FURu6gWnEsGK5eXI4MY=',
    signature:
      'ScHvCQOqGwPkAW1N21qUYFWemZwKFfObQjfoC+bmrTGZRGFOzbWiZaKr9NaXGdZQORJnyWfXKiCuXO9nh8XQo4BAlQE=',
  },
] as const;

const ZEROS = `0x${'0'.repeat(64)}`;
const hashAt = (account: number, seq: number): string => sha256Hex(utf8(`e${account}/${seq}`));

/** The text of leaf `i`. */
export const leafTextAt = (i: number): string => {
  const account = i % 7;
  const k = Math.floor(i / 7);
  const address = sha256Hex(utf8(`acct${account}`)).slice(0, 42);
  const prev = k === 0 ? ZEROS : hashAt(account, 3 * k);
  return (
    `countersign-head/1\neip155:84532:${address}\n${3 * k + 1} ${prev}\n` +
    `${3 * k + 3} ${hashAt(account, 3 * k + 3)}\n`
  );
};

export const leafHashes = (count: number, from = 0): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, at) => leafHash(utf8(leafTextAt(from + at))));

/** The key pair of seed 000102…1f, in PKCS #8 (RFC 8410 §7). */
export const privateKey = async (): Promise<CryptoKey> => {
  const prefix = decodeBase64('MC4CAQAwBQYDK2VwBCIEIA==') ?? new Uint8Array();
  const seed = Uint8Array.from({ length: 32 }, (_, at) => at);
  const key = new Uint8Array([...prefix, ...seed]);
  return crypto.subtle.importKey('pkcs8', key, 'Ed25519', false, ['sign']);
};

export const publicKey = (): Uint8Array =>
  decodeBase64('A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=') ?? new Uint8Array();

export const KEY = { name: ORIGIN, type: SIGNATURE_TYPE.note, publicKey: publicKey() };
