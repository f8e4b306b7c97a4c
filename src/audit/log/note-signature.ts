import { utf8 } from '../../crypto/bytes.ts';
import {
  keyIdOf,
  type NoteKey,
  type NoteSignature,
  SIGNATURE_TYPE,
  type VerifySignature,
} from './signed-note.ts';

const SIGNATURE_BYTES = 64;
const TIME_BYTES = 8;

/** Signs the text of a note with a log's Ed25519 key. The same text gets the same bytes (RFC 8032 §5.1.6). */
export const signNote = async (
  key: NoteKey,
  privateKey: CryptoKey,
  text: string,
): Promise<NoteSignature> => ({
  name: key.name,
  keyId: keyIdOf(key),
  bytes: new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, bytesOfText(text))),
});

/** Cosigns a checkpoint as a witness (https://c2sp.org/tlog-cosignature). `time`: Unix seconds. */
export const cosign = async (
  key: NoteKey,
  privateKey: CryptoKey,
  text: string,
  time: number,
): Promise<NoteSignature> => {
  const signed = bytesOfText(cosignedText(text, BigInt(time)));
  const signature = await crypto.subtle.sign('Ed25519', privateKey, signed);
  const bytes = new Uint8Array(TIME_BYTES + SIGNATURE_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(time));
  bytes.set(new Uint8Array(signature), TIME_BYTES);
  return { name: key.name, keyId: keyIdOf(key), bytes };
};

/** When a witness cosigned, Unix seconds. */
export const cosignedAt = ({ bytes }: Pick<NoteSignature, 'bytes'>): number | undefined =>
  bytes.length === TIME_BYTES + SIGNATURE_BYTES
    ? Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0))
    : undefined;

/** Verifies a signature of a log, or a cosignature of a witness, with WebCrypto. Other kinds of keys verify nothing. */
export const verifyNoteSignature: VerifySignature = async (key, text, signature) => {
  switch (key.type) {
    case SIGNATURE_TYPE.note:
      return verifyBytes(key, text, signature);
    case SIGNATURE_TYPE.cosignature: {
      if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) return false;
      const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
      return verifyBytes(key, cosignedText(text, time), signature.subarray(TIME_BYTES));
    }
    default:
      return false;
  }
};

const cosignedText = (text: string, time: bigint): string =>
  `cosignature/v1\ntime ${time}\n${text}`;

const verifyBytes = async (
  { publicKey }: NoteKey,
  text: string,
  signature: Uint8Array,
): Promise<boolean> => {
  if (signature.length !== SIGNATURE_BYTES) return false;
  try {
    const key = await crypto.subtle.importKey('raw', new Uint8Array(publicKey), 'Ed25519', false, [
      'verify',
    ]);
    return await crypto.subtle.verify('Ed25519', key, new Uint8Array(signature), bytesOfText(text));
  } catch {
    // A public key that is not a point of the curve.
    return false;
  }
};

const bytesOfText = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(utf8(text));
