import { defineCommand } from '../lib/command.ts';
import { listed, sentence } from '../lib/print.ts';
import { openScope, SCOPE, webhooksOf } from '../lib/webhooks.ts';

export const command = defineCommand({
  summary: 'list webhooks and whether they are active',
  options: SCOPE,
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const items = await webhooksOf(await openScope(session, input));
    out.result({ webhooks: items }, () =>
      items.length === 0
        ? sentence(out, 'No webhooks yet. `countersign webhooks put <name> <url>` creates one.')
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
            (text, column, row) => {
              if (column !== 1) return text;
              return items[row]?.state === 'active' ? out.style.good(text) : out.style.bad(text);
            },
          ),
    );
  },
});
