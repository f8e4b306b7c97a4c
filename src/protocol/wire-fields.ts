import * as z from 'zod/mini';
import { type Address, type Hex, ZERO_ADDRESS } from '../core/hex.ts';
import { isHex } from '../crypto/bytes.ts';
import { parseAddress } from '../crypto/address.ts';
import { MAX_SIGNATURE_TEXT } from '../crypto/signature-shape.ts';
import { MAX_STORED, parseAmount } from './amount.ts';

const UINT64_LIMIT = 1n << 64n;
/** Characters of 32 bytes as hex, `0x` included. */
const BYTES32 = 66;
const PRINTABLE = /^[\x20-\x7e]*$/;

/**
 * A schema that validates with `schema` and converts with `parse`, in one step: the checked text and the used value cannot differ.
 *
 * @param hint the message if `schema` or `parse` rejects the input; completes a sentence that begins with the field
 * @param parse returns undefined for input that it rejects
 */
export const reading = <I, T, W = unknown>(
  schema: z.ZodMiniType<I, W>,
  hint: string,
  parse: (input: I) => T | undefined,
) =>
  z.pipe(
    schema,
    z.transform((input: I, payload): T => {
      const value = parse(input);
      if (value !== undefined) return value;
      payload.issues.push({ code: 'custom', input, message: hint, continue: false });
      return z.NEVER;
    }),
  );

/** As `reading`, for a string. */
export const readingText = <T>(hint: string, parse: (text: string) => T | undefined) =>
  reading<string, T, string>(z.string(hint), hint, parse);

/** A schema that the form of the input chooses. Unlike a union, it keeps the path of every fault. */
export const chosenBy = <T>(choose: (input: unknown) => z.ZodMiniType<T>) =>
  z.pipe(
    z.unknown(),
    z.transform((input: unknown, payload): T => {
      const parsed = choose(input).safeParse(input);
      if (parsed.success) return parsed.data;
      payload.issues.push(...(parsed.error.issues as (typeof payload)['issues']));
      return z.NEVER;
    }),
  );

/** A uint256 as a canonical decimal string: no sign, no leading zero, no `0x`, no space. */
export const uint256 = readingText(
  'must be a decimal integer string of at most 256 bits',
  parseAmount,
);

/** Reads a canonical decimal string that fits a uint64. */
export const parseUint64 = (text: string): bigint | undefined => {
  const value = parseAmount(text);
  return value !== undefined && value < UINT64_LIMIT ? value : undefined;
};

/** A uint64 as a canonical decimal string. */
export const uint64 = readingText(
  'must be a decimal integer string of at most 64 bits',
  parseUint64,
);

/** A uint64 that storage can hold. Above 2^53-1 a `number` silently loses precision (CWE-197). */
export const storedUint = uint64.check(
  z.refine((value) => value <= MAX_STORED, 'must be at most 2^53-1'),
);

/** An address in lower, upper or EIP-55 case, converted to lower case. */
export const address = readingText<Address>(
  'must be a 20-byte address: 0x and 40 hex digits, with a valid EIP-55 checksum if in mixed case',
  parseAddress,
);

/** The address of an account that can sign: the zero address has no key. */
export const party = address.check(
  z.refine((value) => value !== ZERO_ADDRESS, 'must not be the zero address'),
);

/** Reads 32 bytes as hex, in lower case. */
export const parseBytes32 = (text: string): Hex | undefined =>
  text.length === BYTES32 && isHex(text) ? (text.toLowerCase() as Hex) : undefined;

/** 32 bytes, converted to lower case. */
export const bytes32 = readingText('must be 32 bytes: 0x and 64 hex digits', parseBytes32);

/** Reads the bytes of a signature as hex, in lower case. */
export const parseSignature = (text: string): Hex | undefined =>
  text.length <= MAX_SIGNATURE_TEXT && isHex(text) ? (text.toLowerCase() as Hex) : undefined;

/** Signature bytes in any form; the verifier decides which forms it accepts. */
export const signature = readingText(
  `must be whole bytes as 0x-prefixed hex, at most ${MAX_SIGNATURE_TEXT} characters`,
  parseSignature,
);

/** Returns a reader of printable ASCII: signed text must have one byte form, without Unicode lookalikes or surrogates. */
export const printableText =
  (limit: number) =>
  (text: string): string | undefined =>
    text.length <= limit && PRINTABLE.test(text) ? text : undefined;

/** Printable ASCII of at most `limit` characters. */
export const printable = (limit: number) =>
  readingText(`must be printable ASCII of at most ${limit} characters`, printableText(limit));

const REASON = 'must be 1 to 256 characters, without control characters';
/** The reason of a command, or a description, for readers of the log. Any script, but no control characters and no lone surrogates. */
export const reasonText = reading(
  z.string(REASON).check(z.regex(/^[^\x00-\x1f\x7f]{1,256}$/u, REASON)),
  REASON,
  (text) => (text.isWellFormed() ? text : undefined),
);

/** The most entries in one list of a grant. An account stores its grants, so they stay small. */
const MAX_LIST = 64;
const TOOL = /^(?:\*|[a-z0-9][a-z0-9._-]{0,63}|[a-z0-9][a-z0-9._-]{0,61}\.\*)$/;

/** A list without duplicates: with them, two grants of one meaning would have two hashes. */
const list = <T extends string>(item: z.ZodMiniType<T>) =>
  z.array(item, 'must be an array').check(
    z.maxLength(MAX_LIST, `must hold at most ${MAX_LIST} entries`),
    z.refine((all) => new Set(all).size === all.length, 'must name each entry once'),
  );

/** The tools that a grant allows: exact ids, `prefix.*`, or `*`. An empty list allows none. */
export const toolPatterns = list(
  readingText('must be a tool id, "prefix.*" or "*"', (text) =>
    TOOL.test(text) ? text : undefined,
  ),
);

/** The payees that a grant allows; `0xffff…ffff` allows every payee. An empty list allows none. */
export const payees = list<Address>(address);
