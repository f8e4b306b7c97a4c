import canonicalize from 'canonicalize';
import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import { type EgressReach, readEgressUrl } from '../protocol/egress-url.ts';
import { type FieldFault, faultsOf } from '../protocol/fault.ts';
import { err, ok, type Result } from '../core/result.ts';
import { utf8 } from '../crypto/bytes.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { type AlertRule, type WebhookDocument, webhookSchema } from '../protocol/webhook.ts';

export type { WebhookDocument };

/** Whose alerts an endpoint hears: of an account and all below it, or of everything. */
export type WebhookScope = AccountId | '*';

/**
 * Reads an endpoint that somebody wrote. Store and hash what this gives, not what came: its URL has the form of the URL
 * standard.
 */
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

/** SHA-256 of the JCS of a document: its ETag. */
export const webhookHash = (document: WebhookDocument): Hex =>
  sha256Hex(utf8(canonicalize(document) ?? ''));

/** Whether an endpoint asked for this. */
export const hears = ({ events }: Pick<WebhookDocument, 'events'>, rule: AlertRule): boolean =>
  events.some((event) => event === '*' || event === rule);

/** What the account that keeps an endpoint calls it: its scope and its id. */
export const webhookName = (scope: WebhookScope, id: string): string => `${scope}/${id}`;

/** Takes such a name apart, or undefined when it is not one. */
export const readWebhookName = (
  name: string,
): { readonly scope: WebhookScope; readonly id: string } | undefined => {
  const [, scope, id] =
    /^(\*|eip155:[1-9][0-9]{0,15}:0x[0-9a-f]{40})\/([a-z0-9][a-z0-9_-]{0,63})$/.exec(name) ?? [];
  return scope === undefined || id === undefined ? undefined : { scope: scope as WebhookScope, id };
};
