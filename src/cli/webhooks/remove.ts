import { defineCommand } from '../lib/command.ts';
import { CliError } from '../lib/errors.ts';
import { changedText } from '../lib/print.ts';
import { deleteWebhook, openScope, SCOPE, WEBHOOK, webhookEtag } from '../lib/webhooks.ts';

export const command = defineCommand({
  summary: 'remove a webhook',
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
});
