import { dayOf, daysAfter } from '../audit/day.ts';
import { type SpendItem, spendReport } from './spend-query.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { ok } from '../core/result.ts';
import { PRIVATE } from '../gateway/answer-headers.ts';
import type { AdminRequest, Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import { nextLink, present, queryReason, refuse, type Replied } from './reply.ts';

/** How many days a report covers where nothing is said, today included. */
const USUAL = 30;

const report = async (
  {
    context,
    query,
    request,
    now,
  }: Pick<AdminRequest<'spend'>, 'context' | 'query' | 'request' | 'now'>,
  scope: AccountId | '*',
): Promise<Replied> => {
  const to = query.to ?? dayOf(now);
  const from = query.from ?? daysAfter(to, 1 - USUAL);
  if (from > to) {
    return refuse({ reason: 'malformed_field', field: 'query.from', hint: 'must not be after to' });
  }
  const found = await spendReport(context.db, { ...query, scope, from, to });
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, next } = found.value;
  const body: AnswerOf<'spend'> = { from, to, items: items.map(itemOf), ...present({ next }) };
  return ok(Response.json(body, { headers: { ...PRIVATE, ...nextLink(request, next) } }));
};

type Item = AnswerOf<'spend'>['items'][number];

const itemOf = ({ key, asset, calls, charged, denied, failed }: SpendItem): Item => ({
  key,
  // A denial is of no asset.
  ...(asset === '' ? {} : { asset: asset as NonNullable<Item['asset']> }),
  calls: Number(calls),
  charged: charged.toString(),
  denied: Number(denied),
  failed: Number(failed),
});

export const ofAll: Handler<'spend'> = (asked) => report(asked, '*');

/** Of an account and all that were below it when they spent. */
export const ofAccount: Handler<'account.spend'> = (asked) => report(asked, asked.params.account);
