import { alertText, type AlertText } from './alert-text.ts';
import type { WebhookDocument } from './document.ts';
import type { WebhookEvent } from './message.ts';

/** The address, headers and body of one request. */
export type OutgoingRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** The request that sends an alert to people: in a Slack channel, or by e-mail. Loaded with the first such webhook. */
export const readableRequest = (
  document: WebhookDocument,
  secret: string,
  event: WebhookEvent,
  label: string | undefined,
): OutgoingRequest => {
  const text = alertText(event, label);
  return document.format === 'slack'
    ? { url: secret, headers: {}, body: JSON.stringify(slackBody(text)) }
    : {
        url: document.url,
        // The provider drops a message that a retry sends a second time.
        headers: { authorization: `Bearer ${secret}`, 'idempotency-key': event.id },
        body: JSON.stringify(emailBody(document, text)),
      };
};

/** Slack's longest text of a block, and of a message's `text` that it does not cut, in characters. */
const MAX_BLOCK = 3_000;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * Slack reads `<!channel>`, `<@user>` and `<url|text>` only with raw angle brackets: escaped, a label cannot mention a channel or disguise a
 * link. Cuts between characters, never inside an entity.
 */
const escaped = (text: string, limit: number): string => {
  let out = '';
  for (const letter of text) {
    const next = ENTITIES[letter] ?? letter;
    if (out.length + next.length > limit - 1) return `${out}…`;
    out += next;
  }
  return out;
};

/** `verbatim`: Slack turns no name, channel or address of the text into a mention or a link. */
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text, verbatim: true });

/** An incoming webhook's body (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). */
const slackBody = ({ title, what, next, where }: AlertText) => ({
  text: escaped(`${title}. ${what}`, MAX_BLOCK),
  blocks: [
    { type: 'section', text: mrkdwn(`*${escaped(title, 150)}*\n${escaped(what, 2_000)}`) },
    { type: 'section', text: mrkdwn(escaped(`Next: ${next}`, MAX_BLOCK)) },
    { type: 'context', elements: [mrkdwn(escaped(where, MAX_BLOCK))] },
  ],
});

const HTML: Readonly<Record<string, string>> = { ...ENTITIES, '"': '&quot;', "'": '&#39;' };
const html = (text: string): string =>
  `<p>${text.replace(/[&<>"']/g, (letter) => HTML[letter] ?? '')}</p>`;

/** The body of `POST /emails` of Resend, and of services of the same form. */
const emailBody = ({ from, to }: WebhookDocument, { title, what, next, where }: AlertText) => {
  const lines = [what, `Next: ${next}`, where];
  return {
    from,
    to,
    subject: `Countersign: ${title}`,
    text: lines.join('\n\n'),
    html: lines.map(html).join('\n'),
  };
};
