import { collected, openAdmin } from '../lib/admin-client.ts';
import { defineCommand } from '../lib/command.ts';
import { listed } from '../lib/print.ts';
import { counted } from '../lib/text.ts';
import { shortTime } from '../lib/times.ts';

const MOST = 1000;

export const command = defineCommand({
  summary: 'list dead letters: messages that no queue consumer could process, as operator',
  shared: ['gateway', 'signer'],
  run: async (session) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    const items = await collected(admin, admin.list('deadletters.list'), MOST);
    out.result({ letters: items }, () =>
      items.length === 0
        ? `${out.style.good('none')}  the consumers processed every message`
        : [
            listed(
              out,
              [
                { title: 'WHEN' },
                { title: 'QUEUE' },
                { title: 'WHY', cut: 'end' },
                { title: 'SENT AGAIN' },
                { title: 'LETTER', cut: 'middle' },
              ],
              items.map(({ at, queue, reason, redriven_at: redrivenAt, id }) => [
                shortTime(at),
                queue,
                reason,
                shortTime(redrivenAt),
                id,
              ]),
            ),
            out.style.dim(
              `${counted(items.length, 'dead letter')}; \`settlements resend <letter>\` sends one again`,
            ),
          ].join('\n'),
    );
  },
});
