import { openAdmin } from './lib/admin-client.ts';
import type { Command } from './lib/command.ts';
import { proseWidth } from './lib/print.ts';
import { counted, fields } from './lib/text.ts';

export const command: Command = {
  summary: 'show how a gateway is deployed, as operator',
  shared: ['gateway', 'signer'],
  examples: ['countersign settings', 'countersign settings --json'],
  run: async (session) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    const { body } = await admin.call('settings', {});
    out.result(body, () =>
      fields(
        [
          ['gateway account', body.gateway_account],
          ['operators', body.operators.join('\n')],
          ['addresses', body.audiences.join('\n')],
          ['networks', body.networks.join('\n')],
          ['new calls', body.paused ? 'refused (PAUSED)' : 'taken'],
          [
            'log in D1',
            body.retain_days === undefined ? 'all of it' : counted(body.retain_days, 'day'),
          ],
          ['traces', body.trace_url ?? 'no TRACE_URL'],
          ['default policy', JSON.stringify(body.default_policy)],
          ['  hash', body.default_policy_hash],
        ],
        out.style.dim,
        proseWidth(out),
      ),
    );
  },
};
