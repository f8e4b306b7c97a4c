import { defineCommand } from '../lib/command.ts';
import { setDisabled, TOOL } from '../lib/tools.ts';

export const command = defineCommand({
  summary: 'answer 404 for a tool but keep its path reserved, as operator',
  arguments: [TOOL],
  shared: ['gateway', 'signer'],
  run: async (session, input) => await setDisabled(session, input, true),
});
