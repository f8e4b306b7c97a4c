import { type ArgumentSpec, defineCommand } from '../command.ts';

const ACCOUNT: ArgumentSpec = { syntax: '<account>', summary: 'who pays' };
const CALL: ArgumentSpec = { syntax: '<call>', summary: 'id of the call' };

export const command = defineCommand({
  name: 'settlements',
  summary: 'payments on their way to the chain, as operator',
  commands: [
    {
      name: 'list',
      summary: 'payments, and how they ended',
      options: [
        {
          flags: '--state <state>',
          summary: 'only these',
          choices: ['open', 'kept', 'settled', 'failed', 'released'],
        },
        { flags: '--account <account>', summary: 'only of this one' },
        { flags: '-n, --limit <number>', summary: 'how many (50)' },
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { listSettlements } = await import('../settlements/settlements.ts');
        await listSettlements(session, input);
      },
    },
    {
      name: 'show',
      summary: 'the whole story of one',
      arguments: [ACCOUNT, CALL],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { showSettlement } = await import('../settlements/settlements.ts');
        await showSettlement(session, input);
      },
    },
    {
      name: 'redrive',
      summary: 'sends an open payment to be settled again',
      arguments: [ACCOUNT, CALL],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { orderSettlement } = await import('../settlements/settlements.ts');
        await orderSettlement(session, input, 'redrive');
      },
    },
    {
      name: 'write-off',
      summary: 'gives up an open payment that is over',
      arguments: [ACCOUNT, CALL],
      options: [{ flags: '--reason <text>', summary: 'for whoever reads the log' }],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { orderSettlement } = await import('../settlements/settlements.ts');
        await orderSettlement(session, input, 'write-off');
      },
    },
    {
      name: 'resolve',
      summary: 'ends what a silent tool keeps: charged, or given back',
      arguments: [ACCOUNT, CALL],
      options: [
        { flags: '--charge', summary: 'the tool did its work: its price is earned' },
        { flags: '--release', summary: 'it did not: the agent has it back' },
        { flags: '--reason <text>', summary: 'for whoever reads the log' },
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { resolveSettlement } = await import('../settlements/resolve.ts');
        await resolveSettlement(session, input);
      },
    },
    {
      name: 'letters',
      summary: 'messages nobody could deal with',
      shared: ['gateway', 'signer'],
      run: async (session) => {
        const { listLetters } = await import('../settlements/letters.ts');
        await listLetters(session);
      },
    },
    {
      name: 'resend',
      summary: 'sends such a message again',
      arguments: [{ syntax: '<letter>', summary: 'its id' }],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { resendLetter } = await import('../settlements/letters.ts');
        await resendLetter(session, input);
      },
    },
  ],
  examples: [
    'countersign settlements list --state open',
    'countersign settlements redrive 0x… 0x…',
    "countersign settlements resolve 0x… 0x… --release --reason 'never delivered'",
  ],
});
