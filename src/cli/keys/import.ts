import { checksummed } from '../../crypto/checksum.ts';
import { readText } from '../lib/atomic-file.ts';
import { defineCommand } from '../lib/command.ts';
import { CliError, EXIT, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { newKeyName } from '../lib/key-name.ts';
import { parseKeyfile, unseal } from '../lib/keyfile.ts';
import { createPasswords } from '../lib/password.ts';
import { type KeyPair, keyPairOf, parsePrivateKey } from '../lib/private-key.ts';
import type { Session } from '../lib/session.ts';

const MAX_BYTES = 16_384;

export const command = defineCommand({
  summary: 'store a private key or a keystore file, from a prompt, stdin or --file',
  arguments: [{ syntax: '<name>', summary: 'name that --as will take' }],
  options: [
    { flags: '--file <path>', summary: 'read the key from this file' },
    {
      flags: '--old-password-file <path>',
      summary: 'file that holds the present password of a keystore file, if it differs',
    },
  ],
  shared: ['password'],
  run: async (session, input) => {
    const { keystore, out } = session;
    const name = newKeyName(input.arguments[0]);
    const text = await readKey(session, input);
    const pair = text.trimStart().startsWith('{')
      ? await decryptKeyfile(session, input, text)
      : await parsePrivateKey(text);
    if (pair === undefined) {
      throw usageError(
        'That is not a private key.',
        'Give 64 hex digits, with or without 0x, or a keystore file of version 3.',
      );
    }
    const { secret, address } = pair;
    const entry = await keystore.add({ kind: 'key', name, address }, secret);
    out.result({ name, address: checksummed(address), file: entry.file }, () =>
      [
        `${out.style.good('imported')} ${out.style.bold(name)}  ${checksummed(address)}`,
        out.style.dim(`encrypted in ${entry.file}`),
      ].join('\n'),
    );
  },
});

const readKey = async ({ prompts, stdin }: Session, input: Input): Promise<string> => {
  const path = input.text('file');
  if (path !== undefined) {
    const text = await readText(path);
    if (text === undefined) throw usageError(`No file exists at ${path}.`, 'Correct --file.');
    return text.slice(0, MAX_BYTES);
  }
  if (!prompts.isInteractive) return new TextDecoder().decode(await stdin(MAX_BYTES));
  return await prompts.hidden({
    message: 'Private key (64 hex digits, not shown)',
    instead: '--file <path>, or the key on standard input',
  });
};

const decryptKeyfile = async (
  { env, prompts, out, progress }: Session,
  input: Input,
  text: string,
): Promise<KeyPair | undefined> => {
  const keyfile = parseKeyfile(text);
  const passwordFile = input.text('oldPasswordFile') ?? input.text('passwordFile');
  const passwords = createPasswords({ env, passwordFile, prompts, note: out.note });
  const password = await passwords.existing('the keystore file');
  const secret = await progress.during('decrypting', async () => await unseal(keyfile, password));
  if (secret === undefined) {
    throw new CliError('The password does not decrypt that keystore file.', {
      hint: 'Give the password that the file has now, e.g. with --old-password-file.',
      exit: EXIT.unauthorised,
      code: 'wrong_password',
    });
  }
  return secret.byteLength === 32 ? await keyPairOf(secret) : undefined;
};
