import * as z from 'zod/mini';
import {
  type AccountId,
  type AssetId,
  chainIdOf,
  type Network,
  type TokenId,
} from '../protocol/account-id.ts';
import { isFiat, USD } from '../protocol/fiat-asset.ts';
import type { Hex } from '../core/hex.ts';
import { isVisible } from '../core/plain-text.ts';
import { MAX_STORED } from '../protocol/amount.ts';
import { reading } from '../protocol/wire-fields.ts';
import { isTraceId } from '../protocol/trace-link.ts';

/* Fields of requests and answers that several nouns share. */

/** A string that matches a pattern, narrowed to its type. `check` runs only on strings that match. */
const texts = <T extends string>(
  pattern: RegExp,
  hint: string,
  check?: (text: string) => boolean,
) =>
  reading(z.string(hint).check(z.regex(pattern, hint)), hint, (text): T | undefined =>
    check === undefined || check(text) ? (text as T) : undefined,
  );

/** One word of a list. */
export const oneOf = <const T extends readonly string[]>(words: T) =>
  z.enum(words, `must be one of ${words.join(', ')}`);

const ACCOUNT = 'must be an account in lower-case CAIP-10 form, "eip155:8453:0x…"';
const TOKEN = 'must be a token in lower-case CAIP-19 form, "eip155:8453/erc20:0x…"';
const ASSET = `${TOKEN}, or "${USD}"`;
const onChain = (separator: string) => (text: string) =>
  chainIdOf(text.slice(0, text.lastIndexOf(separator))) !== undefined;

export const account = texts<AccountId>(
  /^eip155:[1-9][0-9]{0,15}:0x[0-9a-f]{40}$/,
  ACCOUNT,
  onChain(':'),
);

/** An asset that credit can be in. */
export const token = texts<TokenId>(
  /^eip155:[1-9][0-9]{0,15}\/erc20:0x[0-9a-f]{40}$/,
  TOKEN,
  onChain('/'),
);

/** The unit of amounts: a token or a currency of a state. */
export const asset = texts<AssetId>(
  /^(?:eip155:[1-9][0-9]{0,15}\/erc20:0x[0-9a-f]{40}|iso4217:USD)$/,
  ASSET,
  (text) => isFiat(text) || onChain('/')(text),
);

/** A call id, or the hash of a grant. */
export const hash = texts<Hex>(
  /^0x[0-9a-f]{64}$/,
  'must be 32 bytes: 0x and 64 hex digits in lower case',
);

export const traceId = z.string().check(z.refine(isTraceId));

export const toolId = texts(
  /^[a-z0-9][a-z0-9._-]{0,63}$/,
  'must be 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit',
);

/** The name of a webhook, chosen by its owner. */
export const webhookId = texts(
  /^[a-z0-9][a-z0-9_-]{0,63}$/,
  'must be 1 to 64 of a-z 0-9 _ -, starting with a letter or digit',
);

/** The name of a secret, chosen by the operator. */
export const secretName = texts(
  /^[a-z0-9][a-z0-9_-]{0,63}$/,
  'must be 1 to 64 of a-z 0-9 _ -, starting with a letter or digit',
);

/** base64url of the id of a dead letter, which may hold a slash. */
export const deadLetterId = texts(
  /^[A-Za-z0-9_-]{1,512}$/,
  'must be an id from the list of dead letters',
);

/** The row after which a page begins. Opaque: only the gateway reads it. */
export const cursor = texts(/^[A-Za-z0-9_-]{1,1024}$/, 'must be the `next` of the previous page');

/** A name that people compare visually, so every character must be visible. */
export const label = texts(/^.{1,64}$/su, 'must be 1 to 64 visible characters', isVisible);

/** A part of a label, in a query. */
export const labelPart = texts(
  /^[^\x00-\x1f\x7f]{1,64}$/u,
  'must be 1 to 64 characters, without control characters',
  (text) => text.isWellFormed(),
);

export const entryType = texts(
  /^[a-z]{1,32}\.[a-z_]{1,32}$/,
  'must be the type of an entry, e.g. call.denied',
);

/** A payee in a query. */
export const payee = texts<Hex>(
  /^0x[0-9a-f]{40}$/,
  'must be an address: 0x and 40 hex digits in lower case',
);

/** The name of a rule that denies calls. */
export const ruleName = texts(/^[a-z][a-z_]{0,31}$/, 'must be the name of a rule, e.g. per_call');

