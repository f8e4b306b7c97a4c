import { type Day, dayOf, daysAfter } from '../audit/day.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { asOf } from './as-of.ts';
import type { AdminRequest, Handlers } from './handler.ts';
import { asOfMember, queryReason, refuse, replyReport, type ReplyResult } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import { spendRanking, spendReport } from './spend-query.ts';
import type { SpendItem, SpendRange } from './spend-range.ts';
import type { SPEND_ROUTES } from './spend.route.ts';
import { isEverIn, type SpendScope, spendScope } from './tree-reader.ts';

/** Days of a report without `from`, today included. */
const DEFAULT_DAYS = 30;

type Body = AnswerOf<'spend'>['items'][number];

/** The wire form. `earned`: only for all accounts together, because it cannot be divided among accounts. */
export const spendBody = (
  { key, label, and, asset, calls, charged, denied, failed, earned }: SpendItem,
  { scope, by, account }: Pick<SpendRange, 'scope' | 'by' | 'account'>,
): Body => ({
  key,
  ...(label === undefined ? {} : { label }),
  ...(and === undefined ? {} : { and }),
  ...(asset === '' ? {} : { asset: asset as NonNullable<Body['asset']> }),
  calls: Number(calls),
  charged: charged.toString(),
  denied: Number(denied),
  failed: Number(failed),
  ...(scope === '*' && by !== 'account' && account === undefined && asset !== ''
    ? { earned: earned.toString() }
    : {}),
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

const report = async (
  { context, query, request, now }: Omit<AdminRequest<'spend'>, 'params'>,
  whose: SpendScope,
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
  if (query.account !== undefined) {
    const isIn = await isEverIn(context.db, whose, query.account);
    if (!isIn.ok) return refuse(queryReason(isIn.error));
    if (!isIn.value) return refuse({ reason: 'unknown_account' });
  }
  const range = { ...asked, ...whose, ...days.value };
  // A report also adds up descendants, so no single account knows its completeness.
  const complete = await asOf(context, undefined, now);
  const found =
    order === undefined
      ? await spendReport(context.db, range)
      : await spendRanking(context.db, range, order, query.limit);
  if (!found.ok) return refuse(queryReason(found.error));
  const { items } = found.value;
  return replyReport(
    request,
    {
      ...days.value,
      items: items.map((item) => spendBody(item, range)),
      ...('of' in found.value ? { of: found.value.of } : {}),
      ...asOfMember(complete),
    },
    'next' in found.value ? found.value.next : undefined,
  );
};

export const spendHandlers: Handlers<keyof typeof SPEND_ROUTES> = {
  spend: (request) => report(request, { scope: '*' }),
  'account.spend': (request) => report(request, spendScope(request.by, request.params.account)),
};
