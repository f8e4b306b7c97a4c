import { type AccountItem, listAccounts } from './account-query.ts';
import type { StandingVerdict } from '../protocol/account/standing.ts';
import type { Standing } from '../protocol/account/standing.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { standingBody } from '../gateway/account-api/standing.ts';
import type { AdminRequest, Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import { give, orderedBody } from './command.ts';
import { present, queryReason, refuse, reply, replyPage } from './reply.ts';

/** Accounts that the log tells of. */
export const list: Handler<'accounts.list'> = async ({ context, query, request }) => {
  const found = await listAccounts(context.db, query);
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, next } = found.value;
  return replyPage(request, { items: items.map(itemOf), next });
};

const itemOf = (item: AccountItem): AnswerOf<'accounts.list'>['items'][number] =>
  present({
    account: item.account,
    parent: item.parent,
    label: item.label,
    status: item.status,
    operator_status: item.operatorStatus,
    first_at: item.firstAt,
  });

/** How one account stands now, as it says itself. */
export const get: Handler<'account.get'> = async (asked) => {
  const found = await standingOf(asked, asked.params.account);
  if (!found.ok) return found;
  const { label, operatorStatus = 'active', ownerStatus = 'active', etags = {} } = found.value;
  return reply({
    ...standingBody(found.value),
    ...present({ label }),
    operator_status: operatorStatus,
    owner_status: ownerStatus,
    etags: present({ operator: etags.operator, owner: etags.owner, label: etags.label }),
  });
};

/** Asks an account how it stands, for somebody who may know. */
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

/** Names an account; an operator's name for one that is not known yet makes it known. */
export const put: Handler<'account.put'> = async ({
  context,
  params,
  body,
  by,
  order,
  expected,
}) => {
  const { label } = body;
  const given = await give(context, params.account, {
    ...{ kind: 'label', label, by, order },
    ...(expected === undefined ? {} : { expected }),
  });
  return given.ok ? reply(orderedBody(given.value), given.value.current) : given;
};

export const putStatus: Handler<'account.status'> = async ({
  context,
  params,
  body,
  by,
  order,
}) => {
  const { status } = body;
  const given = await give(context, params.account, { kind: 'status', status, by, order });
  return given.ok ? reply(orderedBody(given.value)) : given;
};

export const putDefault: Handler<'account.default'> = async ({
  context,
  params,
  body,
  by,
  order,
}) => {
  const { grant } = body;
  const given = await give(context, params.account, { kind: 'default', grant, by, order });
  return given.ok ? reply(orderedBody(given.value)) : given;
};

const HASH = /^0x[0-9a-f]{64}$/;

/** The accounts right below one. */
export const tree: Handler<'account.tree'> = async ({ context, params, query, request }) => {
  const { after, limit } = query;
  if (after !== undefined && !HASH.test(after)) {
    return refuse(queryReason({ kind: 'bad_cursor' }));
  }
  try {
    const place = after as `0x${string}` | undefined;
    const { children, next } = await context.account(params.account).children(place, limit);
    const items = children.map(({ validUntil, leasedUntil, reportedAt, ...child }) => ({
      ...child,
      valid_until: validUntil,
      ...(reportedAt === undefined ? {} : { reported_at: reportedAt }),
      leased_until: leasedUntil,
    }));
    return replyPage(request, { items, next });
  } catch (cause) {
    console.error({ event: 'tree_failed', account: params.account, cause: String(cause) });
    return refuse({ reason: 'storage_unavailable' });
  }
};