const DAY = 'must be a day of UTC, "2026-11-25"';
export const day = texts(/^2[0-9]{3}-[01][0-9]-[0-3][0-9]$/, DAY, (text) => {
  const at = Date.parse(`${text}T00:00:00Z`);
  // Some engines read 31 February as a day of March.
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
});

const CHANGE = 'must be a whole number of atomic units as a string, not "0", at most 2^53-1';
const NETWORK = 'must be a network like "eip155:8453"';
export const network = reading(z.string(NETWORK), NETWORK, (text): Network | undefined =>
  chainIdOf(text) === undefined ? undefined : (text as Network),
);

/** A change of credit in atomic units; may be negative. */
export const change = reading(
  z.string(CHANGE).check(z.regex(/^-?[1-9][0-9]{0,15}$/, CHANGE)),
  CHANGE,
  (text) => {
    const value = BigInt(text);
    return -MAX_STORED <= value && value <= MAX_STORED ? value : undefined;
  },
);

const POSITIVE = 'must be a whole number of atomic units as a string, from 1 to 2^53-1';

/** An amount in atomic units, above zero. */
export const positive = reading(
  z.string(POSITIVE).check(z.regex(/^[1-9][0-9]{0,15}$/, POSITIVE)),
  POSITIVE,
  (text) => {
    const value = BigInt(text);
    return value <= MAX_STORED ? value : undefined;
  },
);

/** An integer in a query string. */
const integer = (from: number, to: number) => {
  const hint = `must be an integer from ${from} to ${to}`;
  return reading(z.string(hint).check(z.regex(/^(0|[1-9][0-9]{0,15})$/, hint)), hint, (text) => {
    const value = Number(text);
    return from <= value && value <= to ? value : undefined;
  });
};

export const MAX_PAGE = 500;
export const DEFAULT_PAGE = 100;

export const limit = z.prefault(integer(1, MAX_PAGE), String(DEFAULT_PAGE));
export const seconds = integer(0, Number.MAX_SAFE_INTEGER);
export const seq = integer(0, Number.MAX_SAFE_INTEGER);

/** The query of a list: where the page begins and how long it is, and the filters of this list. */
export const listQuery = <T extends Record<string, z.ZodMiniType>>(filters: T) =>
  z.strictObject({ after: z.exactOptional(cursor), limit, ...filters });

/** The query of a list without filters. */
export const pageQuery = listQuery({});

/** A JSON object that another module parses, with its own faults. */
export const documentOf = <T>(hint: string) =>
  z.custom<T>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    hint,
  );

/** Atomic units; credit may be negative. */
export const amount = z.string().check(z.regex(/^(0|-?[1-9][0-9]{0,77})$/));
export const time = z.int().check(z.nonnegative());
export const count = z.int().check(z.nonnegative());
/** The sequence number of an entry, from 1. */
export const place = z.int().check(z.positive());
export const salt = z.string().check(z.regex(/^0x[0-9a-f]{32}$/));
/** A network in an answer. */
export const networkId = z.string().check(z.regex(/^eip155:[1-9][0-9]{0,15}$/));
export const address = z.string().check(z.regex(/^0x[0-9a-f]{40}$/));

/** One page of a list. Without `next` it is the last one. */
export const pageOf = <T extends z.ZodMiniType>(item: T) =>
  z.strictObject({ items: z.array(item), next: z.exactOptional(z.string()) });

/** A page of a list or report from D1. `as_of`: it shows everything that is older; absent if the gateway cannot tell. */
export const datedPageOf = <T extends z.ZodMiniType>(item: T) =>
  z.strictObject({
    items: z.array(item),
    next: z.exactOptional(z.string()),
    as_of: z.exactOptional(time),
    /** The page was read from the archive, because the database has forgotten what is on it. */
    archived: z.exactOptional(z.literal(true)),
  });

/** The outcome of a command. `acknowledged` accounts apply it now; `silent` ones when their lease ends, within 60 s. */
export const commandOutcome = z.strictObject({
  changed: z.boolean(),
  revision: count,
  acknowledged: z.array(account),
  silent: z.array(account),
  /** The ETag afterwards; absent if the document is gone. */
  etag: z.exactOptional(hash),
  /** Only for a policy: running calls, and how many of them it would have denied. */
  in_flight: z.exactOptional(z.strictObject({ held: count, cut_off: count })),
  dry_run: z.exactOptional(z.literal(true)),
  /** Only for a policy: limits below the price of the cheapest tool of the same asset that it allows. */
  warnings: z.exactOptional(
    z.array(
      z.strictObject({
        field: z.string(),
        limit: amount,
        tool: z.string(),
        price: amount,
        asset: z.exactOptional(asset),
      }),
    ),
  ),
});
