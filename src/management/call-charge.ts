import { loadChunk } from '../audit/stored-chain.ts';
import { factsIf } from '../protocol/log/facts.ts';
import type { Hex } from '../core/hex.ts';
import { ok } from '../core/result.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import type { AccountId, AssetId } from '../protocol/account-id.ts';
import type { CallCharge } from '../protocol/account/command.ts';
import { type CallRow, loadCall } from './call-row.ts';
import { attempt, type Queried } from './page.ts';

/** The facts in D1 about the charge of a call; undefined if D1 has no such call. */
export const storedCharge = (
  db: D1Database,
  account: AccountId,
  call: Hex,
): Queried<CallCharge | undefined> =>
  attempt(async () => {
    const row = await loadCall(db, account, call);
    if (row === null) return ok(undefined);
    const lender = row.paid_by === 'lent' ? await lenderOf(db, row) : undefined;
    return ok({
      tool: row.tool ?? '',
      asset: row.asset as AssetId,
      state: row.state,
      paidBy: row.paid_by ?? '',
      payment: row.payment ?? 'none',
      charged: BigInt(row.charged ?? 0),
      isKept: row.kept === 'held',
      // Only a top-up is charged and credited in full: a failed call has no charge, and a metered one less.
      isTopUp: (row.credited ?? 0) > 0 && row.charged === row.price,
      ...withoutUndefined({ lender }),
    });
  });

/** Only the entry that accepted the call names the grant under which an ancestor's credit paid. */
const lenderOf = async (db: D1Database, row: CallRow): Promise<Hex | undefined> => {
  const entries = await loadChunk(db, row.account, row.first_seq);
  const begin = entries?.find(({ seq }) => seq === row.first_seq);
  return begin && (factsIf(begin, 'call.accepted')?.payment.lender as Hex | undefined);
};
