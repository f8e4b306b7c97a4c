import { openAdmin } from '../lib/admin-client.ts';
import { defineCommand } from '../lib/command.ts';
import { changedText } from '../lib/print.ts';
import { deleteTool, readTool, TOOL } from '../lib/tools.ts';

export const command = defineCommand({
  summary: 'remove a tool from the catalogue, as operator',
  arguments: [TOOL],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    const id = input.arguments[0] ?? '';
    const { etag } = await readTool(admin, id);
    const answer = await deleteTool(admin, id, etag);
    out.result({ id, ...answer }, () => changedText(out, answer.changed, `${id} removed`));
  },
});
