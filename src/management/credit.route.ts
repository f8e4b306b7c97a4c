import * as z from 'zod/mini';
import type { Hex } from '../core/hex.ts';
import { reasonText } from '../protocol/wire-fields.ts';
import { account, asset, change } from './fields.ts';

/** Credit that an operator gives, or takes below zero. */
export const adjustBody = z.strictObject(
  { asset, amount: change, reason: reasonText },
  'must be an object {asset, amount, reason}',
);

const LOG_INDEX = 'must be the index of a log in its block, an integer from 0';

const TRANSACTION = 'must be 32 bytes: 0x and 64 hex digits';
/** As wallets and explorers show it, in either case. */
const transaction = z.pipe(
  z.string(TRANSACTION).check(z.regex(/^0x[0-9a-fA-F]{64}$/, TRANSACTION)),
  z.transform((text) => text.toLowerCase() as Hex),
);

/** Where a refund is to be found; how much it was is the chain's to say. */
export const refundBody = z.strictObject(
  {
    account,
    transaction,
    log_index: z.optional(z.int(LOG_INDEX).check(z.minimum(0, LOG_INDEX))),
  },
  'must be an object {account, transaction, log_index?}',
);
