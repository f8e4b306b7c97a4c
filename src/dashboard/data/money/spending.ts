import type { AnswerOf, Management, RequestOf } from '../../../client/management.ts';
import type { Period } from '../../format/period.ts';
import { firstRows } from '../reading/list.ts';
import type { Scope } from '../session/scope.ts';

type SpendPage = AnswerOf<'account.spend'>;
type SpendQuery = NonNullable<RequestOf<'spend'>['query']>;
export type SpendRow = SpendPage['items'][number];
export type SpendKey = SpendQuery['by'];

/** Rows of the roll-up, and how many there are. */
export type SpendRanking = { readonly rows: readonly SpendRow[]; readonly of: number };

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
  query: Omit<SpendQuery, 'limit' | 'order'> & { readonly order: NonNullable<SpendQuery['order']> },
  signal: AbortSignal,
): Promise<SpendRanking> => {
  const { items, of = items.length } = await call(
    management,
    scope,
    { ...query, limit: MOST },
    signal,
  );
  return { rows: items, of };
};

/** Reads spend by day. A range of days always has fewer rows than a page. */
export const readDays = async (
  management: Management,
  scope: Scope,
  query: Omit<SpendQuery, 'limit' | 'order' | 'by'>,
  signal: AbortSignal,
): Promise<readonly SpendRow[]> =>
  (await call(management, scope, { ...query, by: 'day', limit: MOST }, signal)).items;

/** Rows by tool that a page adds up, at most. */
const MOST_BY_TOOL = 2_000;

/** Reads spend by tool, in the order of their ids. */
export const readSpendByTool = async (
  management: Management,
  { role, account }: Scope,
  period: Period,
  signal: AbortSignal,
): Promise<readonly SpendRow[]> => {
  const query = { ...period, by: 'tool' } as const;
  const { items } =
    role === 'operator'
      ? await firstRows(management, 'spend', { query }, MOST_BY_TOOL, signal)
      : await firstRows(
          management,
          'account.spend',
          { params: { account }, query },
          MOST_BY_TOOL,
          signal,
        );
  return items;
};
