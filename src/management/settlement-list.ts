import { endedSettlements } from './ended-settlements.ts';
import { attempt, type ListPage, type PageRequest, type Queried } from './page.ts';
import { scan } from './scan.ts';
import { hasEnded } from './settlement-body.ts';
import { type SettlementItem, settlementItem } from './settlement-item.ts';
import { factsOf, type SettlementFilter, settlementScan } from './settlement-scan.ts';

/** Lists payments, newest first: by acceptance of their call; failed or released ones of all accounts by their end. */
export const listSettlements = (
  db: D1Database,
  { after, limit, ...filter }: SettlementFilter & PageRequest,
  bucket?: R2Bucket,
): Queried<ListPage<SettlementItem>> =>
  attempt(async () => {
    const page = { after, limit };
    const { state } = filter;
    if (hasEnded(state) && (filter.endedFrom ?? filter.endedTo) !== undefined) {
      return endedSettlements(db, { ...filter, state }, page, bucket);
    }
    const list = await settlementScan(db, filter);
    const filters = [...list.filters, ...factsOf(filter)];
    return scan(db, { ...list, filters }, page, settlementItem);
  });
