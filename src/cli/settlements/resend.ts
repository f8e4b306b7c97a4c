import { openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import { defineCommand } from '../lib/command.ts';
import { changedText } from '../lib/print.ts';

export const command = defineCommand({
  summary: 'send a dead letter to its queue again, as operator',
  arguments: [{ syntax: '<letter>', summary: 'id of the dead letter' }],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    warnIfStopped(admin);
    const params = { letter: input.arguments[0] ?? '' };
    const { body } = await admin.call('deadletters.redrive', { params });
    out.result(body, () => changedText(out, true, `sent to ${body.queue} again`));
  },
});
