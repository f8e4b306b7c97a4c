import { parseLeaf } from '../../../audit/log/leaf.ts';
import { allLeaves, type LeafSource, leavesOfAccounts } from '../../../client/leaf-lines.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import { logKeysOf } from './public-text.ts';
import type { VerifierJob } from './verifier-job.ts';

type Log = NonNullable<VerifierJob['log']>;
type Year = Log['years'][number];

/** The whole log of a gateway, for an operator: all leaves, checkpoints and keys of every year. Undefined without a log. */
export const readWholeLog = async (source: LeafSource): Promise<Log | undefined> =>
  await logOf(await allLeaves(source), () => true);

/** The leaves of some accounts in the log of every year, with proofs. Undefined if there are none. */
export const readLogOfAccounts = async (
  source: LeafSource,
  accounts: readonly AccountId[],
): Promise<Log | undefined> => await logOf(await leavesOfAccounts(source, accounts), () => true);

/**
 * The leaves of some accounts, up to the last entry that was read of each. With later leaves, the verifier would report an account as
 * truncated because the browser stopped reading its entries.
 */
export const readLogUpTo = async (
  source: LeafSource,
  ends: ReadonlyMap<AccountId, number>,
): Promise<Log | undefined> => {
  const isWithin = (line: string): boolean => {
    const leaf = parseLeaf((JSON.parse(line) as { readonly leaf: string }).leaf);
    return leaf !== undefined && leaf.last.seq <= (ends.get(leaf.account) ?? 0);
  };
  return await logOf(await leavesOfAccounts(source, [...ends.keys()]), isWithin);
};

/** @param files the newest year first */
const logOf = async (
  files: Awaited<ReturnType<typeof allLeaves>>,
  isWanted: (line: string) => boolean,
): Promise<Log | undefined> => {
  const years: Year[] = [];
  const keys: Log['keys'][number][] = [];
  for (const { year, checkpoint, lines, heads } of files) {
    const wanted: string[] = [];
    let isCut = false;
    for await (const line of lines)
      if (isWanted(line)) wanted.push(line);
      else isCut = true;
    if (wanted.length === 0) continue;
    // The proofs of heads would report the leaves outside the range as missing.
    const proofs = isCut || heads.length === 0 ? {} : { heads: new Blob([...heads]) };
    years.unshift({ year, checkpoint, leaves: new Blob(wanted), ...proofs });
    const text = await logKeysOf(year);
    if (text !== undefined) keys.unshift({ name: `/log/${year}/keys`, text });
  }
  return years.length === 0 ? undefined : { years, keys };
};
