import { checksummed } from '../crypto/address.ts';
import { readText } from './lib/atomic-file.ts';
import type { Command, CommandGroup } from './lib/command.ts';
import { cancelled, CliError, EXIT, usageError } from './lib/errors.ts';
import type { Input } from './lib/input.ts';
import { type KeyPair, keyPairOf, newKey, parsePrivateKey } from './lib/key-pair.ts';
import { parseKeyfile, unseal } from './lib/keyfile.ts';
import { newKeyName } from './lib/keystore.ts';
import { listed, sentence } from './lib/print.ts';
import { createPasswords } from './lib/prompts.ts';
import type { Session } from './lib/session.ts';
import { counted } from './lib/text.ts';
import { rotate } from './rotation/rotate.ts';

const create: Command = {
  summary: 'create a private key and store it encrypted',
  arguments: [{ syntax: '<name>', summary: 'name that --as will take' }],
  shared: ['password'],
  examples: ['countersign keys new treasury'],
  run: async ({ keystore, out }, input) => {
    const name = newKeyName(input.arguments[0]);
    const entry = await newKey(keystore, name);
    const { address } = entry;
    out.result({ name, address: checksummed(address), file: entry.file }, () =>
      [
        `${out.style.good('created')} ${out.style.bold(name)}  ${checksummed(address)}`,
        out.style.dim(
          sentence(out, `encrypted in ${entry.file}; back up the file and its password`),
        ),
      ].join('\n'),
    );
  },
};

const jwk: Command = {
  summary: 'print a new key for RECEIPT_KEY or LOG_KEY of a gateway',
  examples: ['countersign keys jwk | npx wrangler secret put LOG_KEY'],
  run: async ({ out }) => {
    const { newReceiptKey } = await import('./init/files.ts');
    const key = await newReceiptKey();
    out.result({ jwk: JSON.parse(key) as unknown }, () => key);
  },
};

const list: Command = {
  summary: 'list names and addresses; needs no password',
  examples: ['countersign keys list'],
  run: async ({ keystore, out }) => {
    const [entries, unreadable] = await Promise.all([keystore.entries(), keystore.unreadable()]);
    for (const file of unreadable)
      out.note(
        `${out.noteStyle.warn('warning')}  The command cannot read ${file}. Restore it from a copy, or delete it.`,
      );
    const document = {
      directory: keystore.directory,
      unreadable,
      keys: entries.flatMap((entry) =>
        entry.kind === 'key' ? [{ name: entry.name, address: checksummed(entry.address) }] : [],
      ),
      fleets: entries.flatMap((entry) =>
        entry.kind === 'fleet' ? [{ name: entry.name, agents: entry.agents.length }] : [],
      ),
    };
    out.result(document, () =>
      entries.length === 0
        ? `No keys yet. Create one with ${out.style.accent('countersign keys new <name>')}.`
        : listed(
            out,
            [{ title: 'NAME' }, { title: 'ADDRESS', cut: 'middle' }],
            entries.map((entry) => [
              entry.name,
              entry.kind === 'key'
                ? checksummed(entry.address)
                : `fleet of ${counted(entry.agents.length, 'agent')}`,
            ]),
          ),
    );
  },
};

const exportKey: Command = {
  summary: 'print a key or fleet, encrypted; with --reveal in plain text',
  arguments: [{ syntax: '<name>', summary: 'key or fleet' }],
  options: [
    {
      flags: '--reveal',
      summary: 'print the private key or mnemonic in plain text, after a confirmation',
    },
    { flags: '--yes', summary: 'confirm --reveal' },
  ],
  shared: ['password'],
  examples: [
    'countersign keys export treasury > treasury.json',
    'countersign keys export treasury --reveal',
  ],
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
};

const MAX_BYTES = 16_384;

const importKey: Command = {
  summary: 'store a private key or keystore file that you have',
  arguments: [{ syntax: '<name>', summary: 'name that --as will take' }],
  options: [
    { flags: '--file <path>', summary: 'read the key from this file' },
    {
      flags: '--old-password-file <path>',
      summary: 'file that holds the present password of a keystore file, if it differs',
    },
  ],
  shared: ['password'],
  examples: [
    'countersign keys import wallet --file wallet.json',
    'pass show wallet | countersign keys import wallet --password-file pw',
  ],
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
};

const readKey = async ({ prompts, stdin }: Session, input: Input): Promise<string> => {
  const path = input.text('file');
  if (path !== undefined) {
    const text = await readText(path);
    if (text === undefined)
      throw usageError(
        `No file exists at ${path}.`,
        `Check --file. Relative paths begin at ${process.cwd()}.`,
      );
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

export const group: CommandGroup = {
  examples: [
    'countersign keys new treasury',
    'countersign call /tools/lookup?word=river --as treasury',
    'pass show wallet | countersign keys import wallet --password-file pw',
  ],
  commands: { new: create, list, export: exportKey, import: importKey, rotate, jwk },
};
