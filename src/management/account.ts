import { OPERATORS_LABEL } from '../audit/account-row.ts';
import { loadStoredHead } from '../audit/stored-chain.ts';
import type { Seconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import { standingBody } from '../gateway/account-api/look-ups.ts';
import { compileDelegation } from '../policy/grant.ts';
import { policyJson } from '../policy/policy.ts';
import { type AccountId, type Network } from '../protocol/account-id.ts';
import type { Status } from '../protocol/account/command.ts';
import type { Standing, StandingVerdict } from '../protocol/account/standing.ts';
import type { AgentDelegation } from '../protocol/intent/agent-delegation.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { PROMISED_FOR } from '../settlement/promised.ts';
import { type LabelReader, readLabels } from './account-label.ts';
import type { ACCOUNT_ROUTES } from './account.route.ts';
import { asOf } from './as-of.ts';
import { outcomeBody, sendCommand } from './command.ts';
import type { AdminRequest, Handler, Handlers } from './handler.ts';
import { attempt, type ListPage, type PageRequest, type Queried, withoutNulls } from './page.ts';
import { queryReason, refuse, reply, replyPage } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import { conditions, scan } from './scan.ts';
import { treeReader } from './tree-reader.ts';

/** An account, as its stored entries describe it. */
export type AccountItem = {
  readonly account: AccountId;
  readonly parent?: AccountId;
  readonly label?: string;
  /** The stricter of the owner's status and `operatorStatus`. */
  readonly status: Status;
  readonly operatorStatus: Status;
  readonly firstAt: Seconds;
};

export type AccountFilter = {
  /** Its children only. */
  readonly parent?: AccountId | undefined;
  readonly status?: Status | undefined;
  /** A part of the label; case-insensitive. */
  readonly label?: string | undefined;
};

/** Lists accounts in the order of their ids. */
export const listAccounts = (
  db: D1Database,
  { parent, status, label, ...page }: AccountFilter & PageRequest,
): Queried<ListPage<AccountItem>> =>
  attempt(() =>
    scan(
      db,
      {
        list: parent === undefined ? 'accounts' : 'accounts of',
        index: `accounts a${parent === undefined ? '' : ' INDEXED BY accounts_below'}`,
        key: ['a.account'],
        order: 'ASC',
        shape: ['string'],
        within: conditions({ 'a.parent = ?': parent }),
        range: { least: '' },
        columns: `a.account, a.parent, ${OPERATORS_LABEL} AS label, ${EFFECTIVE} AS effective, a.operator_status, a.first_at`,
        joins: '',
        filters: conditions({
          [`${EFFECTIVE} = ?`]: status,
          'instr(lower(a.label), lower(?)) > 0': label,
        }),
        placeOf: ({ account }) => [account],
      },
      page,
      accountItem,
    ),
  );

type AccountRow = {
  readonly account: AccountId;
  readonly parent: AccountId | null;
  readonly label: string | null;
  readonly effective: Status;
  readonly operator_status: Status;
  readonly first_at: number;
};

/** The stricter of both statuses of `accounts a`, in SQL. */
export const EFFECTIVE = `CASE WHEN 'revoked' IN (a.status, a.operator_status) THEN 'revoked'
  WHEN 'frozen' IN (a.status, a.operator_status) THEN 'frozen'
  WHEN 'paused' IN (a.status, a.operator_status) THEN 'paused' ELSE 'active' END`;

const accountItem = (row: AccountRow): AccountItem =>
  withoutNulls({
    account: row.account,
    parent: row.parent,
    label: row.label,
    status: row.effective,
    operatorStatus: row.operator_status,
    firstAt: row.first_at,
  });

const list: Handler<'accounts.list'> = async ({ context, query, request, now }) => {
  const complete = await asOf(context, undefined, now);
  const found = await listAccounts(context.db, query);
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, next } = found.value;
  return replyPage(request, { items: items.map(bodyOf), next, asOf: complete });
};

const bodyOf = (item: AccountItem): AnswerOf<'accounts.list'>['items'][number] =>
  withoutUndefined({
    account: item.account,
    parent: item.parent,
    label: item.label,
    status: item.status,
    operator_status: item.operatorStatus,
    first_at: item.firstAt,
  });

const get: Handler<'account.get'> = async (request) => {
  const found = await standingOf(request, request.params.account);
  if (!found.ok) return found;
  const { label, operatorStatus = 'active', ownerStatus = 'active', etags = {} } = found.value;
  const { creditFrozen } = found.value;
  return reply({
    ...standingBody(found.value),
    ...withoutUndefined({ label, credit_frozen: creditFrozen }),
    operator_status: operatorStatus,
    owner_status: ownerStatus,
    etags: withoutUndefined({ operator: etags.operator, owner: etags.owner, label: etags.label }),
  });
};

/** Reads the standing of an account. The account checks again that `by` may read it. */
export const standingOf = async (
  { context, by }: Pick<AdminRequest<'account.get'>, 'context' | 'by'>,
  account: AccountId,
): Promise<Result<Standing, Reason>> => {
  try {
    const found: StandingVerdict = await context.account(account).standing({ account, by });
    if (found.verdict === 'found') return ok(found.standing);
    if (found.verdict === 'unknown_account') return err({ reason: 'unknown_account' });
  } catch (cause) {
    console.error({ event: 'standing_failed', account, cause: String(cause) });
  }
  return err({ reason: 'storage_unavailable' });
};

