import * as z from 'zod/mini';
import type { Hex } from '../core/hex.ts';
import { reading, reasonText } from '../protocol/wire-fields.ts';
import { account, amount, change, count, hash, token } from './fields.ts';
import { OPERATOR, type RouteTable, SMALL_BODY } from './route.ts';

const adjustBody = z.strictObject(
  { asset: token, amount: change, reason: reasonText },
  'must be an object {asset, amount, reason}',
);

const LOG_INDEX = 'must be the index of a log in its block, an integer from 0';

const TRANSACTION = 'must be 32 bytes: 0x and 64 hex digits';
/** In upper or lower case, because wallets and explorers show both. */
const transaction = reading(
  z.string(TRANSACTION).check(z.regex(/^0x[0-9a-fA-F]{64}$/, TRANSACTION)),
  TRANSACTION,
  (text) => text.toLowerCase() as Hex,
);

/** The place of a refund on the chain. The handler reads its amount there. */
const refundBody = z.strictObject(
  {
    account,
    transaction,
    /** The refunded call that the transfer pays out: its entry names it. */
    call: z.optional(hash),
    log_index: z.optional(z.int(LOG_INDEX).check(z.minimum(0, LOG_INDEX))),
  },
  'must be an object {account, transaction, call?, log_index?}',
);

const adjusted = z.strictObject({ account, asset: token, amount, credit: amount });

/** `known`: this transfer was recorded before. */
const refunded = z.strictObject({
  account,
  asset: token,
  amount,
  credit: amount,
  transaction: hash,
  log_index: count,
  known: z.boolean(),
});

export const CREDIT_ROUTES = {
  'credits.adjust': {
    path: 'POST /admin/accounts/:account/credit',
    roles: OPERATOR,
    body: adjustBody,
    maxBody: SMALL_BODY,
    movesMoney: true,
    summary: 'Gives or takes credit',
    answer: adjusted,
  },
  'credits.refund': {
    path: 'POST /admin/credits/refunds',
    roles: OPERATOR,
    body: refundBody,
    maxBody: SMALL_BODY,
    movesMoney: true,
    summary: 'Records a refund of credit that was paid on chain',
    answer: refunded,
  },
} as const satisfies RouteTable;
