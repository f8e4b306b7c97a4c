import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'credits',
  summary: 'what is paid ahead',
  commands: [
    {
      name: 'show',
      summary: 'credit and debt of an account',
      arguments: [{ syntax: '[account]', summary: 'you, where it is missing' }],
      options: [{ flags: '--operator', summary: 'as operator, who may see any account' }],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { showCredits } = await import('../credits/show.ts');
        await showCredits(session, input);
      },
    },
    {
      name: 'top-up',
      summary: 'pays ahead from a wallet',
      arguments: [
        { syntax: '<amount>', summary: 'dollars, e.g. 5 or 0.50; or atomic units, 500000u' },
      ],
      options: [{ flags: '--to <account>', summary: 'whose credit it becomes; else of who pays' }],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { topUp } = await import('../credits/top-up.ts');
        await topUp(session, input);
      },
    },
    {
      name: 'adjust',
      summary: 'gives credit or takes it, as operator',
      arguments: [{ syntax: '<account>', summary: 'name, label, address or CAIP-10' }],
      options: [
        { flags: '--give <amount>', summary: 'dollars, e.g. 5 or 0.50; or atomic units, 500000u' },
        { flags: '--take <amount>', summary: 'dollars, e.g. 5; never below zero' },
        { flags: '--reason <text>', summary: 'for whoever reads the log' },
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { adjustCredit } = await import('../credits/orders.ts');
        await adjustCredit(session, input);
      },
    },
    {
      name: 'refund',
      summary: 'records credit that was paid back on chain, as operator',
      arguments: [
        { syntax: '<account>', summary: 'who got it' },
        { syntax: '<transaction>', summary: 'where it is to be found' },
      ],
      options: [
        { flags: '--log-index <number>', summary: 'which log of its block, if there are several' },
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { recordRefund } = await import('../credits/orders.ts');
        await recordRefund(session, input);
      },
    },
  ],
  examples: [
    'countersign credits top-up 5 --as treasury',
    "countersign credits adjust team/alice --give 2 --reason 'ticket 7'",
  ],
});
