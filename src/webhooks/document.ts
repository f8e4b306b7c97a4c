import canonicalize from 'canonicalize';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { sha256Hex, utf8 } from '../crypto/bytes.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { type EgressReach, readEgressUrl } from '../protocol/egress-url.ts';
import { type FieldFault, faultsOf } from '../protocol/fault.ts';
import { type AlertRule, type WebhookDocument, webhookSchema } from '../protocol/alert.ts';

export type { WebhookDocument };

/** The scope of a webhook: the alerts of an account and its descendants, or all alerts. */
export type WebhookScope = AccountId | '*';

/** Reads a webhook from a request. Store and hash the result, not the request: its URL is normalised (WHATWG URL). */
export const parseWebhook = (
  json: unknown,
  reach: EgressReach,
): Result<WebhookDocument, readonly FieldFault[]> => {
  const parsed = webhookSchema.safeParse(json);
  if (!parsed.success) return err(faultsOf(parsed.error.issues));
  const url = readEgressUrl(parsed.data.url, reach);
  if (!url.ok) return err([{ field: 'url', reason: url.error }]);
  return ok({ ...parsed.data, url: url.value.href });
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
