import type { Input } from '../lib/command.ts';
import { CliError, cancelled } from '../lib/errors.ts';
import { EXIT } from '../lib/exit-code.ts';
import type { Session } from '../lib/session.ts';

/** `keys export`: the encrypted file as it is; the secret itself only where that was asked for, twice. */
export const exportKey = async (session: Session, input: Input): Promise<void> => {
  const { keystore, out, prompts } = session;
  const entry = await keystore.entry(input.arguments[0] ?? '');
  if (entry === undefined) {
    throw new CliError('There is no key or fleet of that name.', {
      hint: '`countersign keys list` shows what there is.',
      exit: EXIT.unauthorised,
      code: 'unknown_key',
    });
  }
  if (!input.flag('reveal')) {
    const text = await keystore.sealed(entry);
    out.result(JSON.parse(text), () => text.trimEnd());
    return;
  }
  const what = entry.kind === 'key' ? 'private key' : 'words';
  const agreed =
    input.flag('yes') ||
    (await prompts.confirm({
      message: `Print the ${what} of ${entry.name}? Whoever sees it owns what it holds.`,
      instead: '--yes, if that is meant',
    }));
  if (!agreed) throw cancelled();
  const secret = await keystore.secret(entry);
  const text =
    entry.kind === 'key'
      ? `0x${Buffer.from(secret).toString('hex')}`
      : new TextDecoder().decode(secret);
  out.result(
    { name: entry.name, [entry.kind === 'key' ? 'privateKey' : 'mnemonic']: text },
    () => text,
  );
};
