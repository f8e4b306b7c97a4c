import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'tail',
  summary: 'decisions as they fall: who called what, for how much, and why not',
  arguments: [
    { syntax: '[accounts...]', summary: 'of these; of you and all below where none is named' },
  ],
  options: [{ flags: '--operator', summary: 'sign as operator, who may watch any account' }],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { tail } = await import('../tail/tail.ts');
    await tail(session, input);
  },
  examples: [
    'countersign tail --as treasury',
    'countersign tail team/alice team/bob --json | jq .verdict',
  ],
});
