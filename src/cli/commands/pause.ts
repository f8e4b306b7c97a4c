import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'pause',
  summary: 'stops an account and all below it for a while',
  arguments: [{ syntax: '<account>', summary: 'name, label, address or CAIP-10' }],
  options: [{ flags: '--operator', summary: 'as operator, whatever the owner says' }],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { setStatus } = await import('../lib/account-status.ts');
    await setStatus(session, input, 'paused');
  },
});
