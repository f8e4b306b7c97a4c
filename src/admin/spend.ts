import { type SpendItem, spendReport } from '../audit/query/spend.ts';
import type { AccountId } from '../core/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import { PRIVATE } from '../gateway/answer.ts';
import type { AnswerOf, Asked, Handler } from './asked.ts';
import { nextLink, present, queryReason, refuse, type Replied } from './reply.ts';

const DAY = 86_400;
/** How many days a report covers where nothing is said, today included. */
const USUAL = 30;

const dayOf = (at: Seconds): string => new Date(at * 1000).toISOString().slice(0, 10);

const daysBefore = (day: string, days: number): string =>
  dayOf(Date.parse(`${day}T00:00:00Z`) / 1000 - days * DAY);

const report = async (
  { office, query, request, now }: Pick<Asked<'spend'>, 'office' | 'query' | 'request' | 'now'>,
  scope: AccountId | '*',
): Promise<Replied> => {
  const to = query.to ?? dayOf(now);
  const from = query.from ?? daysBefore(to, USUAL - 1);
  if (from > to) {
    return refuse({ reason: 'malformed_field', field: 'query.from', hint: 'must not be after to' });
  }
  const found = await spendReport(office.db, { ...query, scope, from, to });
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
