import { type ArgumentSpec, defineCommand } from '../lib/command.ts';

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
      name: 'reconcile',
      summary: 'what was compared with the chain, and differences',
      options: [
        { flags: '--all', summary: 'resolved differences too' },
        { flags: '-n, --limit <number>', summary: 'how many comparisons (10)' },
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { listReconciled } = await import('../settlements/reconcile.ts');
        await listReconciled(session, input);
      },
    },
    {
      name: 'backends',
      summary: 'who presents payments, how each does, and the gas of relayers',
      shared: ['gateway', 'signer'],
      run: async (session) => {
        const { showBackends } = await import('../settlements/backends.ts');
        await showBackends(session);
      },
    },
    {
      name: 'export',
      summary: 'the books by day: revenue, costs and credit, as CSV',
      options: [
        { flags: '--from <day>', summary: 'first day of UTC; 30 days where it is missing' },
        { flags: '--to <day>', summary: 'last day (today)' },
        { flags: '-o, --out <file>', summary: 'where to; standard output where it is missing' },
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { exportBooks } = await import('../settlements/export.ts');
        await exportBooks(session, input);
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
    'countersign settlements export --from 2026-11-01 --to 2026-11-30 -o november.csv',
    "countersign settlements resolve 0x… 0x… --release --reason 'never delivered'",
  ],
});
