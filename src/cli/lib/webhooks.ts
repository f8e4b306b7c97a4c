import type { AccountId } from '../../protocol/account-id.ts';
import type { AnswerOf, ItemOf } from '../../management/types.ts';
import type { WebhookDocument } from '../../protocol/webhook.ts';
import type { Input } from './command.ts';
import { collected, type AdminClient, openAdmin, roleOf, warnIfStopped } from './admin-client.ts';
import { isRefusal } from './refusal.ts';
import { accountOrOwn } from './account-names.ts';
import type { Session } from './session.ts';

/** Whose alerts: of an account and all below it, or of everything. */
export type Scope = {
  readonly admin: AdminClient;
  /** Undefined: the whole gateway, as operator. */
  readonly account: AccountId | undefined;
};

type Webhook = ItemOf<'webhooks.list'>;

export const openScope = async (session: Session, input: Input): Promise<Scope> => {
  const admin = await openAdmin(session, roleOf(input));
  const named = input.text('account');
  if (admin.role === 'operator' && named === undefined) return { admin, account: undefined };
  return { admin, account: await accountOrOwn(admin, named) };
};

export const webhooksOf = async ({ admin, account }: Scope): Promise<readonly Webhook[]> =>
  await collected(
    admin,
    account === undefined
      ? admin.list('webhooks.list')
      : admin.list('account.webhooks.list', { params: { account } }),
  );

/** The ETag of a webhook; undefined where there is none of that name. */
export const etagIfAny = async (
  { admin, account }: Scope,
  webhook: string,
): Promise<string | undefined> => {
  try {
    const { etag } =
      account === undefined
        ? await admin.call('webhooks.get', { params: { webhook } })
        : await admin.call('account.webhooks.get', { params: { account, webhook } });
    return etag;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_document')) return undefined;
    throw thrown;
  }
};

export const writeWebhook = async (
  { admin, account }: Scope,
  webhook: string,
  body: WebhookDocument,
  etag: string | undefined,
): Promise<AnswerOf<'webhooks.put'>> => {
  warnIfStopped(admin);
  const expected = etag === undefined ? ({ ifNoneMatch: '*' } as const) : { ifMatch: etag };
  const done =
    account === undefined
      ? await admin.call('webhooks.put', { params: { webhook }, body, ...expected })
      : await admin.call('account.webhooks.put', {
          params: { account, webhook },
          body,
          ...expected,
        });
  return done.body;
};

export const dropWebhook = async (
  { admin, account }: Scope,
  webhook: string,
  etag: string,
): Promise<AnswerOf<'webhooks.delete'>> => {
  warnIfStopped(admin);
  const done =
    account === undefined
      ? await admin.call('webhooks.delete', { params: { webhook }, ifMatch: etag })
      : await admin.call('account.webhooks.delete', {
          params: { account, webhook },
          ifMatch: etag,
        });
  return done.body;
};

export const tryWebhook = async (
  { admin, account }: Scope,
  webhook: string,
): Promise<AnswerOf<'webhooks.test'>> =>
  (account === undefined
    ? await admin.call('webhooks.test', { params: { webhook } })
    : await admin.call('account.webhooks.test', { params: { account, webhook } })
  ).body;

export const deliveriesOf = async (
  { admin, account }: Scope,
  webhook: string,
): Promise<readonly ItemOf<'webhooks.deliveries'>[]> =>
  await collected(
    admin,
    account === undefined
      ? admin.list('webhooks.deliveries', { params: { webhook } })
      : admin.list('account.webhooks.deliveries', { params: { account, webhook } }),
    100,
  );
