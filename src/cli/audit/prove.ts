import { verifyEntryProof, writeEntryProof } from '../../audit/log/entry-proof.ts';
import { parseKeyList } from '../../audit/log/key-list.ts';
import { type CollectedProof, type CollectFault, collectProof } from '../../client/entry-proof.ts';
import { utf8 } from '../../crypto/bytes.ts';
import { type AdminClient, openAdmin, roleOf } from '../lib/admin-client.ts';
import { writeFiles } from '../lib/atomic-file.ts';
import { AS_OPERATOR, type Command } from '../lib/command.ts';
import { CliError, EXIT, isRefusal } from '../lib/errors.ts';
import { httpText } from '../lib/http-text.ts';
import { receiptOrFile, type VerifiedReceipt } from '../lib/receipt.ts';

export const prove: Command = {
  summary: 'turn a receipt into a file that proves its entry is in the transparency log',
  arguments: [{ syntax: '<receipt>', summary: 'text of Agent-Receipt, a file, or - for stdin' }],
  options: [
    { flags: '-o, --out <file>', summary: 'write to this file (default: stdout)' },
    { flags: '--hash-only', summary: 'leave the entry out: prove its hash, show no content' },
    AS_OPERATOR,
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign audit prove receipt.txt -o call.tlog-proof',
    'countersign audit verify-proof call.tlog-proof --log-key log-key',
  ],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, roleOf(input));
    const receipt = await receiptOrFile(admin, input.arguments[0] ?? '');
    const { proof, year } = await collected(admin, receipt);
    const { entry, ...rest } = proof;
    const file = writeEntryProof({
      receipt: receipt.text,
      ...(input.flag('hashOnly') || entry === undefined ? {} : { entry }),
      ...rest,
    });
    const keys = await httpText(`${admin.gateway}/log/${year}/keys`, session.signal);
    const checked = await verifyEntryProof(file, parseKeyList(keys ?? '') ?? []);
    if (!checked.ok) throw broken(`The proof does not verify: ${checked.error}.`);
    const to = input.text('out');
    if (to === undefined || to === '-') {
      await out.bytes(utf8(file));
      return;
    }
    await writeFiles([{ path: to, text: file }], session.signal);
    const { account, seq, index: at, checkpoint: tree } = checked.value;
    out.result({ file: to, account, seq, entry: receipt.entry, leaf: at, size: tree.size }, () =>
      [
        `${out.style.good('written')}  ${to}: entry ${seq} is in leaf ${at} of ${tree.origin}, whose checkpoint has ${tree.size}`,
        out.style.dim(
          `\`countersign audit verify-proof ${to} --log-key <key>\` verifies it offline`,
        ),
      ].join('\n'),
    );
  },
};

const broken = (message: string): CliError =>
  new CliError(message, {
    hint: 'Keep the receipt: it may be evidence. `countersign audit verify` over an export says what differs.',
    code: 'log_broken',
  });

const notYet = (what: string): CliError =>
  new CliError(`The entry of this receipt is not in the log yet: ${what}.`, {
    hint: 'An entry is usually in a signed checkpoint within half a minute of its answer. Run the command again.',
    exit: EXIT.usage,
    code: 'not_logged_yet',
  });

const ERRORS: Readonly<Record<CollectFault, () => CliError>> = {
  not_stored: () => notYet('the gateway has not stored it'),
  not_signed: () => notYet('no signed checkpoint covers it'),
  malformed_leaf: () => broken('The gateway answered with a text that is not a leaf.'),
  differs: () => broken('Entries and leaf of the log differ.'),
};

/** @throws CliError */
const collected = async (
  admin: AdminClient,
  { agent: account, call, entry }: VerifiedReceipt,
): Promise<CollectedProof> => {
  try {
    const found = await collectProof(admin, {
      ...{ account, call, now: admin.session.now() },
      isWanted: ({ hash }) => hash === entry,
    });
    if (found.ok) return found.value;
    throw ERRORS[found.error]();
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_call')) throw notYet('the gateway has not stored its call');
    throw thrown;
  }
};
