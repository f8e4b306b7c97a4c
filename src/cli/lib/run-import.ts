import type { AccountId } from '../../protocol/account-id.ts';
import * as z from 'zod/mini';
import type { Input } from './command.ts';
import { Ended } from './ended.ts';
import { cancelled, CliError, usageError } from './errors.ts';
import { EXIT } from './exit-code.ts';
import { jsonFile } from './input-file.ts';
import { moneyIn } from './amounts.ts';
import { openAdmin, roleOf } from './admin-client.ts';
import { roomOf } from './print.ts';
import { accountNamed } from './account-names.ts';
import type { Output } from './output.ts';
import { policyOf, readSlot, writeSlot } from './policy-slot.ts';
import type { Session } from './session.ts';
import { printable, wrapped } from './text.ts';
import { type Import, type Imported, MAX_RECORDS } from './imported.ts';
import { importLitellm } from '../import/litellm.ts';
import { itemDocument, reportText } from './import-report.ts';
import { importUnkey } from '../import/unkey.ts';

const MAX_FILE = 64 * 1024 * 1024;

/** `import`: what another system exports, as policies: printed, or with `--apply` written to the accounts that a file names. */
export const runImport = async (
  session: Session,
  input: Input,
  source: 'unkey' | 'litellm',
): Promise<void> => {
  const { out, prompts } = session;
  const price = input.text('price');
  const json = await jsonFile(session, input.arguments[0] ?? '', MAX_FILE);
  const items = mustRead(
    source === 'unkey'
      ? importUnkey(json, { price: price === undefined ? undefined : moneyIn(price, '--price') })
      : importLitellm(json, { modelsAsTools: input.flag('modelsAsTools') }),
    input.arguments[0] ?? '',
  );
  for (const { policy } of items) policyOf(policy);
  if (!input.flag('apply')) {
    if (input.text('map') !== undefined)
      throw usageError('--map is for --apply.', 'Give both, or neither.');
    out.result({ source, items: items.map(itemDocument) }, () => reportText(out, items));
    return;
  }
  const named = await accountsIn(session, input.text('map'));
  const wanted = items.filter(
    ({ id, name, policy }) =>
      Object.keys(policy).length > 0 && wordFor(named, id, name) !== undefined,
  );
  out.note(reportText(out, items));
  if (!input.flag('yes')) {
    const question = {
      message: wanted.length === 1 ? 'Write 1 policy?' : `Write ${wanted.length} policies?`,
      instead: '--yes',
    };
    if (!(await prompts.confirm(question))) throw cancelled();
  }
  const admin = await openAdmin(session, roleOf(input));
  const outcomes: Outcome[] = [];
  await session.progress.during('writing policies', async () => {
    for (const { id, name, policy } of wanted) {
      const word = wordFor(named, id, name) ?? '';
      outcomes.push(
        await (async (): Promise<Outcome> => {
          const account = await accountNamed(admin, word);
          const slot = { admin, account };
          const { etag } = await readSlot(slot);
          const { changed } = await writeSlot(slot, {
            document: policy,
            expected: etag,
            dryRun: false,
          });
          return { id, word, account, changed };
        })().catch((thrown: unknown): Outcome => {
          if (thrown instanceof CliError && thrown.exit === EXIT.failed)
            return { id, word, why: thrown.message };
          throw thrown;
        }),
      );
    }
  });
  const left = items.filter((item) => !wanted.includes(item)).map(({ id }) => id);
  out.result({ source, items: items.map(itemDocument), applied: outcomes, left }, () =>
    appliedText(out, outcomes, left),
  );
  if (outcomes.some(({ why }) => why !== undefined)) throw new Ended(EXIT.failed);
};

type Outcome = {
  readonly id: string;
  readonly word: string;
  readonly account?: AccountId;
  readonly changed?: boolean;
  readonly why?: string;
};

const mustRead = (read: Import, path: string): readonly Imported[] => {
  if (read.ok) return read.value;
  const faults = read.error.map(({ field, reason }) => `${field === '' ? 'it' : field} ${reason}`);
  const more = faults.length > 4 ? ` (and ${faults.length - 4} more)` : '';
  throw usageError(
    `${path === '-' ? 'Standard input' : path} cannot be imported: ${faults.slice(0, 4).join('; ')}${more}.`,
    'Nothing was imported. Correct the export, or report it if the format is a new one.',
  );
};

const mapSchema = z.record(
  z.string().check(z.maxLength(512)),
  z.string().check(z.minLength(1), z.maxLength(512)),
);

const accountsIn = async (
  session: Session,
  path: string | undefined,
): Promise<Readonly<Record<string, string>>> => {
  const hint = 'Give --map <file> with JSON such as {"key_123": "team/alice"}.';
  if (path === undefined)
    throw usageError('--map, which names the accounts of these policies, is missing.', hint);
  const read = mapSchema.safeParse(await jsonFile(session, path, MAX_FILE));
  if (read.success && Object.keys(read.data).length <= MAX_RECORDS) return read.data;
  throw usageError(`${path} is no object of ids and accounts.`, hint);
};

const wordFor = (
  named: Readonly<Record<string, string>>,
  id: string,
  name: string | undefined,
): string | undefined =>
  Object.hasOwn(named, id)
    ? named[id]
    : name !== undefined && Object.hasOwn(named, name)
      ? named[name]
      : undefined;

const appliedText = (out: Output, outcomes: readonly Outcome[], left: readonly string[]): string =>
  [
    ...outcomes.map(({ id, word, changed, why }) =>
      why === undefined
        ? `${changed === true ? out.style.good('done') : out.style.dim('same')}  ${printable(id)} → ${printable(word)}`
        : wrapped(
            `${out.style.bad('failed')}  ${printable(id)} → ${printable(word)}: ${printable(why)}`,
            roomOf(out),
            '  ',
          ),
    ),
    ...(left.length === 0
      ? []
      : [
          out.style.dim(
            wrapped(
              `left out, because no account is named or nothing was mapped: ${left.map(printable).join(', ')}`,
              roomOf(out),
              '  ',
            ),
          ),
        ]),
  ].join('\n');
