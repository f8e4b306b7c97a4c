import type { Input } from '../lib/command.ts';
import { collected, openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import { changedText, listed } from '../lib/print.ts';
import { shortTime } from '../lib/times.ts';
import type { Session } from '../lib/session.ts';
import { counted } from '../lib/text.ts';

const MOST = 1000;

/** `settlements letters`: messages that nobody could deal with. */
export const listLetters = async (session: Session): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, 'operator');
  const items = await collected(admin, admin.list('deadletters.list'), MOST);
  out.result({ letters: items }, () =>
    items.length === 0
      ? `${out.style.good('none')}  every message was dealt with`
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
            items.map(({ at, queue, reason, redriven_at: again, id }) => [
              shortTime(at),
              queue,
              reason,
              shortTime(again),
              id,
            ]),
          ),
          out.style.dim(
            `${counted(items.length, 'letter')}; \`settlements resend <letter>\` sends one again`,
          ),
        ].join('\n'),
  );
};

/** `settlements resend`. */
export const resendLetter = async (session: Session, input: Input): Promise<void> => {
  const admin = await openAdmin(session, 'operator');
  warnIfStopped(admin);
  const params = { letter: input.arguments[0] ?? '' };
  const { body } = await admin.call('deadletters.redrive', { params });
  session.out.result(body, () => changedText(session.out, true, `sent again to ${body.queue}`));
};
