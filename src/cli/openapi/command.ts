import { formatDollars } from '../../protocol/amount.ts';
import { reachOf } from '../lib/catalogue.ts';
import { outcomeText, planOf, planText, type Step } from '../lib/catalogue-plan.ts';
import type { Command } from '../lib/command.ts';
import { cancelled, Ended, EXIT, usageError } from '../lib/errors.ts';
import { type Input, jsonFile, textFile } from '../lib/input.ts';
import { isLoopback } from '../lib/local-stack.ts';
import type { Output } from '../lib/output.ts';
import { proseWidth } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { counted, printable, wrapped } from '../lib/text.ts';
import { amountIn } from '../lib/units.ts';
import type { OpenApiImport } from './import.ts';
import type { Skipped } from './operation.ts';
import type { PriceRules, readPrices } from './prices.ts';
import { NOTHING, openTarget } from './target.ts';

export const importOpenApi: Command = {
  summary: 'sell the operations of an OpenAPI document',
  arguments: [{ syntax: '<document>', summary: 'OpenAPI 3.0 or 3.1, YAML or JSON; - for stdin' }],
  options: [
    { flags: '--price <amount>', summary: 'price of a call in dollars, e.g. 0.01' },
    { flags: '--prices <file>', summary: 'JSON object: pattern to price; the first match counts' },
    {
      flags: '--only <pattern>',
      summary: 'import only these, e.g. "GET /pets*"',
      repeatable: true,
    },
    { flags: '--exclude <pattern>', summary: 'leave these out', repeatable: true },
    { flags: '--upstream <url>', summary: "replaces the document's server" },
    { flags: '--namespace <name>', summary: 'put before each id, e.g. pets' },
    {
      flags: '--settlement <mode>',
      summary: 'when the money moves (default: deferred)',
      choices: ['deferred', 'upfront', 'credit'],
    },
    { flags: '--file <path>', summary: 'write to this tools.json instead of a gateway' },
    { flags: '--dry-run', summary: 'print the changes; apply none' },
    { flags: '-y, --yes', summary: 'apply without asking' },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign tools import openapi.yaml --price 0.01',
    'countersign tools import openapi.yaml --prices prices.json --only "GET *" --file tools.json',
  ],
  run: async (session, input) => {
    const { out, prompts } = session;
    const target = await openTarget(session, input);
    const imported = await readImport(session, input, target.gateway);
    const { mergedTools } = await import('./merge.ts');
    const present = target.present.map(({ tool }) => tool);
    const { tools, conflicts } = mergedTools(present, imported.tools);
    const skipped = [...imported.skipped, ...conflicts];
    const notes = imported.tools.flatMap(({ tool, notes: all }) =>
      all.map((note) => ({ tool: tool.id, note })),
    );
    const steps = planOf(target.present, tools, true);
    const report = { tools: tools.map(({ id }) => id), skipped, notes, planned: steps };
    if (!out.json) out.item({}, () => previewText(out, steps, tools.length, notes, skipped));
    const isDone = input.flag('dryRun') || steps.length === 0;
    if (!isDone && !input.flag('yes')) {
      const question = { message: `Apply ${counted(steps.length, 'change')}?`, instead: '--yes' };
      if (!(await prompts.confirm(question))) throw cancelled();
    }
    const { applied, failed } = isDone ? NOTHING : await target.apply(steps);
    if (!isDone || out.json) {
      out.result({ ...report, applied, raced: failed }, () => outcomeText(out, applied, failed));
    }
    if (failed.length > 0) throw new Ended(EXIT.failed);
  },
};

/** Reads document and options. Code that only this command needs, e.g. the YAML parser, loads here. */
const readImport = async (
  session: Session,
  input: Input,
  gateway: string | undefined,
): Promise<OpenApiImport> => {
  const [{ MAX_OPENAPI, readOpenApi }, { importDocument }, prices] = await Promise.all([
    import('./document.ts'),
    import('./import.ts'),
    import('./prices.ts'),
  ]);
  const path = input.arguments[0] ?? '';
  const document = readOpenApi(await textFile(session, path, MAX_OPENAPI));
  const name = path === '-' ? 'Standard input' : path;
  if (!document.ok) {
    throw usageError(`${name} ${document.error}.`, 'Give an OpenAPI 3.0 or 3.1 document.');
  }
  const price = input.text('price');
  const namespace = input.text('namespace');
  if (namespace !== undefined && !/^[a-z0-9][a-z0-9_-]{0,31}$/.test(namespace)) {
    throw usageError('--namespace takes 1 to 32 of a-z 0-9 _ -.', 'Give e.g. --namespace pets.');
  }
  const upstream = input.text('upstream');
  const imported = importDocument(document.value, {
    price: price === undefined ? undefined : formatDollars(amountIn(price, '--price')),
    prices: await pricesIn(session, input.text('prices'), prices.readPrices),
    settlement: settlementIn(input.text('settlement')),
    only: input.list('only'),
    exclude: input.list('exclude'),
    upstream,
    namespace,
    reach: gateway === undefined ? fileReach(upstream) : reachOf(gateway),
  });
  if (imported.ok) return imported.value;
  throw usageError(
    `${name} ${imported.error}.`,
    'Correct the document or the options: `countersign tools import --help`. The command changed nothing.',
  );
};

const fileReach = (upstream: string | undefined) =>
  upstream !== undefined && isLoopback(upstream) ? 'local_stack' : 'public';

const settlementIn = (text: string | undefined): 'deferred' | 'upfront' | 'credit' =>
  text === 'upfront' || text === 'credit' ? text : 'deferred';

const pricesIn = async (
  session: Session,
  path: string | undefined,
  read: typeof readPrices,
): Promise<PriceRules> => {
  if (path === undefined) return [];
  const rules = read(await jsonFile(session, path));
  if (rules.ok) return rules.value;
  throw usageError(
    `${path} ${rules.error}.`,
    'Give JSON such as {"GET /pets/*": "$0.01", "*": "$0.001"}.',
  );
};

const previewText = (
  out: Output,
  steps: readonly Step[],
  wanted: number,
  notes: readonly { readonly tool: string; readonly note: string }[],
  skipped: readonly Skipped[],
): string => {
  const { style } = out;
  const line = (mark: string, text: string) =>
    wrapped(`${mark}  ${printable(text)}`, proseWidth(out), '      ');
  return [
    planText(out, steps, wanted),
    ...notes.map(({ tool, note }) => line(style.warn('note'), `${tool}: ${note}`)),
    ...skipped.map(({ operation, why }) => line(style.warn('skip'), `${operation}: ${why}`)),
  ].join('\n');
};
