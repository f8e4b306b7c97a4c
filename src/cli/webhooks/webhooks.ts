import { ALERT_RULES, type WebhookDocument } from '../../protocol/webhook.ts';
import type { ItemOf } from '../../management/types.ts';
import type { Input } from '../lib/command.ts';
import { Ended } from '../lib/ended.ts';
import { CliError, usageError } from '../lib/errors.ts';
import { EXIT } from '../lib/exit-code.ts';
import { changedText, listed, sentence } from '../lib/print.ts';
import { shortTime } from '../lib/times.ts';
import { listOf } from '../lib/policy-flags.ts';
import type { Session } from '../lib/session.ts';
import {
  deliveriesOf,
  dropWebhook,
  etagIfAny,
  openScope,
  tryWebhook,
  webhooksOf,
  writeWebhook,
} from '../lib/webhooks.ts';

/** `webhooks list`: where alerts go. */
export const listWebhooks = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const items = await webhooksOf(await openScope(session, input));
  out.result({ webhooks: items }, () =>
    items.length === 0
      ? sentence(out, 'No webhooks yet. `countersign webhooks put <name> <url>` makes one.')
      : listed(
          out,
          [
            { title: 'NAME' },
            { title: 'STATE' },
            { title: 'EVENTS', cut: 'end' },
            { title: 'URL', cut: 'end' },
          ],
          items.map(({ id, state, reason, events, url }) => [
            id,
            reason === undefined ? state : `${state}: ${reason}`,
            events.includes('*') ? 'all' : events.join(', '),
            url,
          ]),
          (text, column, row) =>
            column === 1
              ? items[row]?.state === 'active'
                ? out.style.good(text)
                : out.style.bad(text)
              : text,
        ),
  );
};

/** `webhooks put`: makes one, or writes over the one that was seen; a disabled one is in use again. */
export const putWebhook = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const [name = '', url = ''] = input.arguments;
  const description = input.text('description');
  const document: WebhookDocument = {
    url,
    events: eventsIn(input.text('events') ?? '*'),
    ...(description === undefined ? {} : { description }),
  };
  const scope = await openScope(session, input);
  const etag = await etagIfAny(scope, name);
  const done = await writeWebhook(scope, name, document, etag);
  out.result({ name, ...document, ...done }, () =>
    changedText(
      out,
      done.changed,
      `${name} ${etag === undefined ? 'made' : 'changed'}; try it with \`webhooks test ${name}\``,
    ),
  );
};

const EVENTS = ['*', ...ALERT_RULES] as const;

const eventsIn = (text: string): WebhookDocument['events'] =>
  listOf(text).map((item) => {
    const event = EVENTS.find((each) => each === (item === 'all' ? '*' : item));
    if (event !== undefined) return event;
    throw usageError('--events names no alert.', `Use some of ${ALERT_RULES.join(', ')}, or all.`);
  });

/** `webhooks remove`. */
export const removeWebhook = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const name = input.arguments[0] ?? '';
  const scope = await openScope(session, input);
  const etag = await etagIfAny(scope, name);
  if (etag === undefined) {
    throw new CliError(`There is no webhook ${name}.`, {
      hint: '`countersign webhooks list` shows what there is; --operator those of the whole gateway.',
      code: 'unknown_document',
    });
  }
  const done = await dropWebhook(scope, name, etag);
  out.result({ name, ...done }, () => changedText(out, done.changed, `${name} removed`));
};

/** `webhooks test`: one alert that says nothing, now. Ends with 1 where it was not delivered. */
export const testWebhook = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const name = input.arguments[0] ?? '';
  const done = await session.progress.during('delivering', async () =>
    tryWebhook(await openScope(session, input), name),
  );
  const isDelivered = done.outcome === 'delivered';
  out.result(
    done,
    () =>
      `${isDelivered ? out.style.good('delivered') : out.style.bad('not delivered')}  ${whatText(done)}, ${done.ms} ms`,
  );
  if (!isDelivered) throw new Ended(EXIT.failed);
};

/** `webhooks log`: the newest attempts to deliver. */
export const showDeliveries = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const items = await deliveriesOf(await openScope(session, input), input.arguments[0] ?? '');
  out.result({ deliveries: items }, () =>
    items.length === 0
      ? 'Nothing was delivered yet.'
      : listed(
          out,
          [
            { title: 'WHEN' },
            { title: 'ALERT' },
            { title: 'NO', align: 'right' },
            { title: 'ANSWER' },
            { title: 'OUTCOME' },
            { title: 'AGAIN' },
          ],
          items.map((item) => [
            shortTime(item.at),
            item.rule ?? item.type,
            String(item.attempt),
            whatText(item),
            item.outcome,
            shortTime(item.retry_at),
          ]),
          (text, column, row) => {
            if (column !== 4) return text;
            const outcome = items[row]?.outcome;
            return outcome === 'delivered'
              ? out.style.good(text)
              : outcome === 'retry'
                ? out.style.warn(text)
                : out.style.bad(text);
          },
        ),
  );
};

const whatText = ({
  status,
  fault,
}: Pick<ItemOf<'webhooks.deliveries'>, 'status' | 'fault'>): string =>
  status === undefined
    ? (fault ?? 'no answer')
    : `${status}${fault === undefined ? '' : ` ${fault}`}`;
