import type { AnswerOf, ItemOf } from '../../management/routes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { WebhookRequest } from '../../protocol/alert.ts';
import { accountOrOwn } from '../lib/accounts.ts';
import {
  type AdminClient,
  collected,
  openAdmin,
  roleOf,
  warnIfStopped,
} from '../lib/admin-client.ts';
import type { OptionSpec } from '../lib/command.ts';
import { isRefusal } from '../lib/errors.ts';
import { type Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';

export const SCOPE: readonly OptionSpec[] = [
  {
    flags: '--account <account>',
    summary: 'webhooks of this account and its descendants (default: your own account)',
  },
  {
    flags: '--operator',
    summary: 'sign as operator; without --account, webhooks of the whole gateway',
  },
];

/** The alerts that a webhook receives: of one account and its descendants, or of the whole gateway. */
export type WebhookScope = {
  readonly admin: AdminClient;
  /** Undefined: the whole gateway. */
  readonly account: AccountId | undefined;
};

export const openScope = async (session: Session, input: Input): Promise<WebhookScope> => {
  const admin = await openAdmin(session, roleOf(input));
  const named = input.text('account');
  if (admin.role === 'operator' && named === undefined) return { admin, account: undefined };
  return { admin, account: await accountOrOwn(admin, named) };
};

export const webhooksOf = async ({
  admin,
  account,
}: WebhookScope): Promise<readonly ItemOf<'webhooks.list'>[]> =>
  await collected(
    admin,
    account === undefined
      ? admin.list('webhooks.list')
      : admin.list('account.webhooks.list', { params: { account } }),
  );

/** The ETag of a webhook; undefined if none has that name. */
export const webhookEtag = async (
  { admin, account }: WebhookScope,
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

/** Replaces the version with this ETag; without one, creates a webhook that must not exist. */
export const writeWebhook = async (
  { admin, account }: WebhookScope,
  webhook: string,
  body: WebhookRequest,
  etag: string | undefined,
): Promise<AnswerOf<'webhooks.put'>> => {
  warnIfStopped(admin);
  const rest = {
    body,
    ...(etag === undefined ? { ifNoneMatch: '*' as const } : { ifMatch: etag }),
  };
  const answer =
    account === undefined
      ? await admin.call('webhooks.put', { params: { webhook }, ...rest })
      : await admin.call('account.webhooks.put', { params: { account, webhook }, ...rest });
  return answer.body;
};

export const deleteWebhook = async (
  { admin, account }: WebhookScope,
  webhook: string,
  ifMatch: string,
): Promise<AnswerOf<'webhooks.delete'>> => {
  warnIfStopped(admin);
  const answer =
    account === undefined
      ? await admin.call('webhooks.delete', { params: { webhook }, ifMatch })
      : await admin.call('account.webhooks.delete', { params: { account, webhook }, ifMatch });
  return answer.body;
};

export const sendTestAlert = async (
  { admin, account }: WebhookScope,
  webhook: string,
): Promise<AnswerOf<'webhooks.test'>> => {
  const answer =
    account === undefined
      ? await admin.call('webhooks.test', { params: { webhook } })
      : await admin.call('account.webhooks.test', { params: { account, webhook } });
  return answer.body;
};

type Delivery = ItemOf<'webhooks.deliveries'>;

/** The newest 100 delivery attempts. */
export const deliveriesOf = async (
  { admin, account }: WebhookScope,
  webhook: string,
): Promise<readonly Delivery[]> =>
  await collected(
    admin,
    account === undefined
      ? admin.list('webhooks.deliveries', { params: { webhook } })
      : admin.list('account.webhooks.deliveries', { params: { account, webhook } }),
    100,
  );

/** The receiver's answer to a delivery. */
export const deliveryText = ({ status, fault }: Pick<Delivery, 'status' | 'fault'>): string =>
  status === undefined
    ? (FAULTS[fault ?? ''] ?? fault ?? 'no answer')
    : `${status}${fault === undefined ? '' : ` ${fault}`}`;

const FAULTS: Readonly<Record<string, string>> = {
  address: 'the gateway may not call this URL',
  secret: 'sealed under another RECEIPT_KEY: write the webhook again',
};
