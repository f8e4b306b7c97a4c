import { defineCommand } from '../lib/command.ts';
import { cancelled, CliError, EXIT } from '../lib/errors.ts';

export const command = defineCommand({
  summary: 'print the encrypted file of a key or fleet; with --reveal the secret itself',
  arguments: [{ syntax: '<name>', summary: 'key or fleet' }],
  options: [
    {
      flags: '--reveal',
      summary: 'print the private key or mnemonic in plain text, after a confirmation',
    },
    { flags: '--yes', summary: 'confirm --reveal' },
  ],
  shared: ['password'],
  run: async ({ keystore, out, prompts }, input) => {
    const entry = await keystore.entry(input.arguments[0] ?? '');
    if (entry === undefined) {
      throw new CliError('No key or fleet has that name.', {
        hint: '`countersign keys list` prints the names.',
        exit: EXIT.unauthorised,
        code: 'unknown_key',
      });
    }
    if (!input.flag('reveal')) {
      const text = await keystore.encryptedText(entry);
      out.result(JSON.parse(text), () => text.trimEnd());
      return;
    }
    const what = entry.kind === 'key' ? 'private key' : 'mnemonic';
    const agreed =
      input.flag('yes') ||
      (await prompts.confirm({
        message: `Print the ${what} of ${entry.name}? Anyone who sees it controls the funds.`,
        instead: '--yes to confirm',
      }));
    if (!agreed) throw cancelled();
    const secret = await keystore.secret(entry);
    const text =
      entry.kind === 'key'
        ? `0x${Buffer.from(secret).toString('hex')}`
        : new TextDecoder().decode(secret);
    const member = entry.kind === 'key' ? 'privateKey' : 'mnemonic';
    out.result({ name: entry.name, [member]: text }, () => text);
  },
});
