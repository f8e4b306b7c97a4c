import { checksummed } from '../../crypto/checksum.ts';
import { defineCommand } from '../lib/command.ts';
import { newKeyName } from '../lib/key-name.ts';
import { parsePrivateKey } from '../lib/private-key.ts';

export const command = defineCommand({
  summary: 'create a private key and store it encrypted',
  arguments: [{ syntax: '<name>', summary: 'name that --as will take' }],
  shared: ['password'],
  run: async ({ keystore, out }, input) => {
    const name = newKeyName(input.arguments[0]);
    const { generatePrivateKey } = await import('viem/accounts');
    const pair = await parsePrivateKey(generatePrivateKey());
    if (pair === undefined) throw new Error('the random private key is invalid');
    const { secret, address } = pair;
    const entry = await keystore.add({ kind: 'key', name, address }, secret);
    out.result({ name, address: checksummed(address), file: entry.file }, () =>
      [
        `${out.style.good('created')} ${out.style.bold(name)}  ${checksummed(address)}`,
        out.style.dim(`encrypted in ${entry.file}; back up the file and its password`),
      ].join('\n'),
    );
  },
});
