import type { WebhookRequest } from '../../../protocol/alert.ts';
import type { Webhook } from './webhooks.ts';

export type WebhookFormat = NonNullable<WebhookRequest['format']>;
export type WebhookEvent = WebhookRequest['events'][number];

/** A webhook as a person types it. */
export type WebhookDraft = {
  readonly name: string;
  readonly format: WebhookFormat;
  readonly url: string;
  readonly from: string;
  /** Addresses, separated by commas. */
  readonly to: string;
  /** API key of the e-mail provider. */
  readonly token: string;
  readonly events: readonly WebhookEvent[];
};

/** The draft that a dialog starts with. Secrets must be typed again: the gateway never returns them. */
export const webhookDraftOf = (known: Webhook | undefined): WebhookDraft =>
  known === undefined
    ? { name: 'slack', format: 'slack', url: '', from: '', to: '', token: '', events: ['*'] }
    : {
        name: known.id,
        format: known.format ?? 'countersign',
        // The gateway shows only the origin of a Slack webhook: its address must be typed again.
        url: known.format === 'slack' ? '' : known.url,
        from: known.from ?? '',
        to: (known.to ?? []).join(', '),
        token: '',
        events: known.events,
      };

const RESEND = 'https://api.resend.com/emails';

/** The draft in another format. A new webhook is named after its format. */
export const inFormat = (
  draft: WebhookDraft,
  format: WebhookFormat,
  known: Webhook | undefined,
): WebhookDraft => ({
  ...{ ...draft, format },
  ...(known === undefined ? { name: format === 'countersign' ? 'program' : format } : {}),
  ...(format === 'email' && draft.url === '' ? { url: RESEND } : {}),
});

const addressesIn = (text: string): string[] => text.split(/[\s,]+/).filter((part) => part !== '');

/** The fields that a draft lacks, each with a message. */
export const missingIn = ({
  name,
  format,
  url,
  from,
  to,
  token,
  events,
}: WebhookDraft): { readonly [Field in keyof WebhookDraft]?: string } => ({
  ...(name.trim() === '' ? { name: 'Enter a name.' } : {}),
  ...(url.trim() === '' ? { url: 'Enter the address.' } : {}),
  ...(events.length === 0 ? { events: 'Choose at least one alert.' } : {}),
  ...(format === 'email'
    ? {
        ...(addressesIn(to).length === 0 ? { to: 'Enter at least one address.' } : {}),
        ...(from.trim() === '' ? { from: 'Enter the address of the sender.' } : {}),
        ...(token.trim() === '' ? { token: 'Enter the API key.' } : {}),
      }
    : {}),
});

/** The webhook that a draft describes. It keeps the description of the one that it replaces. */
export const webhookRequestOf = (
  { format, url, from, to, token, events }: WebhookDraft,
  known: Webhook | undefined,
): WebhookRequest => ({
  url: url.trim(),
  events: [...events],
  ...(known?.description === undefined ? {} : { description: known.description }),
  ...(format === 'countersign' ? {} : { format }),
  ...(format === 'email' ? { from: from.trim(), to: addressesIn(to), token: token.trim() } : {}),
});
