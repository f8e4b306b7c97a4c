import type { AnswerOf, ItemOf, Management } from '../../../client/management.ts';
import type { WebhookRequest } from '../../../protocol/alert.ts';
import { allOf } from '../reading/list.ts';
import type { Scope } from '../session/scope.ts';

export type Webhook = ItemOf<'webhooks.list'>;
export type Delivery = AnswerOf<'webhooks.test'>;

/** The webhooks that a person manages: those of the whole gateway as an operator, those of the own account as an owner. */
export type Webhooks = {
  readonly list: (management: Management, signal: AbortSignal) => Promise<readonly Webhook[]>;
  readonly put: (
    management: Management,
    name: string,
    body: WebhookRequest,
    known?: Webhook,
  ) => Promise<unknown>;
  readonly remove: (management: Management, webhook: Webhook) => Promise<unknown>;
  readonly test: (management: Management, webhook: Webhook) => Promise<Delivery>;
  readonly deliveries: (
    management: Management,
    webhook: Webhook,
    signal: AbortSignal,
  ) => Promise<readonly Delivery[]>;
};

/** Replaces only the version that was read; a new webhook replaces none. */
const condition = (known: Webhook | undefined) =>
  known === undefined ? { ifNoneMatch: '*' as const } : { ifMatch: known.etag };

const ofGateway: Webhooks = {
  list: async (management, signal) => allOf(management.list('webhooks.list', { signal })),
  put: (management, webhook, body, known) =>
    management.call('webhooks.put', { params: { webhook }, body, ...condition(known) }),
  remove: (management, { id, etag }) =>
    management.call('webhooks.delete', { params: { webhook: id }, ifMatch: etag }),
  test: async (management, { id }) =>
    (await management.call('webhooks.test', { params: { webhook: id } })).body,
  deliveries: async (management, { id }, signal) =>
    allOf(management.list('webhooks.deliveries', { params: { webhook: id }, signal })),
};

const ofAccount = (account: string): Webhooks => ({
  list: async (management, signal) =>
    allOf(management.list('account.webhooks.list', { params: { account }, signal })),
  put: (management, webhook, body, known) =>
    management.call('account.webhooks.put', {
      params: { account, webhook },
      body,
      ...condition(known),
    }),
  remove: (management, { id, etag }) =>
    management.call('account.webhooks.delete', {
      params: { account, webhook: id },
      ifMatch: etag,
    }),
  test: async (management, { id }) =>
    (await management.call('account.webhooks.test', { params: { account, webhook: id } })).body,
  deliveries: async (management, { id }, signal) =>
    allOf(
      management.list('account.webhooks.deliveries', { params: { account, webhook: id }, signal }),
    ),
});

/** The webhooks that a person manages in this role. */
export const webhooksOf = ({ role, account }: Scope): Webhooks =>
  role === 'operator' ? ofGateway : ofAccount(account);

/** The address of the keys that sign messages to programs. */
export const SIGNING_KEYS = '/.well-known/jwks.json';

/** The receiver's answer to a delivery, in words. */
export const answerText = ({ status, fault }: Pick<Delivery, 'status' | 'fault'>): string => {
  if (fault !== undefined) return FAULTS[fault];
  return status === undefined ? 'no answer' : `answered ${status}`;
};

const FAULTS: { readonly [fault in NonNullable<Delivery['fault']>]: string } = {
  timeout: 'did not answer in time',
  connection: 'could not be reached',
  redirect: 'answered with a redirect, which the gateway does not follow',
  address: 'has an address that the gateway may not call',
  secret: 'has a secret that was sealed under another receipt key: write the webhook again',
};
