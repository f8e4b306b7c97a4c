import { sha256 } from '#sha256';
import { decodeBase64, encodeBase64, hexOf, utf8 } from '../../crypto/bytes.ts';
import { err, ok, type Result } from '../../core/result.ts';

/**
 * Signed notes (https://c2sp.org/signed-note): a text, an empty line, and signature lines `— <name> <base64(key id ‖ signature)>`. A
 * verifier ignores signatures of keys that it does not know, and rejects a note with a bad signature of a key that it knows.
 */

/** Kinds of signatures, the byte of their key ids. */
export const SIGNATURE_TYPE = { note: 0x01, cosignature: 0x04 } as const;

export type NoteKey = {
  /** Neither space nor plus. */
  readonly name: string;
  readonly type: number;
  /** 32 bytes of Ed25519. */
  readonly publicKey: Uint8Array;
};

export type NoteSignature = {
  readonly name: string;
  /** 8 hex digits. */
  readonly keyId: string;
  readonly bytes: Uint8Array;
};

export type SignedNote = {
  /** Ends with a line feed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
};

const ID_BYTES = 4;
const KEY_BYTES = 32;
/** Lines of signatures, at most. The specification requires 16 at least. */
const MAX_SIGNATURES = 64;
/** Characters of a note, at most. */
const MAX_NOTE = 65_536;
const NAME = /^[^\s+\p{Cc}]{1,255}$/u;
const LINE = /^— (?<name>\S+) (?<encoded>[A-Za-z0-9+/]+={0,2})$/;

/** Whether a text can name a key. */
export const isKeyName = (text: string): boolean => NAME.test(text);

/** The id of a key, 8 hex digits: the first four bytes of SHA-256(name ‖ LF ‖ type ‖ public key). */
export const keyIdOf = ({ name, type, publicKey }: NoteKey): string => {
  const bytes = concat(utf8(`${name}\n`), Uint8Array.of(type), publicKey);
  return hexOf(sha256(bytes).subarray(0, ID_BYTES)).slice(2);
};

/** The text form of a key for verifiers: `<name>+<key id>+<base64(type ‖ public key)>`. */
export const verifierKey = (key: NoteKey): string =>
  `${key.name}+${keyIdOf(key)}+${encodeBase64(concat(Uint8Array.of(key.type), key.publicKey))}`;

/** Reads the text form of a key. @returns undefined unless its id belongs to it. */
export const parseVerifierKey = (text: string): NoteKey | undefined => {
  const [name, id, ...rest] = text.split('+');
  // The base64 may contain a plus.
  const bytes = decodeBase64(rest.join('+'));
  if (name === undefined || !isKeyName(name) || bytes?.length !== 1 + KEY_BYTES) return undefined;
  const key = { name, type: bytes[0] as number, publicKey: bytes.subarray(1) };
  return keyIdOf(key) === id ? key : undefined;
};

/** Writes a note. */
export const writeNote = ({ text, signatures }: SignedNote): string =>
  `${text}\n${signatures.map((one) => `${signatureLine(one)}\n`).join('')}`;

const signatureLine = ({ name, keyId, bytes }: NoteSignature): string =>
  `— ${name} ${encodeBase64(concat(idBytes(keyId), bytes))}`;

export type NoteFault =
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'bad_signature'; readonly name: string }
  | { readonly kind: 'unsigned' };

/** Reads a note without verifying it. */
export const readNote = (note: string): Result<SignedNote, NoteFault> => {
  if (note.length > MAX_NOTE) return malformed(`it is over ${MAX_NOTE} characters`);
  const end = note.lastIndexOf('\n\n');
  if (end < 0) return malformed('no empty line separates text and signatures');
  const text = note.slice(0, end + 1);
  const tail = note.slice(end + 2);
  if (/[\p{Cc}\uFFFD]/u.test(note.replaceAll('\n', ''))) return malformed('control characters');
  if (!tail.endsWith('\n')) return malformed('the last line does not end');
  const lines = tail.slice(0, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return malformed(`over ${MAX_SIGNATURES} signatures`);
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const { name = '', encoded = '' } = LINE.exec(line)?.groups ?? {};
    const bytes = decodeBase64(encoded);
    if (!isKeyName(name) || bytes === undefined || bytes.length <= ID_BYTES) {
      return malformed('a line is no signature');
    }
    const keyId = hexOf(bytes.subarray(0, ID_BYTES)).slice(2);
    signatures.push({ name, keyId, bytes: bytes.subarray(ID_BYTES) });
  }
  return ok({ text, signatures });
};

/** Verifies one signature over the text of a note. */
export type VerifySignature = (
  key: NoteKey,
  text: string,
  signature: Uint8Array,
) => Promise<boolean>;

/** A note whose signatures of known keys are all valid. */
export type OpenedNote = SignedNote & { readonly signers: readonly NoteKey[] };

/** Reads and verifies a note. @returns the keys that signed it, at least one of `keys`. */
export const openNote = async (
  note: string,
  keys: readonly NoteKey[],
  verify: VerifySignature,
): Promise<Result<OpenedNote, NoteFault>> => {
  const read = readNote(note);
  if (!read.ok) return read;
  const { text, signatures } = read.value;
  const signers = new Set<NoteKey>();
  for (const { name, keyId, bytes } of signatures) {
    const key = keys.find((one) => one.name === name && keyIdOf(one) === keyId);
    // A second signature of a key adds nothing. The first is verified, as in the implementation of Go.
    if (key === undefined || signers.has(key)) continue;
    if (!(await verify(key, text, bytes))) return err({ kind: 'bad_signature', name });
    signers.add(key);
  }
  return signers.size === 0
    ? err({ kind: 'unsigned' })
    : ok({ text, signatures, signers: [...signers] });
};

const malformed = (detail: string): Result<never, NoteFault> => err({ kind: 'malformed', detail });

const idBytes = (keyId: string): Uint8Array =>
  Uint8Array.from({ length: ID_BYTES }, (_, at) =>
    Number.parseInt(keyId.slice(2 * at, 2 * at + 2), 16),
  );

const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};
