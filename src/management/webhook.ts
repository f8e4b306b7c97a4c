import { gatewayAccount } from '../config/config.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Json } from '../protocol/entry.ts';
import { type Delivery, listDeliveries, testDelivery } from '../webhooks/deliveries.ts';
import { parseWebhook, webhookName, type WebhookScope } from '../webhooks/document.ts';
import {
  findWebhook,
  listWebhooks,
  MAX_WEBHOOKS,
  putWebhook,
  type Webhook,
} from '../webhooks/registry.ts';
import { sealWebhook } from '../webhooks/seal.ts';
import { outcomeBody, sendDocumentCommand } from './command.ts';
import type { AdminRequest, Handlers } from './handler.ts';
import { refuse, reply, replyPage, type ReplyResult } from './reply.ts';
import type { AnswerOf, RouteId } from './routes.ts';
import type { WEBHOOK_ROUTES } from './webhook.route.ts';

type Item = AnswerOf<'webhooks.get'>;

/** Omits the sealed secret, because readers have no use for ciphertext. */
const itemOf = ({ document: { sealed: _, ...document }, ...webhook }: Webhook): Item => ({
  ...{ id: webhook.id, etag: webhook.hash },
  ...(document as Pick<Item, 'url' | 'events' | 'description' | 'format' | 'from' | 'to'>),
  ...{ state: webhook.state, failures: webhook.failures, at: webhook.at },
  ...withoutUndefined({ reason: webhook.reason, disabled_at: webhook.disabledAt }),
});

const FULL = `There are ${MAX_WEBHOOKS} webhooks already. Remove one of them first.`;
const UNKNOWN = { reason: 'unknown_document', what: 'webhook of this name' } as const;

/** The accounts whose alerts a webhook receives, and the account that keeps its document. */
type Scoped = { readonly scope: WebhookScope; readonly keeper: AccountId };
type RequestFor<Id extends RouteId> = Pick<
  AdminRequest<Id>,
  'context' | 'by' | 'intent' | 'expected' | 'query' | 'body' | 'request' | 'now'
>;
type Named = { readonly webhook: string };

/** Refuses if D1 does not answer, because only D1 has the state of webhooks. */
const whileStored = async (work: () => Promise<ReplyResult>): Promise<ReplyResult> => {
  try {
    return await work();
  } catch (cause) {
    console.error({ event: 'webhooks_failed', cause: String(cause) });
    return refuse({ reason: 'storage_unavailable' });
  }
};

const keptBy = (keeper: AccountId, scope: WebhookScope, id: string) => ({
  keeper,
  type: 'webhook' as const,
  name: webhookName(scope, id),
});

/** A scope has at most `MAX_WEBHOOKS`: one page. */
const list = ({ context, request }: RequestFor<'webhooks.list'>, { scope }: Scoped) =>
  whileStored(async () =>
    replyPage(request, { items: (await listWebhooks(context.db, scope)).map(itemOf) }),
  );

const get = ({ context }: RequestFor<'webhooks.get'>, { scope }: Scoped, { webhook: id }: Named) =>
  whileStored(async () => {
    const found = await findWebhook(context.db, scope, id);
    return found === undefined ? refuse(UNKNOWN) : reply(itemOf(found), found.hash);
  });

const put = (
  request: RequestFor<'webhooks.put'>,
  { scope, keeper }: Scoped,
  { webhook: id }: Named,
) =>
  whileStored(async () => {
    const { context } = request;
    const parsed = parseWebhook(request.body, context.config.reach);
    if (!parsed.ok) {
      const faults = parsed.error.map(({ field, reason }) => ({ field: `body.${field}`, reason }));
      return refuse({ reason: 'malformed_document', faults });
    }
    const all = await listWebhooks(context.db, scope);
    const known = all.find((each) => each.id === id);
    if (known === undefined && all.length >= MAX_WEBHOOKS) {
      return refuse({ reason: 'not_writable', hint: FULL });
    }
    const document = await sealWebhook(
      context.config.receiptKey,
      webhookName(scope, id),
      parsed.value,
    );
    const kept = {
      ...keptBy(keeper, scope, id),
      document: document as unknown as Json,
      known: known?.hash,
      anew: known?.state === 'disabled',
    };
    const done = await sendDocumentCommand(request, kept, async (place) => {
      const written = { scope, id, document, holder: keeper, ...place };
      const { verdict } = await putWebhook(context.db, written);
      return verdict === 'full' ? { reason: 'not_writable', hint: FULL } : undefined;
    });
    return done.ok ? reply(outcomeBody(done.value), done.value.current) : done;
  });

