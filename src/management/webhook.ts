import type { Json } from '../protocol/entry.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { RouteId } from './routes.ts';
import { type Delivery, listDeliveries, testDelivery } from '../webhooks/deliveries.ts';
import { parseWebhook, webhookName, type WebhookScope } from '../webhooks/document.ts';
import {
  findWebhook,
  listWebhooks,
  MAX_WEBHOOKS,
  putWebhook,
  type Webhook,
} from '../webhooks/registry.ts';
import type { AdminRequest } from './handler.ts';
import type { AnswerOf } from './types.ts';
import { keep } from './document-command.ts';
import { orderedBody } from './command.ts';
import { present, refuse, reply, type Replied, replyPage } from './reply.ts';

type Item = AnswerOf<'webhooks.get'>;

const itemOf = (webhook: Webhook): Item => ({
  ...{ id: webhook.id, etag: webhook.hash },
  ...(webhook.document as Pick<Item, 'url' | 'events' | 'description'>),
  ...{ state: webhook.state, failures: webhook.failures, at: webhook.at },
  ...present({ reason: webhook.reason, disabled_at: webhook.disabledAt }),
});

const FULL = `There are ${MAX_WEBHOOKS} webhooks already. Remove one first.`;
const NONE = { reason: 'unknown_document', what: 'webhook of this name' } as const;

/** Whose alerts a webhook hears, and which account keeps it. */
export type Scoped = { readonly scope: WebhookScope; readonly keeper: AccountId };
type Of<Id extends RouteId> = Pick<
  AdminRequest<Id>,
  'context' | 'by' | 'order' | 'expected' | 'query' | 'body' | 'request' | 'now'
>;
type Named = { readonly webhook: string };

/** The table is the only place that knows: where it does not answer, nothing is said. */
const answering = async (work: () => Promise<Replied>): Promise<Replied> => {
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

/** A scope holds so few that they are one page. */
export const list = ({ context, request }: Of<'webhooks.list'>, { scope }: Scoped) =>
  answering(async () =>
    replyPage(request, { items: (await listWebhooks(context.db, scope)).map(itemOf) }),
  );

export const get = ({ context }: Of<'webhooks.get'>, { scope }: Scoped, { webhook: id }: Named) =>
  answering(async () => {
    const found = await findWebhook(context.db, scope, id);
    return found === undefined ? refuse(NONE) : reply(itemOf(found), found.hash);
  });

export const put = (asked: Of<'webhooks.put'>, { scope, keeper }: Scoped, { webhook: id }: Named) =>
  answering(async () => {
    const { context } = asked;
    const parsed = parseWebhook(asked.body, context.config.reach);
    if (!parsed.ok) {
      const faults = parsed.error.map(({ field, reason }) => ({ field: `body.${field}`, reason }));
      return refuse({ reason: 'malformed_document', faults });
    }
    const all = await listWebhooks(context.db, scope);
    const known = all.find((each) => each.id === id);
    if (known === undefined && all.length >= MAX_WEBHOOKS) {
      return refuse({ reason: 'not_writable', hint: FULL });
    }
    const document = parsed.value;
    const kept = {
      ...keptBy(keeper, scope, id),
      document: document as unknown as Json,
      known: known?.hash,
      anew: known?.state === 'disabled',
    };
    const done = await keep(asked, kept, async (place) => {
      const written = { scope, id, document, holder: keeper, ...place };
      const { verdict } = await putWebhook(context.db, written);
      return verdict === 'full' ? { reason: 'not_writable', hint: FULL } : undefined;
    });
    return done.ok ? reply(orderedBody(done.value), done.value.current) : done;
  });

export const remove = (
  asked: Of<'webhooks.delete'>,
  { scope, keeper }: Scoped,
  { webhook: id }: Named,
) =>
  answering(async () => {
    const { context, expected } = asked;
    const known = (await findWebhook(context.db, scope, id))?.hash;
    if (known === undefined && expected === undefined) return refuse(NONE);
    const kept = { ...keptBy(keeper, scope, id), document: null, known };
    const done = await keep(asked, kept, async (place) => {
      await putWebhook(context.db, { scope, id, document: null, holder: keeper, ...place });
      return undefined;
    });
    return done.ok ? reply(orderedBody(done.value)) : done;
  });

export const deliveries = (
  { context, request }: Of<'webhooks.deliveries'>,
  { scope }: Scoped,
  { webhook: id }: Named,
) =>
  answering(async () => {
    if ((await findWebhook(context.db, scope, id)) === undefined) return refuse(NONE);
    const items = (await listDeliveries(context.db, scope, id)).map(deliveryBody);
    return replyPage(request, { items });
  });

/** Sends at once. The account that keeps it is asked for the same once more: it knows whether this intent has been used. */
export const test = (
  asked: Of<'webhooks.test'>,
  { scope, keeper }: Scoped,
  { webhook: id }: Named,
) =>
  answering(async () => {
    const { context, now } = asked;
    const known = await findWebhook(context.db, scope, id);
    if (known === undefined) return refuse(NONE);
    const kept = {
      ...keptBy(keeper, scope, id),
      document: known.document as unknown as Json,
      known: known.hash,
    };
    const claimed = await keep({ ...asked, expected: known.hash }, kept, async () => undefined);
    if (!claimed.ok) return claimed;
    const deps = { db: context.db, signer: context.signer, reach: context.config.reach };
    const delivery = await testDelivery(deps, scope, id, now);
    return delivery === undefined ? refuse(NONE) : reply(deliveryBody(delivery));
  });

const deliveryBody = ({
  retryAt,
  ...delivery
}: Delivery): AnswerOf<'webhooks.deliveries'>['items'][number] => ({
  ...delivery,
  ...present({ retry_at: retryAt }),
});
