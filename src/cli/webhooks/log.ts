import { defineCommand } from '../lib/command.ts';
import { listed } from '../lib/print.ts';
import { shortTime } from '../lib/times.ts';
import { deliveriesOf, deliveryText, openScope, SCOPE, WEBHOOK } from '../lib/webhooks.ts';

export const command = defineCommand({
  summary: 'list the last 100 delivery attempts of a webhook',
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
});
