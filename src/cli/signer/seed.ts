import { writeFiles } from '../lib/atomic-file.ts';
import type { Command } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { changedText, sentence } from '../lib/print.ts';
import { counted } from '../lib/text.ts';
import { AT_SIGNER, openOwner, warnIfStopped } from './client.ts';

export const seed: Command = {
  summary: 'make the fleet seed, or encrypt it with the current SIGNER_KEY',
  options: AT_SIGNER,
  shared: ['signer'],
  examples: ['countersign signer seed --signer https://signer.example --as treasury'],
  run: async (session, input) => {
    const { out } = session;
    const client = await openOwner(session, input);
    warnIfStopped(client);
    const answer = await client.call('seed.make', { body: {} });
    out.result(answer, () =>
      changedText(
        out,
        answer.changed,
        `seed of fleet ${answer.fleet}, ${counted(answer.children, 'wallet')}`,
      ),
    );
  },
};

export const backup: Command = {
  summary: 'export the fleet seed, encrypted to an age recipient',
  options: [
    {
      flags: '--recipient <age1…>',
      summary: 'public key of `age-keygen`; keep the private one offline',
    },
    { flags: '-o, --out <file>', summary: 'file to write; it must not exist' },
    ...AT_SIGNER,
  ],
  shared: ['signer'],
  examples: ['countersign signer backup --recipient age1… -o seed.age --as treasury'],
  run: async (session, input) => {
    const { out, signal } = session;
    const [recipient, file] = [input.text('recipient'), input.text('out')];
    if (recipient === undefined || !recipient.startsWith('age1')) {
      throw usageError(
        '--recipient is missing, or is no public key of age.',
        'Make a key with `age-keygen -o key.txt`, keep the file offline, and give its public key, age1….',
      );
    }
    const client = await openOwner(session, input);
    const answer = await client.call('seed.backup', { body: { recipient } });
    if (file !== undefined) {
      await writeFiles([{ path: file, text: answer.backup, mode: 0o600, over: 'nothing' }], signal);
    }
    const result = file === undefined ? answer : { changed: answer.changed, file };
    out.result(result, () =>
      file === undefined
        ? answer.backup.trimEnd()
        : [
            changedText(out, true, `seed written to ${file}`),
            sentence(
              out,
              'Try now whether your key opens it: `age -d -i key.txt` prints the seed.',
            ),
          ].join('\n'),
    );
  },
};
