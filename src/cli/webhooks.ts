import { ALERT_RULES } from '../protocol/alert.ts';
import type { ArgumentSpec, Command, CommandGroup } from './lib/command.ts';
import { CliError, Ended, EXIT, usageError } from './lib/errors.ts';
import { changedText, listed, sentence } from './lib/print.ts';
import { shortTime } from './lib/units.ts';
import { receiverIn } from './webhooks/receiver.ts';
import {
  deleteWebhook,
  deliveriesOf,
  deliveryText,
  openScope,
  SCOPE,
  sendTestAlert,
  webhookEtag,
  webhooksOf,
  writeWebhook,
} from './webhooks/scope.ts';

const EXAMPLES = [
  'countersign webhooks add --slack https://hooks.slack.com/services/T…/B…/…',
  'countersign webhooks add --email me@example.com --from alerts@example.com',
  'countersign webhooks add pager https://ops.example/alerts --events soft_limit,debt',
];

const WEBHOOK: ArgumentSpec = { syntax: '<name>', summary: 'name of the webhook' };

const list: Command = {
  summary: 'list webhooks and whether they are active',
  examples: ['countersign webhooks list', 'countersign webhooks list --operator'],
  options: SCOPE,
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const items = await webhooksOf(await openScope(session, input));
    out.result({ webhooks: items }, () =>
      items.length === 0
        ? sentence(out, 'No webhooks yet. `countersign webhooks add --slack <url>` creates one.')
        : listed(
            out,
            [
              { title: 'NAME' },
              { title: 'STATE' },
              { title: 'EVENTS', cut: 'end' },
              { title: 'TO', cut: 'end' },
            ],
            items.map(({ id, state, reason, events, url, format, to = [] }) => [
              id,
              reason === undefined ? state : `${state}: ${reason}`,
              events.includes('*') ? 'all' : events.join(', '),
              // The gateway never shows the rest of a Slack URL, because its holder may post.
              format === 'slack' ? `Slack, ${url}…` : format === 'email' ? to.join(', ') : url,
            ]),
            (text, column, row) => {
              if (column !== 1) return text;
              return items[row]?.state === 'active' ? out.style.good(text) : out.style.bad(text);
            },
          ),
    );
  },
};

const add: Command = {
  summary: 'create or change a webhook; reactivates a disabled one',
  arguments: [
    { syntax: '[name]', summary: 'name of the webhook (default: slack or email)' },
    { syntax: '[url]', summary: 'https URL that receives the alerts as signed JSON' },
  ],
  options: [
    {
      flags: '--slack <url>',
      summary: 'post to a Slack channel: URL of an incoming webhook; - asks for it',
    },
    { flags: '--email <addresses>', summary: 'send e-mail to these addresses, comma-separated' },
    { flags: '--from <address>', summary: 'sender of the e-mail, which your provider must allow' },
    {
      flags: '--provider <url>',
      summary: 'e-mail API in the form of Resend (default: https://api.resend.com/emails)',
    },
    {
      flags: '--events <names>',
      summary: `comma-separated: ${ALERT_RULES.join(', ')} (default: all)`,
    },
    { flags: '--description <text>', summary: 'text for people' },
    ...SCOPE,
  ],
  shared: ['gateway', 'signer'],
  examples: EXAMPLES,
  run: async (session, input) => {
    const { out } = session;
    const { name, isChosen, document } = await receiverIn(session, input);
    const scope = await openScope(session, input);
    const etag = await webhookEtag(scope, name);
    if (etag !== undefined && !isChosen) {
      throw usageError(
        `A webhook named ${name} exists already.`,
        `Name the new one, e.g. \`countersign webhooks add ${name}-2 …\`; with the name ${name} the command replaces it.`,
      );
    }
    const answer = await writeWebhook(scope, name, document, etag);
    const what = `${name} ${etag === undefined ? 'created' : 'changed'}; test it with \`webhooks test ${name}\``;
    // URL and token may be secrets: print neither.
    const { events, format = 'countersign' } = document;
    out.result({ name, format, events, ...answer }, () => changedText(out, answer.changed, what));
  },
};

const remove: Command = {
  summary: 'remove a webhook',
  examples: ['countersign webhooks remove slack'],
  arguments: [WEBHOOK],
  options: SCOPE,
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const name = input.arguments[0] ?? '';
    const scope = await openScope(session, input);
    const etag = await webhookEtag(scope, name);
    if (etag === undefined) {
      throw new CliError(`No webhook has the name ${name}.`, {
        hint: '`countersign webhooks list` lists them; with --operator, those of the whole gateway.',
        code: 'unknown_document',
      });
    }
    const answer = await deleteWebhook(scope, name, etag);
    out.result({ name, ...answer }, () => changedText(out, answer.changed, `${name} removed`));
  },
};

const test: Command = {
  summary: 'deliver a test alert now; exit code 1 if the delivery fails',
  examples: ['countersign webhooks test slack'],
  arguments: [WEBHOOK],
  options: SCOPE,
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const delivery = await session.progress.during('delivering', async () =>
      sendTestAlert(await openScope(session, input), input.arguments[0] ?? ''),
    );
    const isDelivered = delivery.outcome === 'delivered';
    out.result(
      delivery,
      () =>
        `${isDelivered ? out.style.good('delivered') : out.style.bad('not delivered')}  ${deliveryText(delivery)}, ${delivery.ms} ms`,
    );
    if (!isDelivered) throw new Ended(EXIT.failed);
  },
};

const log: Command = {
  summary: 'list the last 100 delivery attempts of a webhook',
  examples: ['countersign webhooks log slack'],
  arguments: [WEBHOOK],
  options: SCOPE,
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const items = await deliveriesOf(await openScope(session, input), input.arguments[0] ?? '');
    out.result({ deliveries: items }, () =>
      items.length === 0
        ? 'No delivery yet.'
        : listed(
            out,
            [
              { title: 'WHEN' },
              { title: 'ALERT' },
              { title: 'NO', align: 'right' },
              { title: 'ANSWER' },
              { title: 'OUTCOME' },
              { title: 'RETRY AT' },
            ],
            items.map((item) => [
              shortTime(item.at),
              item.rule ?? item.type,
              String(item.attempt),
              deliveryText(item),
              item.outcome,
              shortTime(item.retry_at),
            ]),
            (text, column, row) => {
              if (column !== 4) return text;
              const outcome = items[row]?.outcome;
              if (outcome === 'delivered') return out.style.good(text);
              return outcome === 'retry' ? out.style.warn(text) : out.style.bad(text);
            },
          ),
    );
  },
};

export const group: CommandGroup = {
  examples: EXAMPLES,
  commands: { list, add, remove, test, log },
};
