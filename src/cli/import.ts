import * as z from 'zod/mini';
import type { AccountId } from '../protocol/account-id.ts';
import { type Import, type Imported, MAX_RECORDS } from './import/records.ts';
import { accountNamed } from './lib/accounts.ts';
import { type AdminClient, openAdmin, roleOf } from './lib/admin-client.ts';
import type { ArgumentSpec, Command, CommandGroup, OptionSpec } from './lib/command.ts';
import { cancelled, CliError, Ended, EXIT, usageError } from './lib/errors.ts';
import { type Input, jsonFile } from './lib/input.ts';
import type { Output } from './lib/output.ts';
import { policyLines } from './lib/policy-text.ts';
import { policyOf, readPolicy, writePolicy } from './lib/policy.ts';
import { proseWidth } from './lib/print.ts';
import type { Session } from './lib/session.ts';
import { counted, printable, wrapped } from './lib/text.ts';
import { amountIn } from './lib/units.ts';

const EXPORT_FILE: ArgumentSpec = { syntax: '<file>', summary: 'JSON; - for stdin' };

const APPLY_OPTIONS: readonly OptionSpec[] = [
  { flags: '--apply', summary: 'write the policies to the accounts of --map' },
  { flags: '--map <file>', summary: 'JSON object: id or name in the export to account' },
  { flags: '-y, --yes', summary: 'write without asking' },
  { flags: '--operator', summary: "write the operator's policies instead of the owner's" },
];

const unkey: Command = {
  summary: 'convert keys of Unkey to policies: credits, refills, rate limits, expiry',
  arguments: [EXPORT_FILE],
  options: [
    { flags: '--price <amount>', summary: 'value of one credit in dollars, e.g. 0.001' },
    ...APPLY_OPTIONS,
  ],
  shared: ['gateway', 'signer'],
  examples: ['countersign import unkey keys.json --price 0.001'],
  run: async (session, input) => {
    const price = input.text('price');
    const options = { price: price === undefined ? undefined : amountIn(price, '--price') };
    const { importUnkey } = await import('./import/unkey.ts');
    await runImport(session, input, 'unkey', (json) => importUnkey(json, options));
  },
};

const litellm: Command = {
  summary: 'convert keys, users and teams of LiteLLM to policies: budgets, rates, expiry',
  arguments: [EXPORT_FILE],
  options: [
    { flags: '--models-as-tools', summary: 'treat names of models as ids of tools' },
    ...APPLY_OPTIONS,
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign import litellm keys.json',
    'countersign import litellm keys.json --apply --map accounts.json',
  ],
  run: async (session, input) => {
    const options = { modelsAsTools: input.flag('modelsAsTools') };
    const { importLitellm } = await import('./import/litellm.ts');
    await runImport(session, input, 'litellm', (json) => importLitellm(json, options));
  },
};

export const group: CommandGroup = {
  examples: [
    'countersign import unkey keys.json --price 0.001',
    'countersign import litellm keys.json --apply --map accounts.json',
  ],
  commands: { unkey, litellm },
};

const MAX_FILE = 64 * 1024 * 1024;

/** Reads an export and prints its policies with what does not map; with `--apply`, writes them to the accounts of `--map`. */
const runImport = async (
  session: Session,
  input: Input,
  source: 'unkey' | 'litellm',
  read: (json: unknown) => Import,
): Promise<void> => {
  const { out, prompts } = session;
  const path = input.arguments[0] ?? '';
  const items = importedOf(read(await jsonFile(session, path, MAX_FILE)), path);
  for (const { policy } of items) policyOf(policy);
  const documents = items.map(({ id, name, policy, notes }) => ({
    id,
    name: name ?? null,
    policy,
    notes,
  }));
  if (!input.flag('apply')) {
    if (input.text('map') !== undefined)
      throw usageError(
        '--map has no effect without --apply.',
        'Give --apply --map accounts.json, or neither.',
      );
    out.result({ source, items: documents }, () => reportText(out, items));
    return;
  }
  const accounts = await accountsIn(session, input.text('map'));
  const targetOf = ({ id, name }: Imported): string | undefined =>
    [id, name]
      .map((key) => (key !== undefined && Object.hasOwn(accounts, key) ? accounts[key] : undefined))
      .find((account) => account !== undefined);
  const wanted = items.filter(
    (item) => Object.keys(item.policy).length > 0 && targetOf(item) !== undefined,
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
    for (const item of wanted) outcomes.push(await applyPolicy(admin, item, targetOf(item) ?? ''));
  });
  const left = items.filter((item) => !wanted.includes(item)).map(({ id }) => id);
  out.result({ source, items: documents, applied: outcomes, left }, () =>
    outcomeText(out, outcomes, left),
  );
  if (outcomes.some(({ why }) => why !== undefined)) throw new Ended(EXIT.failed);
};

