import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { ok } from '../core/result.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import type { AccountId, AssetId } from '../protocol/account-id.ts';
import type { APPROVAL_ROUTES } from './approval.route.ts';
import { asOf } from './as-of.ts';
import { outcomeBody, sendCommand } from './command.ts';
import type { AdminRequest, Handler, Handlers } from './handler.ts';
import { attempt, type ListPage, type PageRequest, type Queried } from './page.ts';
import { queryReason, refuse, reply, replyPage, type ReplyResult } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import { scan, type Scan, type SqlCondition } from './scan.ts';

type Item = AnswerOf<'account.approval'>;

type ApprovalRow = {
  readonly account: AccountId;
  readonly call: Hex;
  readonly parked_at: Seconds;
  readonly until: Seconds;
  readonly state: Item['state'];
  readonly tool: string;
  readonly request: Hex;
  readonly asset: AssetId;
  readonly price: number;
  readonly asked: AccountId;
  readonly above: number;
  readonly policy: Hex;
  readonly approver: AccountId | 'operator';
  readonly decided_by: AccountId | null;
  readonly decided_role: string | null;
  readonly decided_at: Seconds | null;
  readonly reason: string | null;
};

type ApprovalFilter = {
  readonly state?: Item['state'] | undefined;
  /** Also calls of the descendants of this account. */
  readonly account?: AccountId | undefined;
};

/** Lists calls that wait for a person, or are in another state, oldest first. */
export const listApprovals = (
  db: D1Database,
  { state = 'waiting', account, ...page }: ApprovalFilter & PageRequest,
): Queried<ListPage<Item>> =>
  attempt(() => scan(db, approvalsIn(state, account), page, approvalItem));

const approvalsIn = (state: Item['state'], account: AccountId | undefined): Scan<ApprovalRow> => ({
  list: `approvals ${state}`,
  index: 'approvals a INDEXED BY approvals_by_age',
  key: ['a.parked_at', 'a.account', 'a.call'],
  order: 'ASC',
  shape: ['number', 'string', 'string'],
  within: [['a.state = ?', state]],
  range: { least: 0 },
  columns: 'a.*',
  joins: '',
  filters: account === undefined ? [] : [treeOf(account)],
  placeOf: (row) => [row.parked_at, row.account, row.call],
});

const treeOf = (account: AccountId): SqlCondition => [
  '(a.account = ? OR EXISTS (SELECT 1 FROM kin WHERE kin.ancestor = ? AND kin.account = a.account))',
  account,
  account,
];

const approvalItem = (row: ApprovalRow): Item =>
  withoutUndefined({
    account: row.account,
    call: row.call,
    state: row.state,
    tool: row.tool,
    request: row.request,
    asset: row.asset,
    price: row.price.toString(),
    asked: row.asked,
    above: row.above.toString(),
    policy: row.policy,
    approver: row.approver === 'operator' ? undefined : row.approver,
    parked_at: row.parked_at,
    expires_at: row.until,
    decided_by: row.decided_by ?? undefined,
    decided_role: row.decided_role ?? undefined,
    decided_at: row.decided_at ?? undefined,
    reason: row.reason ?? undefined,
  });

type ListRequest = Pick<AdminRequest<'approvals.list'>, 'context' | 'query' | 'request' | 'now'>;

const list = async (
  { context, query, request, now }: ListRequest,
  account: AccountId | undefined,
): Promise<ReplyResult> => {
  const complete = await asOf(context, undefined, now);
  const found = await listApprovals(context.db, { ...query, account });
  if (!found.ok) return refuse(queryReason(found.error));
  return replyPage(request, { ...found.value, asOf: complete });
};

const get: Handler<'account.approval'> = async ({ context, params }) => {
  const found = await attempt(async () =>
    ok(
      await context.db
        .prepare('SELECT * FROM approvals WHERE account = ?1 AND call = ?2')
        .bind(params.account, params.call)
        .first<ApprovalRow>(),
    ),
  );
  if (!found.ok) return refuse(queryReason(found.error));
  return found.value === null
    ? refuse({ reason: 'unknown_call' })
    : reply(approvalItem(found.value));
};

type Decided = Pick<AdminRequest<'approvals.approve'>, 'context' | 'params' | 'by' | 'intent'>;

/** Sends the decision to the account, which decides whether the signer may give it. D1 only describes the call. */
const decide = async (
  { context, params, by, intent }: Decided,
  decision: { readonly decision: 'approved' | 'refused'; readonly reason?: string },
): Promise<ReplyResult> => {
  const { account, call } = params;
  const command = { kind: 'approval', call, ...decision, by, intent } as const;
  const applied = await sendCommand(context, account, command);
  return applied.ok ? reply(outcomeBody(applied.value)) : applied;
};

const approve = (request: Decided) => decide(request, { decision: 'approved' });

const refuseCall = ({ body, ...request }: AdminRequest<'approvals.refuse'>) =>
  decide(request, { decision: 'refused', ...body });

export const approvalHandlers: Handlers<keyof typeof APPROVAL_ROUTES> = {
  'approvals.list': (request) => list(request, undefined),
  'account.approvals': ({ params, ...request }) => list(request, params.account),
  'account.approval': get,
  'approvals.approve': approve,
  'approvals.refuse': refuseCall,
  'account.approve': approve,
  'account.refuse': refuseCall,
};
