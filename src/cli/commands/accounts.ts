import { defineCommand, type OptionSpec } from '../lib/command.ts';

const OPERATOR: OptionSpec = {
  flags: '--operator',
  summary: 'as operator, who may see any account',
};

export const command = defineCommand({
  name: 'accounts',
  summary: 'who is who, who hangs below whom, and what is left',
  commands: [
    {
      name: 'show',
      summary: 'how an account stands: status, credit, what is left of each limit',
      arguments: [{ syntax: '[account]', summary: 'you, where it is missing' }],
      options: [OPERATOR],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { showAccount } = await import('../accounts/show.ts');
        await showAccount(session, input);
      },
    },
    {
      name: 'tree',
      summary: 'everybody below an account',
      arguments: [{ syntax: '[account]', summary: 'you, where it is missing' }],
      options: [OPERATOR],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { showTree } = await import('../accounts/tree.ts');
        await showTree(session, input);
      },
    },
    {
      name: 'label',
      summary: 'names an account; without a label takes its name away',
      arguments: [
        { syntax: '<account>', summary: 'name, label, address or CAIP-10' },
        { syntax: '[label]', summary: 'at most 64 characters' },
      ],
      options: [
        { flags: '--operator', summary: 'as operator, also an account that nobody knows yet' },
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { labelAccount } = await import('../accounts/label.ts');
        await labelAccount(session, input);
      },
    },
    {
      name: 'list',
      summary: 'all accounts of a gateway, as operator',
      options: [
        { flags: '--label <text>', summary: 'only those with this in their label' },
        {
          flags: '--status <status>',
          summary: 'only these',
          choices: ['active', 'paused', 'frozen', 'revoked'],
        },
        { flags: '--below <account>', summary: 'only those right below one' },
        { flags: '-n, --limit <number>', summary: 'how many (200)' },
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { listAccounts } = await import('../accounts/list.ts');
        await listAccounts(session, input);
      },
    },
  ],
  examples: [
    'countersign accounts tree --as treasury',
    "countersign accounts label team/alice 'research crawler'",
  ],
});
