import { createLocalJWKSet, compactVerify } from 'jose';
import { type ProofFault, parseEntryProof, verifyEntryProof } from '../../audit/log/entry-proof.ts';
import type { Command } from '../lib/command.ts';
import { CliError, EXIT, usageError } from '../lib/errors.ts';
import { jsonFile, textFile } from '../lib/input.ts';
import { proseWidth } from '../lib/print.ts';
import { fields } from '../lib/text.ts';
import { isoTime } from '../lib/units.ts';
import { RECEIPT_TYPE } from '../../protocol/receipt.ts';
import { verifierKeys } from './verifier-keys.ts';

const MAX_PROOF = 4_194_304;

export const verifyProof: Command = {
  summary: 'verify offline that a proof file shows an entry of a transparency log',
  arguments: [{ syntax: '<file>', summary: 'proof of `audit prove`; - for stdin' }],
  options: [
    {
      flags: '--log-key <key>',
      summary: 'key of the log, or a file with its keys',
      repeatable: true,
    },
    {
      flags: '--witness <key>',
      summary: 'key of a witness that must have cosigned, or a file with them',
      repeatable: true,
    },
    { flags: '--keys <file>', summary: 'jwks.json of the gateway: verifies the receipt, too' },
  ],
  examples: ['countersign audit verify-proof call.tlog-proof --log-key log-key'],
  run: async (session, input) => {
    const { out } = session;
    const given = input.list('logKey');
    if (given.length === 0)
      throw usageError(
        '--log-key is missing: a proof is worth the key that signed its checkpoint.',
        'Read `/log/<year>/keys` of the gateway once, compare it with another copy, and keep it.',
      );
    const logKeys = await verifierKeys(session, given);
    const witnesses = (await verifierKeys(session, input.list('witness'))).map(({ key }) => key);
    const text = await textFile(session, input.arguments[0] ?? '', MAX_PROOF);
    const checked = await verifyEntryProof(text, logKeys, witnesses);
    if (!checked.ok) throw proofError(checked.error);
    const { account, seq, hash, index, checkpoint, witnesses: cosigned } = checked.value;
    const missing = witnesses.filter(({ name }) => !cosigned.some((one) => one.name === name));
    const [lacking] = missing;
    if (lacking !== undefined)
      throw new CliError(`${lacking.name} has not cosigned the checkpoint of this proof.`, {
        hint: 'Make the proof again later: witnesses cosign some seconds after the log.',
        exit: EXIT.usage,
        code: 'not_witnessed',
      });
    const { receipt, entry } = parseEntryProof(text) ?? {};
    const keys = input.text('keys');
    const receiptState =
      receipt === undefined
        ? 'none'
        : keys === undefined
          ? 'not checked'
          : await receiptVerdict(receipt, await jsonFile(session, keys));
    const tree = { origin: checkpoint.origin, size: checkpoint.size };
    const document = { proved: true, account, seq, entry: hash, leaf: index, ...tree };
    out.result({ ...document, witnesses: cosigned, receipt: receiptState }, () =>
      [
        `${out.style.good('proved')}  the entry is in the log`,
        fields(
          [
            ['account', account],
            ['entry', `${seq}, ${hash}`],
            ['content', entry === undefined ? 'not in the file: only its hash is proved' : entry],
            ['leaf', `${index} of ${checkpoint.size} in ${checkpoint.origin}`],
            [
              'witnesses',
              cosigned.map(({ name, at }) => `${name} at ${isoTime(at)}`).join(', ') || undefined,
            ],
            ['receipt', receiptState === 'not checked' ? 'not checked: give --keys' : receiptState],
          ],
          out.style.dim,
          proseWidth(out),
        ),
      ].join('\n'),
    );
  },
};

/** @throws CliError unless the receipt is signed by a key of the set. */
const receiptVerdict = async (receipt: string, keys: unknown): Promise<'proved'> => {
  try {
    const set = createLocalJWKSet(keys as Parameters<typeof createLocalJWKSet>[0]);
    const { protectedHeader } = await compactVerify(receipt, set, { algorithms: ['EdDSA'] });
    if (protectedHeader.typ === RECEIPT_TYPE) return 'proved';
  } catch {
    // A malformed key set proves as little as an invalid signature.
  }
  throw new CliError('The receipt in the file is not signed by a key of --keys.', {
    hint: 'The entry is in the log, but this receipt is not the gateway’s. Keep the file: it may be evidence.',
    code: 'receipt_invalid',
  });
};

const WHY: Readonly<Record<ProofFault, string>> = {
  malformed: 'It is not a proof file of `audit prove`.',
  entry_altered: 'Its entry was changed after it was written.',
  receipt_other: 'Its receipt is about another entry.',
  entry_outside: 'Its entry is not in the leaf that it names.',
  leaf_outside: 'Its leaf is not in the tree of its checkpoint.',
  checkpoint_unsigned: 'No given key signed its checkpoint.',
  retired_key: 'Every key that signed its checkpoint had ended before the entry was written.',
  undated:
    'Every key that signed its checkpoint has ended, and nothing shows that the entry was written before: the text of the entry is not in the file.',
};

const HINTS: Partial<Record<ProofFault, string>> = {
  checkpoint_unsigned:
    'Give --log-key with the keys of this log and year, as `/log/<year>/keys` of the gateway lists them. Keys of another year have another name.',
  undated:
    'Ask for a new proof, or for one with the entry, or give --witness with the key of a witness that cosigned while a key of the log still signed.',
};

const proofError = (fault: ProofFault): CliError =>
  new CliError(`The file proves nothing. ${WHY[fault]}`, {
    hint: HINTS[fault] ?? 'Ask for the proof again. Keep this file: it may be evidence.',
    code: fault,
  });
