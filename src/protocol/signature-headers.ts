import {
  isInnerList,
  parseDictionary,
  serializeDictionary,
  serializeInnerList,
} from 'structured-headers';
import type { Seconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';

/** The purpose of a signature of this profile. A signature that the key made for another purpose is refused (RFC 9421 §2.3). */
export type SignatureTag = 'countersign-signer' | 'countersign-session';
/** The covered components, in this order (docs/signer.md). */
export const COMPONENTS = ['@method', '@target-uri', 'content-digest', 'content-type'] as const;
const PARAMETERS = ['created', 'expires', 'keyid', 'nonce', 'tag'];
/** The longest time between `created` and `expires`. */
export const LIFETIME: Seconds = 60;
/** Clocks of agents may differ from the signer's by this much. */
export const SKEW: Seconds = 30;
const MAX_FIELD = 1024;

/** An RFC 7638 thumbprint: SHA-256 in base64url. */
const KEY_ID = /^[A-Za-z0-9_-]{43}$/;
/** 128 bits in base64url. */
const NONCE = /^[A-Za-z0-9_-]{22}$/;

/** Why a signature is refused. `field` names the header or the parameter; `detail` never repeats what the caller sent. */
export type SignatureFault = {
  readonly kind:
    | 'missing'
    | 'malformed'
    | 'untimely'
    | 'unknown_key'
    | 'digest_mismatch'
    | 'invalid_signature';
  readonly field: string;
  readonly detail: string;
};

export const fault = (
  kind: SignatureFault['kind'],
  field: string,
  detail: string,
): Result<never, SignatureFault> => err({ kind, field, detail });

/**
 * Reads a dictionary of one member. A dictionary that is not in its canonical form is refused: with a label sent twice the last would win
 * (RFC 8941 §3.2), and two parsers could see two signatures.
 */
const readDictionary = (field: string, text: string | null) => {
  if (text === null) return fault('missing', field, 'The header is missing.');
  if (text.length > MAX_FIELD) return fault('malformed', field, 'The header is too long.');
  try {
    const dictionary = parseDictionary(text);
    const [member, second] = dictionary;
    if (member !== undefined && second === undefined && serializeDictionary(dictionary) === text) {
      return ok({ label: member[0], value: member[1] });
    }
  } catch {
    // Reported below.
  }
  return fault('malformed', field, 'The header must hold one signature in canonical form.');
};

const readBytes = (text: string | null, label: string) => {
  const read = readDictionary('signature', text);
  if (!read.ok) return read;
  const [value, parameters] = read.value.value;
  return read.value.label === label &&
    value instanceof ArrayBuffer &&
    value.byteLength === 64 &&
    parameters.size === 0
    ? ok(value)
    : fault(
        'malformed',
        'signature',
        'The header must hold 64 bytes under the label of Signature-Input.',
      );
};

const readInput = (text: string | null, tag: SignatureTag) => {
  const read = readDictionary('signature-input', text);
  if (!read.ok) return read;
  const { label, value } = read.value;
  if (!isInnerList(value))
    return fault('malformed', 'signature-input', 'The value is no list of components.');
  const [components, parameters] = value;
  const isProfile =
    components.length === COMPONENTS.length &&
    components.every(([name, more], at) => name === COMPONENTS[at] && more.size === 0);
  if (!isProfile) {
    return fault(
      'malformed',
      'signature-input',
      `The components must be ${COMPONENTS.join(', ')}, in this order.`,
    );
  }
  if ([...parameters.keys()].toSorted().join() !== PARAMETERS.join()) {
    return fault(
      'malformed',
      'signature-input',
      `The parameters must be ${PARAMETERS.join(', ')}.`,
    );
  }
  const [created, expires] = [parameters.get('created'), parameters.get('expires')];
  const [keyId, nonce] = [parameters.get('keyid'), parameters.get('nonce')];
  if (!isSeconds(created)) return fault('malformed', 'created', 'The time must be whole seconds.');
  if (!isSeconds(expires) || expires <= created || expires > created + LIFETIME) {
    return fault('malformed', 'expires', `The time must be at most ${LIFETIME} s after created.`);
  }
  if (typeof keyId !== 'string' || !KEY_ID.test(keyId)) {
    return fault('malformed', 'keyid', 'The key id must be an RFC 7638 thumbprint.');
  }
  if (typeof nonce !== 'string' || !NONCE.test(nonce)) {
    return fault('malformed', 'nonce', 'The nonce must be 128 bits in base64url.');
  }
  if (parameters.get('tag') !== tag) return fault('malformed', 'tag', `The tag must be ${tag}.`);
  return ok({ label, created, expires, keyId, nonce, parameters: serializeInnerList(value) });
};

const isSeconds = (value: unknown): value is Seconds => Number.isSafeInteger(value);

/** The content of the two headers of a signature. Nothing of it is verified yet. */
export type SignatureHeaders = {
  /** The value of `@signature-params`, as the base repeats it. */
  readonly parameters: string;
  readonly created: Seconds;
  readonly expires: Seconds;
  readonly keyId: string;
  readonly nonce: string;
  readonly signature: ArrayBuffer;
};

/** Reads `Signature-Input` and `Signature` strictly: one label, and exactly the components and parameters of the profile. */
export const readSignatureHeaders = (
  headers: Headers,
  tag: SignatureTag,
): Result<SignatureHeaders, SignatureFault> => {
  const input = readInput(headers.get('signature-input'), tag);
  if (!input.ok) return input;
  const { label, ...read } = input.value;
  const signature = readBytes(headers.get('signature'), label);
  return signature.ok ? ok({ ...read, signature: signature.value }) : signature;
};
