import * as z from 'zod/mini';
import { type AccountId, type AssetId, chainIdOf } from '../protocol/account-id.ts';
import { type Hex } from '../core/hex.ts';
import { MAX_STORED } from '../protocol/amount.ts';
import { reading } from '../protocol/wire-fields.ts';

/** A string of one form, narrowed to its type. `also` only ever sees what the pattern lets through. */
const texts = <T extends string>(pattern: RegExp, hint: string, also?: (text: string) => boolean) =>
  reading(z.string(hint).check(z.regex(pattern, hint)), hint, (text): T | undefined =>
    also === undefined || also(text) ? (text as T) : undefined,
  );

const ACCOUNT = 'must be an account in lower-case CAIP-10 form, "eip155:8453:0x…"';
const ASSET = 'must be an asset in lower-case CAIP-19 form, "eip155:8453/erc20:0x…"';
const onChain = (separator: string) => (text: string) =>
  chainIdOf(text.slice(0, text.lastIndexOf(separator))) !== undefined;

export const account = texts<AccountId>(
  /^eip155:[1-9][0-9]{0,15}:0x[0-9a-f]{40}$/,
  ACCOUNT,
  onChain(':'),
);

export const asset = texts<AssetId>(
  /^eip155:[1-9][0-9]{0,15}\/erc20:0x[0-9a-f]{40}$/,
  ASSET,
  onChain('/'),
);

/** A call id, or the hash of a grant. */
export const hash = texts<Hex>(
  /^0x[0-9a-f]{64}$/,
  'must be 32 bytes: 0x and 64 hex digits in lower case',
);

export const toolId = texts(
  /^[a-z0-9][a-z0-9._-]{0,63}$/,
  'must be 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit',
);

/** The name that whoever registers a webhook gives it. */
export const webhookName = texts(
  /^[a-z0-9][a-z0-9_-]{0,63}$/,
  'must be 1 to 64 of a-z 0-9 _ -, starting with a letter or digit',
);

/** base64url of what a letter is kept under, which may hold a slash. */
export const letterId = texts(/^[A-Za-z0-9_-]{1,512}$/, 'must be an id from the list of letters');

/** Where a page goes on; only the gateway reads it. */
export const cursor = texts(/^[A-Za-z0-9_-]{1,1024}$/, 'must be the `next` of the page before');

export const entryType = texts(
  /^[a-z]{1,32}\.[a-z_]{1,32}$/,
  'must be the type of an entry, e.g. call.denied',
);

export const label = texts(
  /^[^\x00-\x1f\x7f]{1,64}$/u,
  'must be 1 to 64 characters, without control characters',
  (text) => text.isWellFormed(),
);

const DAY = 'must be a day of UTC, "2026-11-25"';
export const day = texts(/^2[0-9]{3}-[01][0-9]-[0-3][0-9]$/, DAY, (text) => {
  const at = Date.parse(`${text}T00:00:00Z`);
  // Some engines take the 31st of February for a day of March.
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
});

const CHANGE = 'must be a whole number of atomic units as a string, not "0", at most 2^53-1';
/** An amount that may be below zero, in atomic units. */
export const change = reading(
  z.string(CHANGE).check(z.regex(/^-?[1-9][0-9]{0,15}$/, CHANGE)),
  CHANGE,
  (text) => {
    const value = BigInt(text);
    return -MAX_STORED <= value && value <= MAX_STORED ? value : undefined;
  },
);

/** A number of a query: text there, a number for whoever reads it. */
const counted = (from: number, to: number) => {
  const hint = `must be an integer from ${from} to ${to}`;
  return reading(z.string(hint).check(z.regex(/^(0|[1-9][0-9]{0,15})$/, hint)), hint, (text) => {
    const value = Number(text);
    return from <= value && value <= to ? value : undefined;
  });
};

export const MAX_PAGE = 500;
export const DEFAULT_PAGE = 100;

export const limit = z.prefault(counted(1, MAX_PAGE), String(DEFAULT_PAGE));
export const seconds = counted(0, Number.MAX_SAFE_INTEGER);
export const seq = counted(0, Number.MAX_SAFE_INTEGER);

/** What every list takes. */
export const page = { after: z.exactOptional(cursor), limit };

/** JSON that is read elsewhere, where its own faults are named: only that it is an object is sure. */
export const documentOf = <T>(hint: string) =>
  z.custom<T>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    hint,
  );
