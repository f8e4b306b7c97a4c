import * as z from 'zod/mini';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { sha256Hex, utf8 } from '../crypto/bytes.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { type EgressReach, isLoopbackHost, readEgressUrl } from '../protocol/egress-url.ts';
import { type FieldFault, faultsOf } from '../protocol/fault.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';

/**
 * `token`: one text. `basic`: user and password of RFC 7617. `header`: a header with its name. `json`: an object of texts, of which a placement
 * names one.
 */
export type SecretKind = 'token' | 'basic' | 'header' | 'json';

export const SECRET_KINDS = ['token', 'basic', 'header', 'json'] as const;

/** The context to which a secret is bound. The data key and the value are encrypted under all of it, so a row that is moved does not open. */
export type SecretBinding = {
  readonly owner: AccountId;
  readonly name: string;
  /** Counts from 1 and is never reused. */
  readonly version: number;
  readonly kind: SecretKind;
  /** The only host that gets the secret, with its port unless that is 443: `api.example`. */
  readonly host: string;
};

/** The encrypted value of a version, as D1 stores it. */
export type Sealed = {
  /** Id of the key-encryption key: 16 hex digits. */
  readonly kek: string;
  /** IV (12 bytes), data key (32), tag (16). */
  readonly wrapped: Uint8Array<ArrayBuffer>;
  /** IV (12 bytes), padded value, tag (16). */
  readonly body: Uint8Array<ArrayBuffer>;
};

export type SealedSecret = SecretBinding & Sealed;

/** A version without its value: what a reader may see. */
export type SecretVersion = SecretBinding & {
  readonly kek: string;
  /** Text of the operator, to tell versions apart. */
  readonly hint: string;
  /** `secretHash` of the version: its ETag. */
  readonly hash: Hex;
  readonly createdAt: Seconds;
};

/** The limits of one secret text, bytes of UTF-8. A shorter one occurs in ordinary text by chance, so it could not be scrubbed. */
export const MIN_SECRET = 8;
export const MAX_SECRET = 4_096;
/** Fewer distinct bytes, e.g. `00000000`, cannot be a secret, and scrubbing them would delete ordinary text. */
const MIN_DISTINCT = 6;
/** How often the first bytes of a secret may occur in it. */
const MAX_REPEATS = 4;
const MAX_LEAVES = 16;
/** A shorter text could be guessed by a caller if the tool returns more than it was sent. */
const STRONG_SECRET = 16;
const STRONG_DISTINCT = 8;

/** Begins the text that replaces a secret. */
export const MARK = '[secret:';

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;
export const SECRET_NAME_HINT = 'must be 1 to 64 of a-z 0-9 _ -, starting with a letter or digit';
export const isSecretName = (name: string): boolean => NAME.test(name);

