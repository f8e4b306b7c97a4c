import { ALERT_RULES, type WebhookDocument } from '../../protocol/alert.ts';
import { defineCommand } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { listOf } from '../lib/input.ts';
import { changedText } from '../lib/print.ts';
import { openScope, SCOPE, WEBHOOK, webhookEtag, writeWebhook } from '../lib/webhooks.ts';

export const command = defineCommand({
  summary: 'create or change a webhook; reactivates a disabled one',
  arguments: [WEBHOOK, { syntax: '<url>', summary: 'https URL that receives the alerts' }],
  options: [
    {
      flags: '--events <names>',
      summary: `comma-separated: ${ALERT_RULES.join(', ')} (default: all)`,
    },
    { flags: '--description <text>', summary: 'text for people' },
    ...SCOPE,
  ],
  shared: ['gateway', 'signer'],
  examples: ['countersign webhooks put pager https://ops.example/alerts --events soft_limit,debt'],
  run: async (session, input) => {
    const { out } = session;
    const [name = '', url = ''] = input.arguments;
    const description = input.text('description');
    const document: WebhookDocument = {
      url,
      events: eventsIn(input.text('events') ?? '*'),
      ...(description === undefined ? {} : { description }),
    };
    const scope = await openScope(session, input);
    const etag = await webhookEtag(scope, name);
    const answer = await writeWebhook(scope, name, document, etag);
    const what = `${name} ${etag === undefined ? 'created' : 'changed'}; test it with \`webhooks test ${name}\``;
    out.result({ name, ...document, ...answer }, () => changedText(out, answer.changed, what));
  },
});

const EVENTS = ['*', ...ALERT_RULES] as const;

const eventsIn = (text: string): WebhookDocument['events'] =>
  listOf(text).map((item) => {
    const event = EVENTS.find((each) => each === (item === 'all' ? '*' : item));
    if (event !== undefined) return event;
    throw usageError(
      '--events holds an unknown alert.',
      `Use some of ${ALERT_RULES.join(', ')}, or all.`,
    );
  });
