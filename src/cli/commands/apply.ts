import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'apply',
  summary: 'makes the tools of a gateway those of a file; shows first what that means',
  arguments: [{ syntax: '[file]', summary: 'tools.json' }],
  options: [
    { flags: '-y, --yes', summary: 'do not ask' },
    { flags: '--keep', summary: 'remove nothing that is not in the file' },
    { flags: '--dry-run', summary: 'only show what would change' },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { applyTools } = await import('../tools/apply.ts');
    await applyTools(session, input);
  },
  examples: [
    'countersign apply',
    'countersign apply tools.json --yes --gateway https://gateway.example --as ops',
  ],
});
