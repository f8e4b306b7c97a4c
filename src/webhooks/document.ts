import canonicalize from 'canonicalize';
import * as z from 'zod/mini';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { sha256Hex, utf8 } from '../crypto/bytes.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { type EgressReach, readEgressUrl } from '../protocol/egress-url.ts';
import { type FieldFault, faultsOf } from '../protocol/fault.ts';
import {
  type AlertRule,
  webhookFields,
  type WebhookRequest,
  webhookSchema,
} from '../protocol/alert.ts';

/** The scope of a webhook: the alerts of an account and its descendants, or all alerts. */
export type WebhookScope = AccountId | '*';

const storedSchema = z.strictObject({
  ...webhookFields,
  sealed: z.exactOptional(z.string().check(z.maxLength(4096))),
});

/**
 * A webhook as account, log and D1 keep it. `sealed` is the encrypted secret of a format that has one (`sealWebhook`): the URL of a
 * Slack webhook, whose `url` is then its origin alone, or the token of an e-mail provider.
 */
export type WebhookDocument = z.input<typeof storedSchema>;

/** Reads a webhook from a request. Seal, store and hash the result, not the request: its URL is normalised (WHATWG URL). */
export const parseWebhook = (
  json: unknown,
  reach: EgressReach,
): Result<WebhookRequest, readonly FieldFault[]> => {
  const parsed = webhookSchema.safeParse(json);
  if (!parsed.success) return err(faultsOf(parsed.error.issues));
  const { format, ...rest } = parsed.data;
  const url = readEgressUrl(rest.url, reach);
  if (!url.ok) return err([{ field: 'url', reason: url.error }]);
  const faults = formatFaults(parsed.data, url.value);
  if (faults.length > 0) return err(faults);
  const named = format === undefined || format === 'countersign' ? {} : { format };
  return ok({ ...rest, ...named, url: url.value.href });
};

const MAIL_FIELDS = ['from', 'to', 'token'] as const;

const formatFaults = (webhook: WebhookRequest, url: URL): readonly FieldFault[] => {
  // Readers of a Slack webhook see only the origin: an edit that sends the origin back would lose the secret.
  if (webhook.format === 'slack' && url.pathname === '/')
    return [{ field: 'url', reason: 'must be the whole URL of the Slack webhook' }];
  const isMail = webhook.format === 'email';
  return MAIL_FIELDS.filter((field) => (webhook[field] !== undefined) !== isMail).map((field) => ({
    field,
    reason: isMail ? 'is missing' : 'needs the format email',
  }));
};

/** Reads a webhook that an entry of the log holds; undefined for another form. */
export const readStoredWebhook = (json: unknown): WebhookDocument | undefined => {
  const parsed = storedSchema.safeParse(json);
  return parsed.success ? parsed.data : undefined;
};

/** SHA-256 of the document's JCS: its ETag. */
export const webhookHash = (document: WebhookDocument): Hex =>
  sha256Hex(utf8(canonicalize(document) ?? ''));

/** Whether a webhook subscribes to an alert. */
export const subscribesTo = (
  { events }: Pick<WebhookDocument, 'events'>,
  rule: AlertRule,
): boolean => events.some((event) => event === '*' || event === rule);

/** The name under which an account keeps a webhook: its scope and its id. */
export const webhookName = (scope: WebhookScope, id: string): string => `${scope}/${id}`;

/** Splits such a name; undefined if it is not one. */
export const readWebhookName = (
  name: string,
): { readonly scope: WebhookScope; readonly id: string } | undefined => {
  const [, scope, id] =
    /^(\*|eip155:[1-9][0-9]{0,15}:0x[0-9a-f]{40})\/([a-z0-9][a-z0-9_-]{0,63})$/.exec(name) ?? [];
  return scope === undefined || id === undefined ? undefined : { scope: scope as WebhookScope, id };
};
