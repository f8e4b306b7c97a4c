import * as z from 'zod/mini';
import { decodeBase64, decodeUtf8, encodeBase64, hexOf, utf8 } from '../../crypto/bytes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import { headIn, parseHeads, slotHash, slotOf, SLOTS } from '../log/heads.ts';
import { headOfLeaf } from '../log/leaf.ts';
import { leafHash } from '../log/merkle-tree.ts';
import { verifyInclusion } from '../log/verify-proof.ts';
import type { Check, Place, Survey } from './check.ts';
import { type LogFile, readLines } from './lines.ts';
import type { LogEvidence, YearTree } from './log-evidence.ts';
import type { LoggedHistory } from './log-years.ts';
import { createTally } from './tally.ts';

/** Bytes of a line, at most: enough for a slot with tens of thousands of accounts. */
const MAX_LINE = 4_194_304;

const proofSchema = { slot: z.string(), path: z.array(z.string()).check(z.maxLength(12)) };
const lineSchema = z.strictObject({ account: z.string(), ...proofSchema });
const answerSchema = z.looseObject({
  ...proofSchema,
  frame: z.array(z.looseObject({ index: z.int(), leaf: z.string(), proof: z.array(z.string()) })),
});

export const UNPINNED =
  'the key of the log comes from the export itself, so anyone could have signed it; get the key from another source and give it with --log-key';

/** The head of an account in the index with this root; undefined if the index lacks the account. */
type Head = { readonly head: Uint8Array | undefined };

/** @returns undefined if the slot is not in the index */
const provenHead = (
  { slot, path }: { readonly slot: string; readonly path: readonly string[] },
  anchor: Uint8Array,
  root: Uint8Array,
): Head | undefined => {
  const bytes = decodeBase64(slot);
  const hashes = path.map(decodeBase64);
  if (bytes === undefined || bytes.length % 64 !== 0 || hashes.includes(undefined))
    return undefined;
  const place = { hash: slotHash(bytes), index: slotOf(anchor) };
  const tree = { size: SLOTS, root };
  return verifyInclusion(place, tree, hashes as Uint8Array[])
    ? { head: headIn(bytes, anchor) }
    : undefined;
};

/**
 * Checks that no leaf of an account was left out at the end: the checkpoint covers nothing newer of the account (docs/audit-format.md,
 * "Heads"). An exporter can drop the last entries of an account with their leaves, and every leaf that remains is still in the tree.
 */
