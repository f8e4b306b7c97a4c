import * as z from 'zod/mini';
import { type Address, ZERO_ADDRESS } from '../../core/hex.ts';
import { MAX_STORED } from '../amount.ts';
import { address, readingText, uint64 } from '../wire-fields.ts';

/** Most entries in each list of a grant (design §4.5): what an account keeps of one stays small. */
const MAX_LIST = 64;
const TOOL = /^(?:\*|[a-z0-9][a-z0-9._-]{0,63}|[a-z0-9][a-z0-9._-]{0,61}\.\*)$/;

/** A uint64 that storage and clocks can hold: above 2^53-1 a `number` would be another one without a word. */
export const storedUint = uint64.check(
  z.refine((value) => value <= MAX_STORED, 'must be at most 2^53-1'),
);

/** The zero address signs nothing, and nobody can be it. */
export const party = address.check(
  z.refine((value) => value !== ZERO_ADDRESS, 'must not be the zero address'),
);

/** Two of a kind would make two grants of one meaning with two hashes. */
const list = <T extends string>(item: z.ZodMiniType<T>) =>
  z.array(item, 'must be an array').check(
    z.maxLength(MAX_LIST, `must hold at most ${MAX_LIST} entries`),
    z.refine((all) => new Set(all).size === all.length, 'must name each entry once'),
  );

/** What may be called: exact ids, `prefix.*`, or `*`. Empty is nothing. */
export const toolPatterns = list(
  readingText('must be a tool id, "prefix.*" or "*"', (text) =>
    TOOL.test(text) ? text : undefined,
  ),
);

/** Who may be paid; every payee is said on purpose, `0xffff…ffff`. Empty is nobody. */
export const payees = list<Address>(address);
