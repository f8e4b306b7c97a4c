import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'resume',
  summary: 'lets an account go on that you have frozen or paused',
  arguments: [{ syntax: '<account>', summary: 'name, label, address or CAIP-10' }],
  options: [{ flags: '--operator', summary: 'as operator, whatever the owner says' }],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { setStatus } = await import('../lib/account-status.ts');
    await setStatus(session, input, 'active');
  },
});
