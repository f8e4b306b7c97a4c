import * as z from 'zod/mini';
import type { Address, Hex } from '../core/hex.ts';
import { parseAmount } from './amount.ts';
import { parseAddress } from '../crypto/checksum.ts';
import { isHex } from '../crypto/bytes.ts';
import { MAX_SIGNATURE_TEXT } from '../crypto/signature-text.ts';

const UINT64_LIMIT = 1n << 64n;
const WORD = /^0x[0-9a-fA-F]{64}$/;
const PRINTABLE = /^[\x20-\x7e]*$/;

/**
 * A schema that turns what `schema` lets through into a value, or refuses it where `parse` gives `undefined`. One step, so
 * that no value passes in a form other than the one that was checked.
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

/** As `reading`, of a string. */
export const readingText = <T>(hint: string, parse: (text: string) => T | undefined) =>
  reading<string, T, string>(z.string(hint), hint, parse);

/** A uint256 as a canonical decimal string: no sign, no leading zero, no `0x`, no space. */
export const uint256 = readingText(
  'must be a decimal integer string of at most 256 bits',
  parseAmount,
);

export const uint64 = readingText('must be a decimal integer string of at most 64 bits', (text) => {
  const value = parseAmount(text);
  return value !== undefined && value < UINT64_LIMIT ? value : undefined;
});

/** An address in lower, upper or EIP-55 case, given in lower case. */
export const address = readingText<Address>(
  'must be a 20-byte address: 0x and 40 hex digits, with a right EIP-55 checksum if in mixed case',
  parseAddress,
);

export const bytes32 = readingText<Hex>('must be 32 bytes: 0x and 64 hex digits', (text) =>
  WORD.test(text) ? (text.toLowerCase() as Hex) : undefined,
);

/** Signature bytes of any kind; which kinds count is the verifier's to say. */
export const signature = readingText<Hex>(
  `must be whole bytes as 0x-prefixed hex, at most ${MAX_SIGNATURE_TEXT} characters`,
  (text) =>
    text.length <= MAX_SIGNATURE_TEXT && isHex(text) ? (text.toLowerCase() as Hex) : undefined,
);

/** Printable ASCII only: signed text has one byte form, without Unicode twins or surrogates (standards facts 5.2). */
export const printable = (limit: number) =>
  readingText(`must be printable ASCII of at most ${limit} characters`, (text) =>
    text.length <= limit && PRINTABLE.test(text) ? text : undefined,
  );

const REASON = 'must be 1 to 256 characters, without control characters';
/** The reason of a command, or a description, for readers of the log. Any script, but no control characters and no lone surrogates. */
export const reasonText = reading(
  z.string(REASON).check(z.regex(/^[^\x00-\x1f\x7f]{1,256}$/u, REASON)),
  REASON,
  (text) => (text.isWellFormed() ? text : undefined),
);
