import * as z from 'zod/mini';
import { utf8 } from '../crypto/bytes.ts';
import { readingText } from '../protocol/wire-fields.ts';

/** Longer parameters are not compared: rules run inside the deciding transaction (law 2). */
export const MAX_PARAM_BYTES = 256;

export const integer = (from: number, to: number) => {
  const hint = `must be an integer from ${from} to ${to}`;
  return z.int(hint).check(z.minimum(from, hint), z.maximum(to, hint));
};

/** What a declared parameter may be called. */
export const PARAM_NAME = /^[\w.-]{1,64}$/;

/** Text of a size that is compared. A lone surrogate is refused: it hashes like U+FFFD. */
export const paramText = readingText(`must be text of at most ${MAX_PARAM_BYTES} bytes`, (text) =>
  text.isWellFormed() && utf8(text).length <= MAX_PARAM_BYTES ? text : undefined,
);
