import type { AnswerOf, Management, RequestOf } from '../../client/management.ts';
import type { Scope } from './scope.ts';

type SpendPage = AnswerOf<'account.spend'>;
type SpendQuery = NonNullable<RequestOf<'spend'>['query']>;
export type SpendRow = SpendPage['items'][number];
export type SpendKey = SpendQuery['by'];

/** Rows of the roll-up, and how many there are. */
export type Spending = { readonly rows: readonly SpendRow[]; readonly of: number };

/** Rows of a ranking. */
const MOST = 500;

const call = async (
  management: Management,
  { role, account }: Scope,
  query: SpendQuery,
  signal: AbortSignal,
): Promise<SpendPage> => {
  const { body } =
    role === 'operator'
      ? await management.call('spend', { query, signal })
      : await management.call('account.spend', { params: { account }, query, signal });
  return body;
};

/** Reads spend by key with the highest sums first: one query of the gateway, so its rows add up to the total if all are here. */
export const readRanking = async (
  management: Management,
  scope: Scope,
  query: Omit<SpendQuery, 'limit' | 'order'> & { readonly order: 'charged' | 'denied' },
  signal: AbortSignal,
): Promise<Spending> => {
  const { items, of = items.length } = await call(
    management,
    scope,
    { ...query, limit: MOST },
    signal,
  );
  return { rows: items, of };
};

/** Reads spend by day. A range of days has fewer rows than a page. */
export const readDays = async (
  management: Management,
  scope: Scope,
  query: Omit<SpendQuery, 'limit' | 'order' | 'by'>,
  signal: AbortSignal,
): Promise<readonly SpendRow[]> =>
  (await call(management, scope, { ...query, by: 'day', limit: MOST }, signal)).items;

/** Rows of a report, at most. */
const MOST_ROWS = 2_000;

/** Reads spend by a key in the order of the keys: as many rows as a page of the dashboard adds up. */
export const readSpend = async (
  management: Management,
  { role, account }: Scope,
  by: SpendKey,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<readonly SpendRow[]> => {
  const query = { by, from, to, limit: MOST };
  const rows: SpendRow[] = [];
  const list =
    role === 'operator'
      ? management.list('spend', { query, signal })
      : management.list('account.spend', { params: { account }, query, signal });
  for await (const row of list) {
    rows.push(row);
    if (rows.length >= MOST_ROWS) break;
  }
  return rows;
};
