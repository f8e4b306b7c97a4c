import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'spend',
  summary: 'what was spent, by tool, agent, payee or day',
  arguments: [{ syntax: '[account]', summary: 'it and all below it; you where it is missing' }],
  options: [
    {
      flags: '--by <what>',
      summary: 'one row each (tool)',
      choices: ['tool', 'agent', 'payee', 'day'],
    },
    { flags: '--from <day>', summary: 'first day of UTC; 30 days where it is missing' },
    { flags: '--to <day>', summary: 'last day (today)' },
    { flags: '--operator', summary: 'as operator: of the whole gateway where no account is named' },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { showSpend } = await import('../spend/spend.ts');
    await showSpend(session, input);
  },
  examples: [
    'countersign spend --by tool',
    'countersign spend team/alice --by day --from 2026-11-01',
    'countersign spend --operator --by agent',
  ],
});
