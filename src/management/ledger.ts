import type { Cell } from '../core/csv.ts';
import { dayOf, daysAfter, daysBetween } from '../audit/day.ts';
import type { Config } from '../config/config.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import { asOf } from './as-of.ts';
import type { Handlers } from './handler.ts';
import { type LEDGER_ROUTES, type LedgerItem, MAX_LEDGER_DAYS } from './ledger.route.ts';
import { readLedger } from './ledger-query.ts';
import { asOfMember, queryReason, refuse, replyExport, replyReport } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import type { Network } from '../protocol/account-id.ts';

/** Days of a report without `from`, today included. */
const DEFAULT_DAYS = 30;

type Line = AnswerOf<'books'>['items'][number];

/** The columns of a CSV. Their order is public: new ones go last. */
const COLUMNS = [
  'day',
  'asset',
  'line',
  'tool',
  'payee',
  'count',
  'amount',
] as const satisfies readonly (keyof Line)[];

const lineOf = ({ day, asset, line, tool, payee, count, amount }: LedgerItem): Line => ({
  ...{ day, asset, line, amount: amount.toString() },
  ...withoutUndefined({ tool, payee, count: count === undefined ? undefined : Number(count) }),
});

/** An amount is a number, even with a minus; the CSV would escape it as text. */
const cellOf = (item: Line, name: keyof Line): Cell =>
  name === 'amount' ? BigInt(item.amount) : item[name];

/** The fee of the network's first facilitator: the log does not record which one a payment went through. */
const feeFor = ({ facilitators }: Pick<Config, 'facilitators'>, network: Network): bigint =>
  facilitators.find(({ networks }) => networks === undefined || networks.includes(network))?.fee ??
  0n;

export const ledgerHandlers: Handlers<keyof typeof LEDGER_ROUTES> = {
  books: async ({ context, query, request, now }) => {
    const { format = 'json', after } = query;
    const to = query.to ?? dayOf(now);
    const from = query.from ?? daysAfter(to, 1 - DEFAULT_DAYS);
    const days = daysBetween(from, to);
    if (days < 1 || days > MAX_LEDGER_DAYS) {
      const hint = `must be a day not after to, and at most ${MAX_LEDGER_DAYS} days with it`;
      return refuse({ reason: 'malformed_field', field: 'query.from', hint });
    }
    const feeOn = (network: Network) => feeFor(context.config, network);
    const complete = await asOf(context, undefined, now);
    const found = await readLedger(context.db, { from, to, after, feeOn });
    if (!found.ok) return refuse(queryReason(found.error));
    const { next } = found.value;
    const items = found.value.items.map(lineOf);
    if (format !== 'json') {
      const isFirst = after === undefined;
      return replyExport(request, format, {
        ...{ items, next, asOf: complete },
        ...{ columns: COLUMNS, cellOf, isFirst },
      });
    }
    return replyReport(request, { from, to, items, ...asOfMember(complete) }, next);
  },
};
