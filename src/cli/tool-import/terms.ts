import { formatDollars } from '../../protocol/amount.ts';
import type { OptionSpec } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { type Input, jsonFile } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import { printable } from '../lib/text.ts';
import { amountIn } from '../lib/units.ts';
import { type PriceRules, readPrices } from '../../tool-import/prices.ts';
import { type ImportTerms, isNamespace } from '../../tool-import/terms.ts';

/** Options of every command that imports tools, from whatever source. */
export const IMPORT_OPTIONS: readonly OptionSpec[] = [
  { flags: '--price <amount>', summary: 'price of a call in dollars, e.g. 0.01' },
  {
    flags: '--price-for <pattern=amount>',
    summary: 'price of what a pattern names, e.g. "search*=0.05"; the first match counts',
    repeatable: true,
  },
  { flags: '--prices <file>', summary: 'JSON object: pattern to price, after --price-for' },
  { flags: '--only <pattern>', summary: 'import only these, e.g. "list_*"', repeatable: true },
  { flags: '--exclude <pattern>', summary: 'leave these out', repeatable: true },
  { flags: '--namespace <name>', summary: 'put before each id, e.g. pets' },
  {
    flags: '--settlement <mode>',
    summary: 'when the money moves (default: deferred)',
    choices: ['deferred', 'upfront', 'credit'],
  },
  { flags: '--file <path>', summary: 'write to this tools.json instead of a gateway' },
  { flags: '--dry-run', summary: 'print the changes; apply none' },
  { flags: '-y, --yes', summary: 'apply without asking' },
];

/** @throws CliError usage */
export const importTerms = async (session: Session, input: Input): Promise<ImportTerms> => {
  const [price, settlement, namespace, file] = ['price', 'settlement', 'namespace', 'prices'].map(
    (option) => input.text(option),
  );
  if (namespace !== undefined && !isNamespace(namespace)) {
    throw usageError('--namespace takes 1 to 32 of a-z 0-9 _ -.', 'Give e.g. --namespace pets.');
  }
  return {
    price: price === undefined ? undefined : formatDollars(amountIn(price, '--price')),
    prices: [
      ...input.list('priceFor').map(priceFor),
      ...(file === undefined ? [] : await pricesIn(session, file)),
    ],
    settlement: settlement === 'upfront' || settlement === 'credit' ? settlement : 'deferred',
    only: input.list('only'),
    exclude: input.list('exclude'),
    namespace,
  };
};

const priceFor = (text: string): readonly [string, string] => {
  const at = text.lastIndexOf('=');
  if (at < 1) {
    throw usageError(
      `--price-for takes a pattern and an amount, not ${JSON.stringify(printable(text).slice(0, 40))}.`,
      'Give e.g. --price-for "search*=0.05".',
    );
  }
  return [text.slice(0, at), formatDollars(amountIn(text.slice(at + 1), '--price-for'))];
};

const pricesIn = async (session: Session, path: string): Promise<PriceRules> => {
  const rules = readPrices(await jsonFile(session, path));
  if (rules.ok) return rules.value;
  throw usageError(
    `${path} ${rules.error}.`,
    'Give JSON such as {"GET /pets/*": "$0.01", "*": "$0.001"}.',
  );
};