const remove = (
  request: RequestFor<'webhooks.delete'>,
  { scope, keeper }: Scoped,
  { webhook: id }: Named,
) =>
  whileStored(async () => {
    const { context, expected } = request;
    const known = (await findWebhook(context.db, scope, id))?.hash;
    if (known === undefined && expected === undefined) return refuse(UNKNOWN);
    const kept = { ...keptBy(keeper, scope, id), document: null, known };
    const done = await sendDocumentCommand(request, kept, async (place) => {
      await putWebhook(context.db, { scope, id, document: null, holder: keeper, ...place });
      return undefined;
    });
    return done.ok ? reply(outcomeBody(done.value)) : done;
  });

const deliveries = (
  { context, request }: RequestFor<'webhooks.deliveries'>,
  { scope }: Scoped,
  { webhook: id }: Named,
) =>
  whileStored(async () => {
    if ((await findWebhook(context.db, scope, id)) === undefined) return refuse(UNKNOWN);
    const items = (await listDeliveries(context.db, scope, id)).map(deliveryBody);
    return replyPage(request, { items });
  });

/** Sends a test alert now. The unchanged document goes to its account first, which rejects an intent that was used before. */
const test = (
  request: RequestFor<'webhooks.test'>,
  { scope, keeper }: Scoped,
  { webhook: id }: Named,
) =>
  whileStored(async () => {
    const { context, now } = request;
    const known = await findWebhook(context.db, scope, id);
    if (known === undefined) return refuse(UNKNOWN);
    const kept = {
      ...keptBy(keeper, scope, id),
      document: known.document as unknown as Json,
      known: known.hash,
    };
    const applied = await sendDocumentCommand(
      { ...request, expected: known.hash },
      kept,
      async () => undefined,
    );
    if (!applied.ok) return applied;
    const { db, signer, config } = context;
    const deps = { db, signer, reach: config.reach, receiptKey: config.receiptKey };
    const delivery = await testDelivery(deps, scope, id, now);
    return delivery === undefined ? refuse(UNKNOWN) : reply(deliveryBody(delivery));
  });

const deliveryBody = ({
  retryAt,
  ...delivery
}: Delivery): AnswerOf<'webhooks.deliveries'>['items'][number] => ({
  ...delivery,
  ...withoutUndefined({ retry_at: retryAt }),
});

/** Webhooks for the alerts of all accounts, kept by the gateway's own account. */
const ofGateway = ({ context }: Pick<AdminRequest<'webhooks.list'>, 'context'>): Scoped => ({
  scope: '*',
  keeper: gatewayAccount(context.config),
});

/** Webhooks for the alerts of an account and its descendants, kept by that account. */
const ofAccount = ({ params }: { readonly params: { readonly account: AccountId } }): Scoped => ({
  scope: params.account,
  keeper: params.account,
});

export const webhookHandlers: Handlers<keyof typeof WEBHOOK_ROUTES> = {
  'webhooks.list': (request) => list(request, ofGateway(request)),
  'webhooks.get': (request) => get(request, ofGateway(request), request.params),
  'webhooks.put': (request) => put(request, ofGateway(request), request.params),
  'webhooks.delete': (request) => remove(request, ofGateway(request), request.params),
  'webhooks.deliveries': (request) => deliveries(request, ofGateway(request), request.params),
  'webhooks.test': (request) => test(request, ofGateway(request), request.params),
  'account.webhooks.list': (request) => list(request, ofAccount(request)),
  'account.webhooks.get': (request) => get(request, ofAccount(request), request.params),
  'account.webhooks.put': (request) => put(request, ofAccount(request), request.params),
  'account.webhooks.delete': (request) => remove(request, ofAccount(request), request.params),
  'account.webhooks.deliveries': (request) =>
    deliveries(request, ofAccount(request), request.params),
  'account.webhooks.test': (request) => test(request, ofAccount(request), request.params),
};
