import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'audit',
  summary: 'logs that anybody can verify',
  commands: [
    {
      name: 'export',
      summary: 'the log of an account, or its calls as a table',
      arguments: [{ syntax: '<account>', summary: 'name, label, address or CAIP-10' }],
      options: [
        { flags: '-o, --out <file>', summary: 'where to; standard output where it is missing' },
        {
          flags: '--format <format>',
          summary: 'ndjson: each entry as it was hashed; csv: calls (ndjson)',
          choices: ['ndjson', 'csv'],
        },
        { flags: '--operator', summary: 'as operator, who may see any account' },
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { exportLog } = await import('../audit/export.ts');
        await exportLog(session, input);
      },
    },
    {
      name: 'verify',
      summary: 'verifies an exported log, offline',
      arguments: [{ syntax: '<file>', summary: 'NDJSON; - for standard input' }],
      options: [{ flags: '--head <hash>', summary: 'hash of the last entry, e.g. from a receipt' }],
      run: async (session, input) => {
        const { verifyFile } = await import('../audit/verify.ts');
        await verifyFile(session, input);
      },
    },
  ],
  examples: [
    'countersign audit export team/alice -o alice.ndjson',
    'countersign audit verify alice.ndjson',
  ],
});