/** Sets or removes a label. An operator's label creates an account that does not exist yet. */
const putLabel: Handler<'account.put'> = async ({
  context,
  params,
  body,
  by,
  intent,
  expected,
}) => {
  const applied = await sendCommand(context, params.account, {
    ...{ kind: 'label', label: body.label, by, intent },
    ...(expected === undefined ? {} : { expected }),
  });
  return applied.ok ? reply(outcomeBody(applied.value), applied.value.current) : applied;
};

const eraseData: Handler<'account.erase'> = async ({ context, params, by, intent }) => {
  const applied = await sendCommand(context, params.account, { kind: 'erase', by, intent });
  return applied.ok ? reply(outcomeBody(applied.value)) : applied;
};

const putStatus: Handler<'account.status'> = async ({ context, params, body, by, intent }) => {
  const command = { kind: 'status', status: body.status, by, intent } as const;
  const applied = await sendCommand(context, params.account, command);
  return applied.ok ? reply(outcomeBody(applied.value)) : applied;
};

const putDefaultGrant: Handler<'account.default'> = async ({
  context,
  params,
  body,
  by,
  intent,
}) => {
  const command = { kind: 'default', grant: body.grant, by, intent } as const;
  const applied = await sendCommand(context, params.account, command);
  return applied.ok ? reply(outcomeBody(applied.value)) : applied;
};

const HASH = /^0x[0-9a-f]{64}$/;

/** Lists the children. The cursor is the hash of the last grant. */
const tree: Handler<'account.tree'> = async ({ context, params, query, request, by }) => {
  const { after, limit } = query;
  if (after !== undefined && !HASH.test(after)) {
    return refuse(queryReason({ kind: 'bad_cursor' }));
  }
  try {
    const place = after as `0x${string}` | undefined;
    const { children, next } = await context.account(params.account).children(place, limit);
    const labels = await labelsBelow(
      context,
      { scope: params.account, reader: treeReader(by, params.account) },
      children,
    );
    const items = children.map(({ validUntil, leasedUntil, reportedAt, delegation, ...child }) => ({
      ...child,
      ...withoutUndefined({ label: labels.get(child.account) }),
      valid_until: validUntil,
      ...(reportedAt === undefined ? {} : { reported_at: reportedAt }),
      leased_until: leasedUntil,
      ...termsBody(params.account, delegation),
    }));
    return replyPage(request, { items, next });
  } catch (cause) {
    console.error({ event: 'tree_failed', account: params.account, cause: String(cause) });
    return refuse({ reason: 'storage_unavailable' });
  }
};

/** A grant as the policy that enforces it, and the one asset that it lets spend. Issuer and delegate are on one network. */
const termsBody = (
  issuer: AccountId,
  delegation: AgentDelegation,
): Pick<AnswerOf<'account.tree'>['items'][number], 'asset' | 'policy'> => {
  const network = issuer.slice(0, issuer.lastIndexOf(':')) as Network;
  const terms = compileDelegation(delegation, network);
  return { policy: policyJson(terms), ...withoutUndefined({ asset: terms.assets?.[0] }) };
};

/** The labels of children. The account itself lists its children, so if the database does not answer, only their labels are missing. */
const labelsBelow = async (
  { db }: Pick<AdminRequest<'account.tree'>['context'], 'db'>,
  of: LabelReader & { readonly scope: AccountId },
  children: readonly { readonly account: AccountId }[],
): Promise<ReadonlyMap<AccountId, string>> => {
  try {
    return await readLabels(
      db,
      of,
      children.map((child) => child.account),
    );
  } catch (cause) {
    console.error({ event: 'labels_unread', account: of.scope, cause: String(cause) });
    return new Map();
  }
};

const NOT_PAUSED =
  'Set PAUSED to "true", deploy, and send the request again: a call in the meantime would begin a second history of the account.';

const recover: Handler<'accounts.recover'> = async ({ context, params, now }) => {
  if (!context.config.paused) return refuse({ reason: 'not_writable', hint: NOT_PAUSED });
  const { account } = params;
  const stored = await attempt(async () => ok(await loadStoredHead(context.db, account)));
  if (!stored.ok) return refuse(queryReason(stored.error));
  const { head } = stored.value;
  const until = now + PROMISED_FOR;
  const applied = await sendCommand(context, account, { kind: 'recover', head, until });
  if (!applied.ok) return refuse(applied.error);
  const { changed } = applied.value;
  return reply({ changed, to: head.seq, starts_again_at: changed ? until : now });
};

export const accountHandlers: Handlers<keyof typeof ACCOUNT_ROUTES> = {
  'accounts.list': list,
  'accounts.put': putLabel,
  'accounts.status': putStatus,
  'accounts.recover': recover,
  'account.get': get,
  'account.put': putLabel,
  'accounts.erase': eraseData,
  'account.erase': eraseData,
  'account.status': putStatus,
  'account.default': putDefaultGrant,
  'account.tree': tree,
};
