import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { ok } from '../core/result.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import type { AccountId, AssetId } from '../protocol/account-id.ts';
import { LABEL_COLUMNS, labelIn, type LabelRow } from './account-label.ts';
import type { APPROVAL_ROUTES } from './approval.route.ts';
import { asOf } from './as-of.ts';
import { outcomeBody, sendCommand } from './command.ts';
import type { AdminRequest, Handler, Handlers } from './handler.ts';
import {
  attempt,
  boundedLimit,
  cursorOf,
  type CursorPlace,
  type ListPage,
  type PageRequest,
  type Queried,
  readCursor,
} from './page.ts';
import { queryReason, refuse, reply, replyPage, type ReplyResult } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import { scan, type Scan } from './scan.ts';
import { treeReader } from './tree-reader.ts';

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

type ListedRow = ApprovalRow & LabelRow;

/** An account with its descendants. `reader`: the ancestor that reads; the account itself if it or an operator does. */
type Tree = { readonly account: AccountId; readonly reader: AccountId };

type ApprovalFilter = {
  readonly state?: Item['state'] | undefined;
  readonly tree?: Tree | undefined;
};

/** Lists calls that wait for a person, or are in another state, oldest first. */
export const listApprovals = (
  db: D1Database,
  { state = 'waiting', tree, ...page }: ApprovalFilter & PageRequest,
): Queried<ListPage<Item>> =>
  attempt(async () => {
    if (tree !== undefined) return listOfTree(db, state, tree, page);
    return scan(db, approvalsIn(state), page, (row) => ({
      ...approvalItem(row),
      ...labelIn({ scope: '*', reader: '*' }, row.account, row),
    }));
  });

const SHAPE = ['number', 'string', 'string'] as const;
const placeOf = (row: ApprovalRow): CursorPlace => [row.parked_at, row.account, row.call];

const approvalsIn = (state: Item['state']): Scan<ListedRow> => ({
  list: `approvals ${state}`,
  index: 'approvals a INDEXED BY approvals_by_age',
  key: ['a.parked_at', 'a.account', 'a.call'],
  order: 'ASC',
  shape: SHAPE,
  within: [['a.state = ?', state]],
  range: { least: 0 },
  columns: `a.*, ${LABEL_COLUMNS}`,
  joins: 'LEFT JOIN accounts l ON l.account = a.account',
  filters: [],
  placeOf,
});

/** How many approvals in one state, of all accounts, a list of a tree searches. */
const FEW = 1_000;

/**
 * Lists the approvals of a tree: among all in the state if these are few, else account by account.
 *
 * Attack: with a scan of all approvals, filtered by tree, the cursors would show an owner when and how many calls of others wait. An
 * account may also have left the tree, or have joined it with its parent from a tree in which `reader` was never an ancestor. Former
 * ancestors may not see its present calls, so this checks the present ancestors, as a read of the call itself does (CWE-200).
 */
const listOfTree = async (
  db: D1Database,
  state: Item['state'],
  { account, reader }: Tree,
  { after, limit: wanted }: PageRequest,
): Queried<ListPage<Item>> => {
  const limit = boundedLimit(wanted);
  const list = `approvals of ${state}`;
  const read = readCursor(list, SHAPE, after);
  if (!read.ok) return read;
  const many = await db
    .prepare(
      `SELECT 1 FROM approvals INDEXED BY approvals_by_age WHERE state = ? LIMIT 1 OFFSET ${FEW}`,
    )
    .bind(state)
    .first();
  const { results } = await db
    .prepare(many === null ? AMONG_ALL : BY_ACCOUNT)
    .bind(account, reader, state, ...(read.value ?? [-1, '', '']), limit + 1)
    .all<ListedRow>();
  const shown = results.slice(0, limit);
  const last = results.length > limit ? shown.at(-1) : undefined;
  return ok({
    items: shown.map((row) => ({
      ...approvalItem(row),
      ...labelIn({ scope: account, reader }, row.account, row),
    })),
    ...(last === undefined ? {} : { next: cursorOf(list, placeOf(last)) }),
  });
};

const IS_BELOW = `instr(l.above, '"' || ?1 || '"') AND instr(l.above, '"' || ?2 || '"')`;

const AMONG_ALL = `
SELECT a.*, ${LABEL_COLUMNS}
FROM approvals a INDEXED BY approvals_by_age LEFT JOIN accounts l ON l.account = a.account
WHERE a.state = ?3 AND (a.parked_at, a.account, a.call) > (?4, ?5, ?6) AND (a.account = ?1 OR (${IS_BELOW}))
ORDER BY a.parked_at, a.account, a.call LIMIT ?7`;

/** The first approvals of each account after the place, then the first of all. */
const BY_ACCOUNT = `
WITH member (account) AS (
  SELECT ?1
  UNION ALL
  SELECT l.account FROM kin CROSS JOIN accounts l ON l.account = kin.account
  WHERE kin.ancestor = ?1 AND kin.account <> ?1 AND ${IS_BELOW}
),
places AS MATERIALIZED (
  SELECT account, (
    SELECT json_group_array(call) FROM (
      SELECT call FROM approvals INDEXED BY approvals_of_account
      WHERE account = member.account AND state = ?3 AND parked_at >= ?4 AND (parked_at, account, call) > (?4, ?5, ?6)
      ORDER BY parked_at, call LIMIT ?7
    )
  ) AS calls FROM member
)
SELECT a.*, ${LABEL_COLUMNS}
FROM places CROSS JOIN json_each(places.calls) place
CROSS JOIN approvals a ON a.account = places.account AND a.call = place.value
LEFT JOIN accounts l ON l.account = a.account
ORDER BY a.parked_at, a.account, a.call LIMIT ?7`;

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
  tree: Tree | undefined,
): Promise<ReplyResult> => {
  const complete = await asOf(context, undefined, now);
  const found = await listApprovals(context.db, { ...query, tree });
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
  'account.approvals': ({ params: { account }, by, ...request }) =>
    list(request, { account, reader: treeReader(by, account) }),
  'account.approval': get,
  'approvals.approve': approve,
  'approvals.refuse': refuseCall,
  'account.approve': approve,
  'account.refuse': refuseCall,
};
