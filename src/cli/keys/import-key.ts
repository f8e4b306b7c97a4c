import { readText } from '../lib/atomic-file.ts';
import { checksummed } from '../../crypto/checksum.ts';
import type { Input } from '../lib/command.ts';
import { CliError, usageError } from '../lib/errors.ts';
import { EXIT } from '../lib/exit-code.ts';
import { mustBeKeyName } from '../lib/key-name.ts';
import { parseKeyfile, unseal } from '../lib/keyfile.ts';
import { createPasswords } from '../lib/password.ts';
import type { Session } from '../lib/session.ts';
import { addressOfKey, isKeyInRange, parsePrivateKey } from '../lib/private-key.ts';

const MAX_BYTES = 16_384;

/** `keys import`: a private key from a hidden prompt, a pipe or a file, or a keystore file of another wallet. Never from argv. */
export const importKey = async (session: Session, input: Input): Promise<void> => {
  const { keystore, out } = session;
  const name = mustBeKeyName(input.arguments[0]);
  const text = await given(session, input);
  const secret = text.trimStart().startsWith('{')
    ? await opened(session, input, text)
    : parsePrivateKey(text);
  if (secret === undefined) {
    throw usageError(
      'That is no private key.',
      'Give 64 hex digits, with or without 0x, or a keystore file of version 3.',
    );
  }
  const address = addressOfKey(secret);
  const entry = await keystore.add({ kind: 'key', name, address }, secret);
  out.result({ name, address: checksummed(address), file: entry.file }, () =>
    [
      `${out.style.good('took in')} ${out.style.bold(name)}  ${checksummed(address)}`,
      out.style.dim(`encrypted in ${entry.file}`),
    ].join('\n'),
  );
};

const given = async ({ prompts, stdin }: Session, input: Input): Promise<string> => {
  const path = input.text('file');
  if (path !== undefined) {
    const text = await readText(path);
    if (text === undefined) throw usageError(`There is no file ${path}.`, 'Correct --file.');
    return text.slice(0, MAX_BYTES);
  }
  if (!prompts.possible) return new TextDecoder().decode(await stdin(MAX_BYTES));
  return await prompts.hidden({
    message: 'Private key (64 hex digits; it is not shown)',
    instead: '--file <path>, or the key on standard input',
  });
};

/** A keystore file's key, by the password that it has where it comes from. */
const opened = async (
  { env, prompts, out, progress }: Session,
  input: Input,
  text: string,
): Promise<Uint8Array | undefined> => {
  const keyfile = parseKeyfile(text);
  const old = input.text('oldPasswordFile') ?? input.text('passwordFile');
  const passwords = createPasswords({ env, passwordFile: old, prompts, note: out.note });
  const password = await passwords.known('the keystore file');
  const secret = await progress.during('decrypting', async () => await unseal(keyfile, password));
  if (secret === undefined) {
    throw new CliError('The password does not open that keystore file.', {
      hint: 'Give the password that it has where it comes from, e.g. by --old-password-file.',
      exit: EXIT.unauthorised,
      code: 'wrong_password',
    });
  }
  return secret.byteLength === 32 && isKeyInRange(secret) ? secret : undefined;
};