/** Reads the host that a secret is bound to. @returns the host as a URL writes it, or the reason why it cannot be one */
export const readSecretHost = (text: string, reach: EgressReach): Result<string, string> => {
  const hint = 'must be a host, with a port unless that is 443: api.example';
  if (text.length > 255 || /[\s/\\?#@]/.test(text)) return err(hint);
  const isLocal = isLoopbackHost(URL.parse(`http://${text}`)?.hostname ?? '');
  const scheme = isLocal && reach === 'local_stack' ? 'http' : 'https';
  const url = readEgressUrl(`${scheme}://${text}/`, reach);
  if (!url.ok) return err(url.error);
  return url.value.host === text ? ok(text) : err(`${hint}, in lower case`);
};

/** The hash of a version without its value: SHA-256 of canonical JSON. The log contains it, so it must reveal nothing about the value. */
export const secretDocument = ({ kind, host, version }: SecretBinding) => ({ kind, host, version });

export const secretHash = (binding: SecretBinding): Hex =>
  sha256Hex(utf8(canonicalJson(secretDocument(binding))));

const text = z.string('must be a text');
const FIELD = /^[^\x00-\x1f\x7f:]{1,256}$/u;

/** The value of each kind, as the management API takes it. */
const SCHEMAS = {
  token: text,
  basic: z.strictObject(
    {
      user: text.check(z.regex(FIELD, 'must be 1 to 256 characters without a colon')),
      password: text,
    },
    'must be an object {user, password}',
  ),
  header: z.strictObject(
    {
      name: text.check(z.regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of a header')),
      value: text,
    },
    'must be an object {name, value}',
  ),
  json: z.record(text, text, 'must be an object of texts').check(
    z.refine((all) => {
      const names = Object.keys(all);
      return (
        names.length > 0 && names.length <= MAX_LEAVES && names.every((name) => FIELD.test(name))
      );
    }, `must hold 1 to ${MAX_LEAVES} texts`),
  ),
} as const;

/** A decrypted value. `texts`: the texts that only the host may get, by name; `value` names a `token`. */
export type SecretValue = {
  readonly kind: SecretKind;
  /** Public parts: the user of `basic`, the header of `header`. */
  readonly label: string;
  readonly texts: Readonly<Record<string, string>>;
};

/** Reads a value of a kind. A fault never contains a part of the value. */
export const readSecretValue = (
  kind: SecretKind,
  json: unknown,
): Result<SecretValue, readonly FieldFault[]> => {
  const parsed = SCHEMAS[kind].safeParse(json);
  if (!parsed.success) return err(faultsOf(parsed.error.issues));
  const value = valueOf(kind, parsed.data as never);
  const faults = Object.entries(value.texts).flatMap(([field, each]) => {
    const reason = textFault(each, kind);
    return reason === undefined ? [] : [{ field: kind === 'token' ? '' : field, reason }];
  });
  return faults.length === 0 ? ok(value) : err(faults);
};

/**
 * The texts of a value that a caller could guess. `readSecretValue` does not check this, because an operator may store such a value
 * (`--weak`).
 */
export const guessableTexts = ({ texts }: SecretValue): readonly FieldFault[] =>
  Object.entries(texts).flatMap(([field, each]) => {
    const bytes = utf8(each);
    return bytes.length >= STRONG_SECRET && new Set(bytes).size >= STRONG_DISTINCT
      ? []
      : [{ field: field === 'value' ? '' : field, reason: GUESSABLE }];
  });
const GUESSABLE =
  `must have at least ${STRONG_SECRET} bytes, ${STRONG_DISTINCT} of them different, so that no agent can guess it. If the upstream gives no ` +
  'stronger one, `countersign secret put --weak` stores it';

const valueOf = (
  kind: SecretKind,
  json: string & Readonly<Record<string, string>>,
): SecretValue => {
  switch (kind) {
    case 'token':
      return { kind, label: '', texts: { value: json } };
    case 'basic':
      return { kind, label: json['user'] ?? '', texts: { password: json['password'] ?? '' } };
    case 'header':
      return { kind, label: json['name'] ?? '', texts: { value: json['value'] ?? '' } };
    case 'json':
      return { kind, label: '', texts: json };
  }
};

const textFault = (each: string, kind: SecretKind): string | undefined => {
  if (!each.isWellFormed()) return 'must be well-formed text';
  const bytes = utf8(each);
  if (bytes.length < MIN_SECRET) {
    return `must be at least ${MIN_SECRET} bytes: the gateway could not tell a shorter one from ordinary text`;
  }
  if (bytes.length > MAX_SECRET) return `must be at most ${MAX_SECRET} bytes`;
  if (new Set(bytes).size < MIN_DISTINCT)
    return `must have at least ${MIN_DISTINCT} different bytes`;
  if (repeatsItsBeginning(each)) return 'must not repeat its first bytes again and again';
  if (each.toLowerCase().includes(MARK)) return `must not contain ${MARK}`;
  if (kind === 'json' || kind === 'basic') return undefined;
  return isHeaderText(each) ? undefined : 'must be printable ASCII, without outer spaces';
};

/**
 * Attack (CWE-407): wherever an answer has the first bytes of a secret, the scanner compares the rest. A secret that repeats its first
 * bytes costs one comparison for each repeat.
 */
const repeatsItsBeginning = (each: string): boolean => {
  const folded = each.toLowerCase();
  // Base64 may begin up to two bytes later.
  return [0, 1, 2].some((from) => {
    const first = folded.slice(from, from + MIN_SECRET);
    let count = 0;
    for (let at = from; at >= 0; at = folded.indexOf(first, at + 1)) count += 1;
    return first.length === MIN_SECRET && count > MAX_REPEATS;
  });
};

/**
 * Whether a header may hold a text. A line break would start another header (CWE-113). Platform trap: workerd writes a header value with other
 * characters than ASCII into the log, in full.
 */
export const isHeaderText = (text: string): boolean =>
  /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text);

/** The text that is encrypted. */
export const secretText = ({ label, texts }: SecretValue): string =>
  JSON.stringify({ label, texts });

/** Reads what `secretText` wrote. @throws Error for other text: its tag says that this gateway wrote it */
export const parseSecretText = (kind: SecretKind, written: string): SecretValue => {
  const json = parseStrictJson(written);
  if (!json.ok) throw new Error('a secret is no JSON');
  const { label, texts } = json.value as Omit<SecretValue, 'kind'>;
  return { kind, label, texts };
};
