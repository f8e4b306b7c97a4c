import { type Day, dayOf, daysAfter } from '../audit/day.ts';
import { ok } from '../core/result.ts';
import { asOf } from './as-of.ts';
import type { AdminRequest, Handlers } from './handler.ts';
import type { OVERVIEW_ROUTES } from './overview.route.ts';
import { attempt, type Queried } from './page.ts';
import { asOfMember, queryReason, refuse, reply, type ReplyResult } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import { spendBody } from './spend.ts';
import { rankingStatement, readRanking, reportStatement, type SummedRow } from './spend-query.ts';
import type { SpendRange } from './spend-range.ts';
import { stoppedBody, stoppedStatement } from './stopped-accounts.ts';
import { type SpendScope, spendScope } from './tree-reader.ts';

type Overview = AnswerOf<'overview'>;

/** Days by day: thirty, and the thirty before. */
const DAYS = 60;
const TOP = 5;
const MOST_RULES = 50;
/** Assets of a day. */
const MOST_DAYS = DAYS * 10;

type WaitingRow = {
  readonly asset: string;
  readonly count: number;
  readonly amount: string;
  readonly oldest_at: number;
};

/** Open payments are few; their index has an entry for each. */
const WAITING = {
  open: `SELECT coalesce(asset, '') AS asset, count(*) AS count, CAST(sum(price) AS TEXT) AS amount, min(accepted_at) AS oldest_at
    FROM calls INDEXED BY calls_open WHERE payment = 'open' GROUP BY 1 ORDER BY 1`,
  kept: `SELECT coalesce(asset, '') AS asset, count(*) AS count, CAST(sum(price) AS TEXT) AS amount, min(accepted_at) AS oldest_at
    FROM calls INDEXED BY calls_kept WHERE kept = 'held' GROUP BY 1 ORDER BY 1`,
};

/** Reads the figures of an overview in one transaction, so that they are of one moment. */
export const readOverview = (
  db: D1Database,
  whose: SpendScope,
  today: Day,
  days: number,
): Queried<Omit<Overview, 'as_of'>> =>
  attempt(async () => {
    const from = daysAfter(today, 1 - days);
    const { scope } = whose;
    const range = { ...whose, from, to: today } as const;
    const ranked = (by: SpendRange['by']): D1PreparedStatement =>
      rankingStatement(db, { ...range, by }, 'charged', TOP);
    const [byDay, tools, accounts, rules, ...last] = await db.batch<unknown>([
      reportStatement(db, { ...range, from: daysAfter(today, 1 - DAYS), by: 'day' }, MOST_DAYS),
      ranked('tool'),
      ranked('account'),
      rankingStatement(db, { ...range, by: 'rule' }, 'denied', MOST_RULES),
      ...(scope === '*'
        ? [db.prepare(WAITING.open), db.prepare(WAITING.kept)]
        : [stoppedStatement(db, scope, whose.reader ?? scope, TOP)]),
    ]);
    return ok({
      today,
      from,
      days: rankingBody(byDay, { ...whose, by: 'day' }),
      tools: rankingBody(tools, { ...whose, by: 'tool' }),
      accounts: rankingBody(accounts, { ...whose, by: 'account' }),
      rules: rankingBody(rules, { ...whose, by: 'rule' }),
      ...(scope === '*'
        ? { open: waitingBody(last[0]), kept: waitingBody(last[1]) }
        : { stopped: stoppedBody(last[0]) }),
    });
  });

const rankingBody = (
  result: D1Result | undefined,
  range: Pick<SpendRange, 'scope' | 'reader' | 'by'>,
): Overview['tools'] => {
  const ranked = readRanking((result?.results ?? []) as readonly SummedRow[], range);
  return ranked === undefined
    ? { too_many: true }
    : { items: ranked.items.map((item) => spendBody(item, range)), of: ranked.of };
};

const waitingBody = (result: D1Result | undefined): NonNullable<Overview['open']> =>
  ((result?.results ?? []) as readonly WaitingRow[]).map(({ asset, ...row }) => ({
    ...(asset === ''
      ? {}
      : { asset: asset as NonNullable<Overview['open']>[number]['asset'] & string }),
    ...row,
  }));

const show = async (
  { context, query, now }: Pick<AdminRequest<'overview'>, 'context' | 'query' | 'now'>,
  whose: SpendScope,
): Promise<ReplyResult> => {
  const complete = await asOf(context, undefined, now);
  const found = await readOverview(context.db, whose, dayOf(now), Number(query.days));
  if (!found.ok) return refuse(queryReason(found.error));
  const body: Overview = { ...found.value, ...asOfMember(complete) };
  return reply(body);
};

export const overviewHandlers: Handlers<keyof typeof OVERVIEW_ROUTES> = {
  overview: (request) => show(request, { scope: '*' }),
  'account.overview': (request) => show(request, spendScope(request.by, request.params.account)),
};
