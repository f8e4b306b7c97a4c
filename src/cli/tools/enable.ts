import { defineCommand } from '../lib/command.ts';
import { setDisabled, TOOL } from '../lib/tools.ts';

export const command = defineCommand({
  summary: 'serve a disabled tool again, as operator',
  arguments: [TOOL],
  shared: ['gateway', 'signer'],
  run: async (session, input) => await setDisabled(session, input, false),
});
