import { allLeaves, type LeafSource, leavesOfAccounts } from '../../client/leaf-lines.ts';
import { linesOf } from '../../client/log-lines.ts';
import { createNamedTexts, type ReadText } from '../../client/named-texts.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { writeFolder } from '../lib/atomic-folder.ts';
import { isRefusal } from '../lib/errors.ts';
import { counted } from '../lib/text.ts';
import { type ExportedAccount, exportedAccounts, type Scope } from './exported-accounts.ts';
import { describedGateway, keyFiles } from './gateway-files.ts';
import { entryIn, logPages } from './log-pages.ts';

/** An account in the manifest, with its first and last exported entry. */
type ManifestAccount = ExportedAccount & { readonly first: number; readonly last: number };

export type ExportedFolder = {
  readonly accounts: readonly ManifestAccount[];
  readonly entries: number;
  readonly leaves: number;
};

/** The file of an account's entries. Windows allows no colon in a name. */
const fileOf = (account: AccountId): string => `entries/${account.replaceAll(':', '_')}.ndjson`;

/**
 * Writes the folder that verifiers read: the entries of each account from its first one, the leaves of the transparency log with the
 * checkpoint of each year, the keys, the texts of the gateway that bound them, and a manifest. An operator gets the leaves of all accounts, anyone else those of the exported ones with proofs.
 *
 * Reads the checkpoints first: D1 then has every entry that they cover, so no exported chain ends before its last leaf.
 *
 * @throws CliError
 */
export const writeExportFolder = async (
  admin: AdminClient,
  path: string,
  scope: Scope,
): Promise<ExportedFolder> => {
  const { session, gateway } = admin;
  const accounts: ManifestAccount[] = [];
  let entries = 0;
  // Read this before the list of accounts, so that each account with a leaf is in the list.
  const source: LeafSource = {
    management: admin,
    isWithoutLog: (thrown) => isRefusal(thrown, 'not_found'),
    now: session.now(),
  };
  const early = scope.kind === 'all' ? await allLeaves(source) : [];
  const listed = await exportedAccounts(admin, scope);
  const logged =
    scope.kind === 'all'
      ? early
      : await leavesOfAccounts(
          source,
          listed.map(({ account }) => account),
        );
  let leaves = 0;
  // An operator exports the gateway's own log, which has all texts.
  const texts = scope.kind === 'all' ? undefined : createNamedTexts(textReader(admin));
  const described = await describedGateway(admin);
  await session.progress.during(
    () => `writing account ${accounts.length + 1} of ${listed.length}, ${counted(entries, 'line')}`,
    async () =>
      await writeFolder(session.signal, path, async (folder) => {
        const years = logged.map(({ year }) => year);
        for (const [name, text] of Object.entries(await keyFiles(admin, years)))
          await folder.write(name, [text]);
        for (const { year, checkpoint, lines, heads } of logged) {
          await folder.write(`log/${year}/checkpoint`, [checkpoint]);
          await folder.write(
            `log/${year}/leaves.ndjson`,
            counting(lines, () => (leaves += 1)),
          );
          if (heads.length > 0) await folder.write(`log/${year}/heads.ndjson`, heads);
        }
        for (const one of listed) {
          const lines = linesOf(logPages(admin, one.account));
          const start = await lines.next();
          // An account that has decided nothing has no log.
          if (start.done === true) continue;
          const read = (line: string): number => {
            const entry = entryIn(line);
            texts?.see(entry);
            return entry.seq;
          };
          let last = read(start.value);
          const manifest = { ...one, first: last };
          await folder.write(
            fileOf(one.account),
            (async function* whole() {
              yield `${start.value}\n`;
              for await (const line of lines) {
                last = read(line);
                entries += 1;
                yield `${line}\n`;
              }
            })(),
          );
          entries += 1;
          accounts.push({ ...manifest, last });
        }
        if (texts !== undefined) await folder.write('texts.ndjson', texts.lines());
        const manifest = { v: 1, gateway, ...described, exportedAt: session.now(), accounts };
        await folder.write('manifest.json', [`${JSON.stringify(manifest, undefined, 2)}\n`]);
      }),
  );
  return { accounts, entries, leaves };
};

async function* counting(lines: AsyncIterable<string>, each: () => void): AsyncGenerator<string> {
  for await (const line of lines) {
    each();
    yield line;
  }
}

const textReader =
  (admin: AdminClient): ReadText =>
  async (account, text) => {
    try {
      return (await admin.call('account.text', { params: { account, text } })).body.text;
    } catch (thrown) {
      if (isRefusal(thrown, 'unknown_document')) return undefined;
      throw thrown;
    }
  };
