import { dayOf, daysAfter, daysBetween } from '../audit/day.ts';
import type { BookItem } from './ledger-item.ts';
import { readBooks } from './ledger-query.ts';
import type { Config } from '../config.ts';
import type { Network } from '../protocol/account-id.ts';
import { ok } from '../core/result.ts';
import { PRIVATE } from '../gateway/answer-headers.ts';
import { MAX_LEDGER_DAYS } from './ledger.route.ts';
import type { Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import type { Cell } from './csv.ts';
import { replyExport } from './export.ts';
import { nextLink, present, queryReason, refuse } from './reply.ts';

/** How many days the books cover where nothing is said, today included. */
const USUAL = 30;

type Line = AnswerOf<'books'>['items'][number];

/** What the columns of a CSV are, in their order. New ones come last. */
const COLUMNS = [
  'day',
  'asset',
  'line',
  'tool',
  'payee',
  'count',
  'amount',
] as const satisfies readonly (keyof Line)[];

/** What was earned, what it cost, and what is owed, day by day. */
export const get: Handler<'books'> = async ({ context, query, request, now }) => {
  const { format = 'json', after } = query;
  const to = query.to ?? dayOf(now);
  const from = query.from ?? daysAfter(to, 1 - USUAL);
  const days = daysBetween(from, to);
  if (days < 1 || days > MAX_LEDGER_DAYS) {
    const hint = `must be a day not after to, and at most ${MAX_LEDGER_DAYS} days with it`;
    return refuse({ reason: 'malformed_field', field: 'query.from', hint });
  }
  const feeOn = (network: Network) => feeFor(context.config, network);
  const found = await readBooks(context.db, { from, to, after, feeOn });
  if (!found.ok) return refuse(queryReason(found.error));
  const { next } = found.value;
  const items = found.value.items.map(lineOf);
  if (format !== 'json') {
    const isFirst = after === undefined;
    return replyExport(request, format, { items, next, columns: COLUMNS, cellOf, isFirst });
  }
  const body: AnswerOf<'books'> = { from, to, items, ...present({ next }) };
  return ok(Response.json(body, { headers: { ...PRIVATE, ...nextLink(request, next) } }));
};

const lineOf = ({ day, asset, line, tool, payee, count, amount }: BookItem): Line => ({
  ...{ day, asset, line, amount: amount.toString() },
  ...present({ tool, payee, count: count === undefined ? undefined : Number(count) }),
});

/** An amount may begin with a minus, and is a number all the same. */
const cellOf = (item: Line, name: keyof Line): Cell =>
  name === 'amount' ? BigInt(item.amount) : item[name];

/** Of the facilitator that is asked first there: nobody keeps which of them a settled payment went through. */
const feeFor = ({ facilitators }: Pick<Config, 'facilitators'>, network: Network): bigint =>
  facilitators.find(({ networks }) => networks === undefined || networks.includes(network))?.fee ??
  0n;
