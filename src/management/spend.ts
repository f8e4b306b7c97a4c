import { type Day, dayOf, daysAfter } from '../audit/day.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { asOf } from './as-of.ts';
import type { AdminRequest, Handlers } from './handler.ts';
import { attempt, boundedLimit, type Queried } from './page.ts';
import { asOfMember, queryReason, refuse, replyReport, type ReplyResult } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import {
  rankingStatement,
  readRanking,
  type Ranked,
  spendReport,
  type SummedRow,
} from './spend-query.ts';
import type { SpendItem, SpendOrder, SpendRange } from './spend-range.ts';
import type { SPEND_ROUTES } from './spend.route.ts';

/** Days of a report without `from`, today included. */
const DEFAULT_DAYS = 30;

type Body = AnswerOf<'spend'>['items'][number];

/** The wire form. `earned`: only of all accounts together. */
export const spendBody = (
  { key, and, asset, calls, charged, denied, failed, earned }: SpendItem,
  scope: AccountId | '*',
): Body => ({
  key,
  ...(and === undefined ? {} : { and }),
  ...(asset === '' ? {} : { asset: asset as NonNullable<Body['asset']> }),
  calls: Number(calls),
  charged: charged.toString(),
  denied: Number(denied),
  failed: Number(failed),
  ...(scope === '*' && asset !== '' ? { earned: earned.toString() } : {}),
});

/** The days of a query, both included. */
export const daysOf = (
  query: { readonly from?: Day | undefined; readonly to?: Day | undefined },
  today: Day,
): Result<{ readonly from: Day; readonly to: Day }, Reason> => {
  const to = query.to ?? today;
  const from = query.from ?? daysAfter(to, 1 - DEFAULT_DAYS);
  return from > to
    ? err({ reason: 'malformed_field', field: 'query.from', hint: 'must not be after to' })
    : ok({ from, to });
};

const ranking = (
  db: D1Database,
  range: SpendRange,
  order: SpendOrder,
  limit: number,
): Queried<Ranked> =>
  attempt(async () => {
    const { results } = await rankingStatement(
      db,
      range,
      order,
      boundedLimit(limit),
    ).all<SummedRow>();
    const ranked = readRanking(results);
    return ranked === undefined ? err({ kind: 'too_wide' }) : ok(ranked);
  });

const report = async (
  { context, query, request, now }: Omit<AdminRequest<'spend'>, 'params'>,
  scope: AccountId | '*',
): Promise<ReplyResult> => {
  const { order, ...asked } = query;
  const days = daysOf(query, dayOf(now));
  if (!days.ok) return days;
  if (query.and === query.by) {
    return refuse({ reason: 'malformed_field', field: 'query.and', hint: 'must differ from by' });
  }
  if (order !== undefined && query.after !== undefined) {
    return refuse({
      reason: 'malformed_field',
      field: 'query.after',
      hint: 'must be absent with order: a ranking has one page',
    });
  }
  const range = { ...asked, scope, ...days.value };
  // A report adds up descendants too: no single account knows how complete it is.
  const complete = await asOf(context, undefined, now);
  const found =
    order === undefined
      ? await spendReport(context.db, range)
      : await ranking(context.db, range, order, query.limit);
  if (!found.ok) return refuse(queryReason(found.error));
  const { items } = found.value;
  return replyReport(
    request,
    {
      ...days.value,
      items: items.map((item) => spendBody(item, scope)),
      ...('of' in found.value ? { of: found.value.of } : {}),
      ...asOfMember(complete),
    },
    'next' in found.value ? found.value.next : undefined,
  );
};

export const spendHandlers: Handlers<keyof typeof SPEND_ROUTES> = {
  spend: (request) => report(request, '*'),
  'account.spend': (request) => report(request, request.params.account),
};