export const createHeads = (
  { years, pinned, published }: LogEvidence,
  history: LoggedHistory | undefined,
  { accounts }: Pick<Survey, 'accounts'>,
): Check => {
  const tally = createTally('heads');
  const broken = new Set<AccountId>();
  const breakHere = (account: AccountId, place: Place, reason: string): void => {
    broken.add(account);
    tally.breakWith({ ...place, account, reason });
  };

  /** The head of an account by the files of a year. */
  const newestIn = (account: AccountId, origin: string): Uint8Array | undefined => {
    const leaf = history?.of.get(account)?.findLast(({ log }) => log === origin);
    return leaf && headOfLeaf(leaf);
  };
  const compare = (account: AccountId, origin: string, { head }: Head, place: Place): void => {
    const newest = newestIn(account, origin);
    if (newest !== undefined && head === undefined) breakHere(account, place, 'head_missing');
    else if (head !== undefined && !isEqual(head, newest))
      breakHere(account, place, 'leaf_withheld');
  };

  /** The accounts whose heads a file proves. */
  const readHeads = async (
    file: LogFile,
    { tree, index }: YearTree,
    anchors: ReadonlyMap<AccountId, Uint8Array>,
  ): Promise<ReadonlySet<AccountId>> => {
    const found = new Set<AccountId>();
    if (index === undefined) return found;
    for await (const { lines, fault } of readLines(file, { limit: MAX_LINE })) {
      for (const { bytes, number } of lines) {
        const place = { file: file.name, line: number };
        const parsed = parseStrictJson(decodeUtf8(bytes) ?? '');
        const line = parsed.ok ? lineSchema.safeParse(parsed.value).data : undefined;
        if (line === undefined) {
          tally.breakWith({ ...place, reason: 'malformed_head' });
          continue;
        }
        const account = line.account as AccountId;
        const anchor = anchors.get(account);
        if (anchor === undefined) continue;
        const head = provenHead(line, anchor, index);
        if (head === undefined) breakHere(account, place, 'head_not_included');
        else compare(account, tree.origin, head, place);
        found.add(account);
      }
      if (fault !== undefined)
        tally.breakWith({ file: file.name, line: fault.line, reason: fault.reason });
    }
    return found;
  };

  /**
   * Compares an account with the newest tree that the gateway publishes.
   *
   * @returns whether that tree has the same newest leaf; undefined if nothing proves it, which the tally then reports
   */
  const isNewestNow = async (
    account: AccountId,
    anchor: Uint8Array,
    newest: Checkpoint,
    { size }: Checkpoint,
  ): Promise<boolean | undefined> => {
    const path = `${newest.origin.slice(-4)}/head/${newest.size}/${hexOf(anchor).slice(2)}`;
    const place = { file: `/log/${path}`, line: 1 };
    const bytes = await published?.(path);
    // A restarted object has only the index of its newest tree, which may be newer by now.
    if (bytes === undefined) {
      tally.skip(`the gateway proves no newest leaf of ${account} now; verify again`);
      return undefined;
    }
    const parsed = parseStrictJson(decodeUtf8(bytes) ?? '');
    const answer = parsed.ok ? answerSchema.safeParse(parsed.value).data : undefined;
    const last = answer?.frame.at(-1);
    const root = parseHeads(last?.leaf ?? '');
    const proof = last?.proof.map(decodeBase64) ?? [];
    const isIncluded =
      last?.index === newest.size - 1 &&
      !proof.includes(undefined) &&
      verifyInclusion(
        { hash: leafHash(utf8(last.leaf)), index: last.index },
        newest,
        proof as Uint8Array[],
      );
    const head = answer && root && isIncluded ? provenHead(answer, anchor, root) : undefined;
    if (head === undefined) {
      breakHere(account, place, 'head_not_included');
      return undefined;
    }
    // The newest tree is the export's own.
    if (newest.size === size) compare(account, newest.origin, head, place);
    return broken.has(account) ? undefined : isEqual(head.head, newestIn(account, newest.origin));
  };

  const end = async () => {
    const trees = history?.trees ?? [];
    const proven = await Promise.all(
      trees.map(async (year, at) => {
        const file = years[at]?.heads;
        return history === undefined || file === undefined || year.isComplete
          ? undefined
          : await readHeads(file, year, history.anchors);
      }),
    );
    const last = trees.at(-1);
    const newest = last?.newest;
    const isPast = published !== undefined && (await isOtherYear(published, last?.tree));
    for (const account of accounts.keys()) {
      if (broken.has(account)) continue;
      const placed = history?.of.get(account)?.[0];
      const from = trees.findIndex(({ tree }) => tree.origin === placed?.log);
      const lacking = trees
        .slice(Math.max(0, from))
        .findIndex((year, at) => !year.isComplete && proven[from + at]?.has(account) !== true);
      const anchor = history?.anchors.get(account);
      if (last === undefined) tally.skip('no checkpoint proves anything about these chains');
      else if (placed === undefined)
        tally.bound('the log has no leaf of an account yet: no checkpoint covers its entries');
      else if (anchor === undefined || lacking >= 0)
        tally.skip(
          `nothing proves the newest leaf of ${account} in ${trees[from + Math.max(0, lacking)]?.tree.origin}; export again`,
        );
      else {
        const isNewest =
          !isPast &&
          (newest === undefined || (await isNewestNow(account, anchor, newest, last.tree)));
        if (isNewest === false)
          tally.bound('the log of the gateway has later entries than the export; export again');
        else if (isNewest && pinned === undefined) tally.bound(UNPINNED);
        else if (isNewest) tally.prove();
      }
    }
    const finding = tally.finding();
    return finding.verdict !== 'proved' || last === undefined
      ? finding
      : {
          ...finding,
          note: `nothing newer is under the checkpoint of ${last.tree.size} leaves of ${last.tree.origin}`,
        };
  };

  return { id: 'heads', see: () => undefined, end };
};

/** Whether the gateway has begun the log of a year after the newest one in the export. */
const isOtherYear = async (
  published: NonNullable<LogEvidence['published']>,
  tree: Checkpoint | undefined,
): Promise<boolean> => {
  const note = decodeUtf8((await published('checkpoint')) ?? new Uint8Array()) ?? '';
  return note !== '' && note.split('\n')[0] !== tree?.origin;
};

const isEqual = (one: Uint8Array | undefined, other: Uint8Array | undefined): boolean =>
  one === undefined || other === undefined
    ? one === other
    : encodeBase64(one) === encodeBase64(other);
