import * as z from 'zod/mini';
import type { Config } from '../config.ts';
import { type AccountId, type Hex, parseAccountId } from '../core/account-id.ts';
import type { Reason } from '../core/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { parseStrictJson } from '../core/strict-json.ts';
import { schemaFault } from '../core/wire-fault.ts';
import { decodeUtf8 } from '../crypto/bytes.ts';
import { bytes32, readingText } from '../crypto/wire-fields.ts';

/** What an operator says of a refund: where to find it. How much it was is the chain's to say, never the order's. */
export type RefundOrder = {
  readonly account: AccountId;
  readonly transaction: Hex;
  /** Which log of the transaction's block; needed only where the transaction holds several such transfers. */
  readonly logIndex: number | undefined;
};

const ACCOUNT = 'must be an account in lower-case CAIP-10 form, on a network of this gateway';
const LOG_INDEX = 'must be the index of a log in its block, an integer from 0';

const schema = z.strictObject(
  {
    account: readingText<AccountId>(ACCOUNT, (text) =>
      parseAccountId(text) === undefined ? undefined : (text as AccountId),
    ),
    transaction: bytes32,
    log_index: z.optional(z.int(LOG_INDEX).check(z.minimum(0, LOG_INDEX))),
  },
  'must be an object {account, transaction, log_index?}',
);

/** Reads the body of an order. Unknown fields are refused. */
export const readRefundOrder = (
  { payTo }: Config,
  body: Uint8Array | undefined,
): Result<RefundOrder, Reason> => {
  const text = body === undefined ? undefined : decodeUtf8(body);
  const json = text === undefined ? undefined : parseStrictJson(text);
  if (json?.ok !== true) {
    return err({
      reason: 'malformed_request',
      field: 'body',
      hint: 'must be JSON {"account", "transaction", "log_index"?}, with no key twice',
    });
  }
  const parsed = schema.safeParse(json.value);
  if (!parsed.success) return err(schemaFault('body', parsed.error.issues, {}));
  const { account, transaction, log_index: logIndex } = parsed.data;
  const on = parseAccountId(account)?.network;
  return on !== undefined && payTo.has(on)
    ? ok({ account, transaction, logIndex })
    : err({ reason: 'malformed_field', field: 'body.account', hint: ACCOUNT });
};
