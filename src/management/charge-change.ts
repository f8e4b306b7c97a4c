import { OPERATORS_LABEL } from '../audit/account-row.ts';
import type { Seconds } from '../core/clock.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { asOf } from './as-of.ts';
import type { CHARGE_CHANGE_ROUTES } from './charge-change.route.ts';
import type { AdminRequest, Handlers } from './handler.ts';
import { attempt, type ListPage, type PageRequest, type Queried } from './page.ts';
import { queryReason, refuse, replyPage, type ReplyResult } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import { conditions, scan, type Scan } from './scan.ts';

/** A decision of an operator that changed the charge of an ended call: no row of `calls` shows its effect on the spend of that day. */
export type ChargeChange = {
  readonly account: AccountId;
  readonly label: string | null;
  readonly seq: number;
  readonly at: Seconds;
  readonly call: string;
  readonly kind: 'resolved' | 'refunded';
  readonly asset: string;
  readonly tool: string;
  readonly payee: string;
  readonly paid_by: string;
  readonly amount: number;
};

export type ChargeChangeFilter = {
  readonly account?: AccountId | undefined;
  readonly tool?: string | undefined;
  readonly payee?: string | undefined;
  readonly asset?: string | undefined;
  /** Decided at or after this second. */
  readonly from?: Seconds | undefined;
  /** Decided before this second. */
  readonly to?: Seconds | undefined;
};

/** Lists changes of charges by time, newest first; those of one account in the order of its log. */
export const listChargeChanges = (
  db: D1Database,
  { after, limit, ...filter }: ChargeChangeFilter & PageRequest,
): Queried<ListPage<ChargeChange>> =>
  attempt(() => scan(db, scanOf(filter), { after, limit }, (row) => row));

const scanOf = ({
  account,
  from,
  to,
  tool,
  payee,
  asset,
}: ChargeChangeFilter): Scan<ChargeChange> => {
  const facts = conditions({ 'x.tool = ?': tool, 'x.payee = ?': payee, 'x.asset = ?': asset });
  const common = { columns: columnsWith('label'), joins: '' };
  if (account === undefined) {
    return {
      ...common,
      columns: columnsWith(OPERATORS_LABEL),
      list: 'charge changes',
      index: 'charge_changes x INDEXED BY charge_changes_by_time',
      key: ['x.at', 'x.account', 'x.seq'],
      shape: ['number', 'string', 'number'],
      within: [],
      range: { least: from ?? 0, below: to },
      filters: facts,
      placeOf: ({ at, account: of, seq }) => [at, of, seq],
    };
  }
  return {
    ...common,
    list: 'charge changes of',
    index: 'charge_changes x',
    key: ['x.seq'],
    shape: ['number'],
    within: [['x.account = ?', account]],
    range: { least: 0 },
    filters: [...facts, ...conditions({ 'x.at >= ?': from, 'x.at < ?': to })],
    placeOf: ({ seq }) => [seq],
  };
};

const columnsWith = (label: string): string =>
  `x.account, (SELECT ${label} FROM accounts WHERE account = x.account) AS label, x.seq, x.at, x.call, x.kind, x.asset, x.tool, x.payee, x.paid_by, x.amount`;

type Body = AnswerOf<'changes.list'>['items'][number];

const bodyOf = ({ label, asset, tool, payee, paid_by, amount, ...change }: ChargeChange): Body => ({
  ...(change as Pick<Body, 'account' | 'seq' | 'at' | 'call' | 'kind'>),
  amount: amount.toString(),
  ...withoutUndefined({
    label: label ?? undefined,
    asset: (asset || undefined) as Body['asset'],
    tool: tool || undefined,
    payee: payee || undefined,
    paid_by: paid_by || undefined,
  }),
});

const list = async ({
  context,
  query,
  request,
  now,
}: Pick<
  AdminRequest<'changes.list'>,
  'context' | 'query' | 'request' | 'now'
>): Promise<ReplyResult> => {
  const complete = await asOf(context, query.account, now);
  const found = await listChargeChanges(context.db, query);
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, next } = found.value;
  return replyPage(request, { items: items.map(bodyOf), next, asOf: complete });
};

export const chargeChangeHandlers: Handlers<keyof typeof CHARGE_CHANGE_ROUTES> = {
  'changes.list': list,
  'account.changes': ({ params, query, ...rest }) =>
    list({ ...rest, query: { ...query, account: params.account } }),
};
