import { openAdmin } from '../lib/admin-client.ts';
import { defineCommand } from '../lib/command.ts';
import { readTool, TOOL } from '../lib/tools.ts';

export const command = defineCommand({
  summary: 'print one tool as JSON, as `tools put` takes it, as operator',
  arguments: [TOOL],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const admin = await openAdmin(session, 'operator');
    const { document, etag } = await readTool(admin, input.arguments[0] ?? '');
    session.out.result({ etag, tool: document }, () => JSON.stringify(document, undefined, 2));
  },
});
