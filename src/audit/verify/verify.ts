import type { Hex } from '../../core/hex.ts';
import { readKeySet } from '../../protocol/key-set.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { createChain, type ListedAccount } from './chain.ts';
import {
  type Check,
  type CheckId,
  CHECKS,
  type Finding,
  type HashedEntry,
  type Survey,
} from './check.ts';
import { createContains } from './contains.ts';
import { createDecisions } from './decisions.ts';
import { createHeads } from './heads.ts';
import { type LogFile, MAX_BROKEN_LINES, readLines } from './lines.ts';
import { createLogCheck } from './log.ts';
import type { LogEvidence, NamedText } from './log-evidence.ts';
import { readEntryLine } from './read-entry.ts';
import { createPrices } from './prices.ts';
import { createReceipts } from './receipts.ts';
import { type Report, reportOf } from './report.ts';
import { createSettlements, nodesOf } from './settlements.ts';
import { createSignatures } from './signatures.ts';
import { survey } from './survey.ts';
import { createTally, type Tally } from './tally.ts';

/** The input of a verifier: an exported folder, or some files of it (docs/audit-format.md). */
export type Export = {
  /** Entries of accounts, one canonical entry a line. */
  readonly entries: readonly LogFile[];
  /** Texts that entries name by hash and that are in no entry of the files. */
  readonly texts?: LogFile;
  /** The accounts that the manifest lists. Absent for single files, which may be incomplete. */
  readonly listed?: readonly ListedAccount[];
  readonly log?: LogEvidence;
};

export type VerifyOptions = {
  /** One compact JWS a line, and the keys that verify them. */
  readonly receipts?: { readonly file: LogFile; readonly keys: NamedText };
  /** URLs of nodes that show the settlements on the chain. */
  readonly rpc?: readonly string[];
  /** The hash of an entry that must be in the files. */
  readonly contains?: Hex;
  readonly progress?: (progress: Progress) => void;
};

/** The progress of a verification. `total`: bytes of all files, twice, because they are read twice; undefined if a size is unknown. */
export type Progress = {
  readonly file: string;
  readonly entries: number;
  readonly bytes: number;
  readonly total: number | undefined;
};

/** Checks that need more than one account's chain. A single file may lack their input. */
const NEED_FOLDER: readonly CheckId[] = ['prices', 'limits', 'denials', 'totals'];

/**
 * Verifies an export offline and streaming: twice over the files, one entry at a time, so that a file may be larger than the memory. Trusts
 * neither the exporter nor the gateway. Never throws for anything that a file contains; `report.verdict` is the worst of all findings.
 */
export const verify = async (given: Export, options: VerifyOptions = {}): Promise<Report> => {
  const { receipts, rpc, contains, progress } = options;
  const sizes = given.entries.map(({ size }) => size);
  const total = sizes.includes(undefined)
    ? undefined
    : 2 * sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  let bytes = 0;
  let entries = 0;
  const advance = (file: string) => (read: number) => {
    bytes += read;
    progress?.({ file, entries, bytes, total });
  };

  const surveyed = await survey(given.entries, given.texts, advance('survey'));
  const form = createTally('form');
  if (given.entries.length === 0) {
    form.breakWith({ file: '', line: 0, reason: 'empty' });
  }
  if (surveyed.textFault !== undefined) form.breakWith(surveyed.textFault);
  const log = given.log === undefined ? undefined : await createLogCheck(given.log, surveyed);
  const checks: Check[] = [
    createChain(surveyed, given.listed),
    createSignatures(),
    ...createDecisions(surveyed),
    createPrices(surveyed),
    ...(rpc === undefined ? [] : [createSettlements(await nodesOf(rpc))]),
    ...(receipts === undefined ? [] : [await openReceipts(receipts, surveyed)]),
    ...(given.log === undefined || log === undefined
      ? []
      : [log, createHeads(given.log, log.history, surveyed)]),
    ...(contains === undefined ? [] : [createContains(contains, log)]),
  ];

  for (const file of surveyed.files) {
    if (file.fault !== undefined) {
      form.breakWith({ file: file.name, ...file.fault });
      continue;
    }
    for await (const batch of readEntries(file, form, advance(file.name))) {
      for (const seen of batch) {
        entries += 1;
        for (const check of checks) {
          const pending = check.see(seen);
          // An `await` for each of a million entries costs more than some checks.
          if (pending !== undefined) await pending;
        }
      }
    }
    if (file.account === undefined) expectEntries(file, form);
  }

  const findings = [form.finding()];
  for (const check of checks) findings.push(await check.end());
  return reportOf(
    { entries, accounts: surveyed.accounts.size },
    CHECKS.flatMap((id) => findings.find(({ check }) => check === id) ?? absent(id)),
    optionalOf(given, options),
  );
};

/** Reads the entries of a file, up to its hundredth broken line. */
async function* readEntries(
  file: LogFile,
  form: Tally,
  progress: (bytes: number) => void,
): AsyncGenerator<readonly HashedEntry[]> {
  let broken = 0;
  for await (const { lines } of readLines(file, { progress })) {
    const batch: HashedEntry[] = [];
    for (const line of lines) {
      const seen = readEntryLine(line, file.name);
      if (seen.ok) {
        form.prove();
        batch.push(seen.value);
      } else {
        broken += 1;
        form.breakWith({ file: file.name, line: line.number, ...seen.error });
      }
      if (broken === MAX_BROKEN_LINES) break;
    }
    yield batch;
    if (broken === MAX_BROKEN_LINES) return;
  }
}

/** A file without a readable entry is not a log. */
const expectEntries = ({ name }: LogFile, form: Tally): void => {
  if (form.finding().first?.file !== name) {
    form.breakWith({ file: name, line: 1, reason: 'empty' });
  }
};

const openReceipts = async (
  { file, keys }: NonNullable<VerifyOptions['receipts']>,
  surveyed: Survey,
): Promise<Check> => {
  const json = parseStrictJson(keys.text);
  const read = json.ok ? await readKeySet(json.value) : undefined;
  if (read !== undefined) return await createReceipts(file, read, surveyed);
  const tally = createTally('receipts');
  tally.breakWith({ file: keys.name, line: 1, reason: 'malformed_keys' });
  return { id: 'receipts', see: () => undefined, end: tally.finding };
};

/** How to get the input of a check that has none. */
const MISSING: Partial<Readonly<Record<CheckId, string>>> = {
  settlements: 'give --rpc URL, a node of the chain',
  receipts: 'give --receipts FILE, one receipt a line',
  log: 'there are no leaves of the transparency log; give --log FOLDER',
  heads: 'without a transparency log, nothing proves that the end of a chain is complete',
  contains: 'give --contains HASH, e.g. the `entry` of a receipt',
};

const absent = (check: CheckId): readonly Finding[] => {
  const note = MISSING[check];
  return note === undefined
    ? []
    : [{ check, verdict: 'not checked', checked: 0, bounded: 0, unchecked: 0, note }];
};

const optionalOf = (
  { listed, log }: Export,
  { receipts, rpc, contains }: VerifyOptions,
): ReadonlySet<CheckId> =>
  new Set<CheckId>([
    ...(listed === undefined ? NEED_FOLDER : []),
    ...(rpc === undefined ? (['settlements'] as const) : []),
    ...(receipts === undefined ? (['receipts'] as const) : []),
    ...(log === undefined ? (['log'] as const) : []),
    ...(contains === undefined ? (['contains'] as const) : []),
  ]);
