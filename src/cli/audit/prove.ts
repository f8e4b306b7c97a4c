import * as z from 'zod/mini';
import { chunkPath, verifyEntryProof, writeEntryProof } from '../../audit/log/entry-proof.ts';
import { parseLeaf } from '../../audit/log/leaf.ts';
import { parseVerifierKey } from '../../audit/log/signed-note.ts';
import type { Hex } from '../../core/hex.ts';
import { decodeBase64, sha256Hex, utf8 } from '../../crypto/bytes.ts';
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
    const { entry, seq } = await entryOf(admin, receipt);
    const { leaf, index, proof, checkpoint, year } = await leafOf(admin, receipt, seq);
    const hashes = await hashesOf(admin, receipt, leaf);
    const parsed = parseLeaf(leaf);
    const path = parsed === undefined ? undefined : chunkPath(parsed, hashes, seq);
    if (path === undefined) throw broken('Entries and leaf of the log differ.');
    const file = writeEntryProof({
      receipt: receipt.text,
      ...(input.flag('hashOnly') ? {} : { entry }),
      ...{ hash: receipt.entry, seq, path, leaf, index, proof, checkpoint },
    });
    const key = parseVerifierKey(
      ((await httpText(`${admin.gateway}/log/${year}/key`, session.signal)) ?? '').trim(),
    );
    const checked = await verifyEntryProof(file, key === undefined ? [] : [key]);
    if (!checked.ok) throw broken(`The proof does not verify: ${checked.error}.`);
    const to = input.text('out');
    if (to === undefined || to === '-') {
      await out.bytes(utf8(file));
      return;
    }
    await writeFiles([{ path: to, text: file }], session.signal);
    const { account, index: at, checkpoint: tree } = checked.value;
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

/** The gateway stores an entry some seconds after its answer, and signs a checkpoint ten seconds later at the latest. */
const notYet = (what: string): CliError =>
  new CliError(`The entry of this receipt is not in the log yet: ${what}.`, {
    hint: 'An entry is usually in a signed checkpoint within half a minute of its answer. Run the command again.',
    exit: EXIT.usage,
    code: 'not_logged_yet',
  });

const lineSchema = z.looseObject({ seq: z.int(), call: z.exactOptional(z.string()) });

type Line = { readonly text: string; readonly seq: number; readonly hash: Hex };

/** The entries of an account after a seq, as they are hashed. */
async function* entriesAfter(
  admin: AdminClient,
  { agent: account }: VerifiedReceipt,
  after: number,
  limit: number,
): AsyncGenerator<Line> {
  const query = { format: 'ndjson', limit, after: String(after) } as const;
  for await (const page of admin.export('account.entries', { params: { account }, query })) {
    for (const text of page.split('\n').filter((line) => line !== '')) {
      const { seq } = z.parse(lineSchema, JSON.parse(text));
      yield { text, seq, hash: sha256Hex(utf8(`countersign-entry/1\n${text}`)) };
    }
  }
}

/** Finds the entry that the receipt names, from the one that accepted the call on. */
const entryOf = async (
  admin: AdminClient,
  receipt: VerifiedReceipt,
): Promise<{ readonly entry: string; readonly seq: number }> => {
  const params = { account: receipt.agent, call: receipt.call };
  const { entries } = await storedCall(admin, params);
  for await (const line of entriesAfter(admin, receipt, entries.first - 1, 100)) {
    if (line.hash === receipt.entry) return { entry: line.text, seq: line.seq };
    // What ended the call is written long before the account writes so many other entries.
    if (line.seq > entries.last + MAX_SCANNED) break;
  }
  throw notYet('the gateway has not stored it');
};

const MAX_SCANNED = 10_000;

const storedCall = async (
  admin: AdminClient,
  params: { readonly account: string; readonly call: string },
) => {
  try {
    return (await admin.call('account.call', { params })).body;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_call')) throw notYet('the gateway has not stored its call');
    throw thrown;
  }
};

type LeafOfEntry = {
  readonly leaf: string;
  readonly index: number;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: string;
  readonly year: number;
};

/** Finds the leaf of an entry in the log of the receipt's year or in a later one: a chunk may be appended after New Year. */
const leafOf = async (
  admin: AdminClient,
  { agent: account, iat }: VerifiedReceipt,
  seq: number,
): Promise<LeafOfEntry> => {
  const yearOf = (at: number): number => new Date(at * 1_000).getUTCFullYear();
  const last = yearOf(admin.session.now());
  // A receipt of a look-up may be years younger than the entry that it names.
  for (let year = Math.min(yearOf(iat), last); year <= last; year += 1) {
    const query = { year, from: seq, limit: 1 };
    const { body } = await admin.call('account.leaves', { params: { account }, query });
    const [item] = body.items;
    const first = item && parseLeaf(item.leaf)?.first.seq;
    if (item === undefined || first === undefined || first > seq) continue;
    if (body.checkpoint === undefined) continue;
    const proof = item.proof.map((hash) => decodeBase64(hash) ?? new Uint8Array());
    return { leaf: item.leaf, index: item.index, proof, checkpoint: body.checkpoint, year };
  }
  throw notYet('no signed checkpoint covers it');
};

/** The hashes of all entries of a leaf, in order. */
const hashesOf = async (
  admin: AdminClient,
  receipt: VerifiedReceipt,
  leaf: string,
): Promise<readonly Hex[]> => {
  const chunk = parseLeaf(leaf);
  if (chunk === undefined) throw broken('The gateway answered with a text that is not a leaf.');
  const hashes: Hex[] = [];
  for await (const { seq, hash } of entriesAfter(admin, receipt, chunk.first.seq - 1, 500)) {
    if (seq > chunk.last.seq) break;
    hashes.push(hash);
  }
  return hashes;
};
