import type { AccountId } from '../../protocol/account-id.ts';
import type { AnswerOf, ItemOf } from '../../management/types.ts';
import type { WebhookDocument } from '../../management/webhook.ts';
import type { Input } from '../command.ts';
import { collected, type Office, openOffice, roleOf, whileOrdering } from '../manage/office.ts';
import { isRefusal } from '../manage/refusal.ts';
import { accountOrOwn } from '../manage/who.ts';
import type { Session } from '../session.ts';

/** Whose alerts: of an account and all below it, or of everything. */
export type Scope = {
  readonly office: Office;
  /** Undefined: the whole gateway, as operator. */
  readonly account: AccountId | undefined;
};

type Webhook = ItemOf<'webhooks.list'>;

export const openScope = async (session: Session, input: Input): Promise<Scope> => {
  const office = await openOffice(session, roleOf(input));
  const named = input.text('account');
  if (office.role === 'operator' && named === undefined) return { office, account: undefined };
  return { office, account: await accountOrOwn(office, named) };
};

export const webhooksOf = async ({ office, account }: Scope): Promise<readonly Webhook[]> =>
  await collected(
    office,
    account === undefined
      ? office.list('webhooks.list')
      : office.list('account.webhooks.list', { params: { account } }),
  );

/** The ETag of a webhook; undefined where there is none of that name. */
export const etagIfAny = async (
  { office, account }: Scope,
  webhook: string,
): Promise<string | undefined> => {
  try {
    const { etag } =
      account === undefined
        ? await office.call('webhooks.get', { params: { webhook } })
        : await office.call('account.webhooks.get', { params: { account, webhook } });
    return etag;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_document')) return undefined;
    throw thrown;
  }
};

export const writeWebhook = async (
  { office, account }: Scope,
  webhook: string,
  body: WebhookDocument,
  etag: string | undefined,
): Promise<AnswerOf<'webhooks.put'>> => {
  whileOrdering(office);
  const expected = etag === undefined ? ({ ifNoneMatch: '*' } as const) : { ifMatch: etag };
  const done =
    account === undefined
      ? await office.call('webhooks.put', { params: { webhook }, body, ...expected })
      : await office.call('account.webhooks.put', {
          params: { account, webhook },
          body,
          ...expected,
        });
  return done.body;
};

export const dropWebhook = async (
  { office, account }: Scope,
  webhook: string,
  etag: string,
): Promise<AnswerOf<'webhooks.delete'>> => {
  whileOrdering(office);
  const done =
    account === undefined
      ? await office.call('webhooks.delete', { params: { webhook }, ifMatch: etag })
      : await office.call('account.webhooks.delete', {
          params: { account, webhook },
          ifMatch: etag,
        });
  return done.body;
};

export const tryWebhook = async (
  { office, account }: Scope,
  webhook: string,
): Promise<AnswerOf<'webhooks.test'>> =>
  (account === undefined
    ? await office.call('webhooks.test', { params: { webhook } })
    : await office.call('account.webhooks.test', { params: { account, webhook } })
  ).body;

export const deliveriesOf = async (
  { office, account }: Scope,
  webhook: string,
): Promise<readonly ItemOf<'webhooks.deliveries'>[]> =>
  await collected(
    office,
    account === undefined
      ? office.list('webhooks.deliveries', { params: { webhook } })
      : office.list('account.webhooks.deliveries', { params: { account, webhook } }),
    100,
  );
