import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'keys',
  summary: 'keys of this machine, each encrypted under a password',
  commands: [
    {
      name: 'new',
      summary: 'makes a key',
      arguments: [{ syntax: '<name>', summary: 'what --as will call it' }],
      shared: ['password'],
      run: async (session, input) => {
        const { newKey } = await import('../keys/new-key.ts');
        await newKey(session, input);
      },
    },
    {
      name: 'list',
      summary: 'names and addresses',
      run: async (session) => {
        const { listKeys } = await import('../keys/list-keys.ts');
        await listKeys(session);
      },
    },
    {
      name: 'export',
      summary: 'the encrypted file of a key or fleet; with --reveal the secret itself',
      arguments: [{ syntax: '<name>', summary: 'key or fleet' }],
      options: [
        { flags: '--reveal', summary: 'print the private key or the words, after a confirmation' },
        { flags: '--yes', summary: 'confirm it' },
      ],
      shared: ['password'],
      run: async (session, input) => {
        const { exportKey } = await import('../keys/export-key.ts');
        await exportKey(session, input);
      },
    },
    {
      name: 'import',
      summary: 'takes a private key or a keystore file in; asks for it, or reads it from a pipe',
      arguments: [{ syntax: '<name>', summary: 'what --as will call it' }],
      options: [
        { flags: '--file <path>', summary: 'read it from a file' },
        {
          flags: '--old-password-file <path>',
          summary: 'of a keystore file, if it is another one',
        },
      ],
      shared: ['password'],
      run: async (session, input) => {
        const { importKey } = await import('../keys/import-key.ts');
        await importKey(session, input);
      },
    },
  ],
  examples: [
    'countersign keys new treasury',
    'countersign call /tools/lookup?word=river --as treasury',
    'pass show wallet | countersign keys import wallet --password-file pw',
  ],
});