const importedOf = (read: Import, path: string): readonly Imported[] => {
  if (read.ok) return read.value;
  const faults = read.error.map(({ field, reason }) => `${field === '' ? 'it' : field} ${reason}`);
  const more = faults.length > 4 ? ` (and ${faults.length - 4} more)` : '';
  throw usageError(
    `The command cannot import ${path === '-' ? 'standard input' : path}: ${faults.slice(0, 4).join('; ')}${more}.`,
    'Correct the export, or report it if its format is new. The command imported nothing.',
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
    throw usageError('--map, which names the accounts of the policies, is missing.', hint);
  const read = mapSchema.safeParse(await jsonFile(session, path, MAX_FILE));
  if (read.success && Object.keys(read.data).length <= MAX_RECORDS) return read.data;
  throw usageError(`${path} is not an object of ids and accounts.`, hint);
};

type Outcome = {
  readonly id: string;
  /** The account as `--map` names it. */
  readonly word: string;
  readonly account?: AccountId;
  readonly changed?: boolean;
  readonly why?: string;
};

/** Writes one policy. A failure that concerns this account alone does not stop the others. */
const applyPolicy = async (
  admin: AdminClient,
  { id, policy }: Imported,
  word: string,
): Promise<Outcome> => {
  try {
    const slot = { admin, account: await accountNamed(admin, word) };
    const { etag } = await readPolicy(slot);
    const write = { document: policy, expected: etag, dryRun: false };
    const { changed } = await writePolicy(slot, write);
    return { id, word, account: slot.account, changed };
  } catch (thrown) {
    if (thrown instanceof CliError && thrown.exit === EXIT.failed)
      return { id, word, why: thrown.message };
    throw thrown;
  }
};

const reportText = (out: Output, items: readonly Imported[]): string => {
  const { style } = out;
  const notMapped = items
    .flatMap(({ notes }) => notes)
    .filter(({ effect }) => effect === 'not_mapped').length;
  return [
    ...items.map(({ id, name, policy, notes }) =>
      [
        `${style.bold(printable(name ?? id))}${name === undefined ? '' : `  ${style.dim(printable(id))}`}`,
        policyLines(out, policyOf(policy)),
        ...notes.map(({ field, effect, why }) => {
          const mark = effect === 'not_mapped' ? style.bad('✗') : style.warn('≈');
          return wrapped(`${mark} ${printable(field)}: ${printable(why)}`, proseWidth(out), '  ');
        }),
        '',
      ].join('\n'),
    ),
    `${counted(items.length, 'record')}, ${counted(notMapped, 'field')} not mapped`,
  ].join('\n');
};

const outcomeText = (
  out: Output,
  outcomes: readonly Outcome[],
  left: readonly string[],
): string => {
  const { style } = out;
  const lines = outcomes.map(({ id, word, changed, why }) => {
    const pair = `${printable(id)} → ${printable(word)}`;
    if (why !== undefined) return `${style.bad('failed')}  ${pair}: ${printable(why)}`;
    return `${changed === true ? style.good('done') : style.dim('same')}  ${pair}`;
  });
  const omitted = `omitted, because --map has no account for them or no field maps: ${left.map(printable).join(', ')}`;
  return [...lines, ...(left.length === 0 ? [] : [style.dim(omitted)])]
    .map((line) => wrapped(line, proseWidth(out), '  '))
    .join('\n');
};
