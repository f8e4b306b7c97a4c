import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'revoke',
  summary: 'takes grants back for ever',
  arguments: [{ syntax: '[agent|grant]', summary: 'whose grants, or the hash or id of one' }],
  options: [{ flags: '--all', summary: 'everything that you have granted so far' }],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { revoke } = await import('../grants/revoke.ts');
    await revoke(session, input);
  },
  examples: ['countersign revoke team/carol --as treasury', 'countersign revoke --all'],
});
