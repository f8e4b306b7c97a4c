import * as z from 'zod/mini';
import { isAddress } from '../core/hex.ts';
import { utf8 } from '../crypto/bytes.ts';
import { type AssetId, chainIdOf } from '../protocol/account-id.ts';
import { isFiat } from '../protocol/fiat-asset.ts';
import { MONEY_HINT, parseMoney } from '../protocol/amount.ts';
import { readingText } from '../protocol/wire-fields.ts';

/** The maximum length of a parameter that rules compare: they run inside the deciding transaction (law 2). */
export const MAX_PARAM_BYTES = 256;

export const DAY = 86_400;

export const integer = (from: number, to: number) => {
  const hint = `must be an integer from ${from} to ${to}`;
  return z.int(hint).check(z.minimum(from, hint), z.maximum(to, hint));
};

/** An amount of money, written as `"$5.00"` or `"5000000u"`; parsed to atomic units. */
export const money = readingText(MONEY_HINT, parseMoney);

/** A lower-case CAIP-19 asset, or `iso4217:USD`. */
export const asset = readingText(
  'must be a lower-case asset like "eip155:8453/erc20:0x…", or "iso4217:USD"',
  (text) => {
    if (isFiat(text)) return text;
    const [on = '', token = '', more] = text.split('/erc20:');
    return chainIdOf(on) !== undefined && isAddress(token) && more === undefined
      ? (text as AssetId)
      : undefined;
  },
);

/** The form of a declared parameter's name. */
export const PARAM_NAME = /^[\w.-]{1,64}$/;

/** Text short enough to compare. Rejects a lone surrogate, which hashes like U+FFFD. */
export const paramText = readingText(`must be text of at most ${MAX_PARAM_BYTES} bytes`, (text) =>
  text.isWellFormed() && utf8(text).length <= MAX_PARAM_BYTES ? text : undefined,
);
