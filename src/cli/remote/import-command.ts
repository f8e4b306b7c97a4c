import { formatDollars } from '../../protocol/amount.ts';
import { reachOf } from '../lib/catalogue.ts';
import { outcomeText, planOf, planText } from '../lib/catalogue-plan.ts';
import type { Command } from '../lib/command.ts';
import { cancelled, Ended, EXIT, usageError } from '../lib/errors.ts';
import { isLoopback } from '../lib/local-stack.ts';
import { proseWidth } from '../lib/print.ts';
import { counted, printable, wrapped } from '../lib/text.ts';
import { amountIn } from '../lib/units.ts';
import { NOTHING, openTarget } from '../openapi/target.ts';

export const importMcp: Command = {
  summary: 'sell the tools of a remote MCP server',
  arguments: [{ syntax: '<url>', summary: 'its endpoint, e.g. https://mcp.example/mcp' }],
  options: [
    { flags: '--price <amount>', summary: 'price of a call in dollars, e.g. 0.01' },
    {
      flags: '--price-for <pattern=amount>',
      summary:
        'price of the tools that a pattern names, e.g. "search*=0.05"; the first match counts',
      repeatable: true,
    },
    { flags: '--namespace <name>', summary: 'put before each id, e.g. web' },
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
    'countersign tools import-mcp https://mcp.example/mcp --price 0.01 --namespace web',
    'countersign tools import-mcp https://mcp.example/mcp --price-for "search*=0.05" --file tools.json',
  ],
  run: async (session, input) => {
    const { out, prompts, signal } = session;
    const url = input.arguments[0] ?? '';
    const [price, settlement, namespace] = ['price', 'settlement', 'namespace'].map((name) =>
      input.text(name),
    );
    if (namespace !== undefined && !/^[a-z0-9][a-z0-9_-]{0,31}$/.test(namespace)) {
      throw usageError('--namespace takes 1 to 32 of a-z 0-9 _ -.', 'Give e.g. --namespace pets.');
    }
    const prices = input.list('priceFor').map(priceFor);
    const target = await openTarget(session, input);
    const [{ readListing }, { importListing }] = await Promise.all([
      import('./listing.ts'),
      import('./import.ts'),
    ]);
    const reach =
      target.gateway === undefined
        ? isLoopback(url)
          ? 'local_stack'
          : 'public'
        : reachOf(target.gateway);
    const listing = await session.progress.during('listing', async () =>
      readListing(url, reach, signal),
    );
    const present = target.present.map(({ tool }) => tool);
    const { tools, aliases, skipped } = importListing(url, listing, present, {
      price: price === undefined ? undefined : formatDollars(amountIn(price, '--price')),
      prices,
      settlement: settlement === 'upfront' || settlement === 'credit' ? settlement : 'deferred',
      namespace,
      reach,
    });
    const steps = planOf(target.present, tools, true);
    const line = (mark: string, text: string) =>
      wrapped(`${mark}  ${printable(text)}`, proseWidth(out), '      ');
    const { style } = out;
    if (!out.json) {
      const lines = [
        ...(steps.length > 0 ? [planText(out, steps, tools.length)] : []),
        ...aliases.map(({ id, name }) => line(style.warn('name'), `${name} becomes ${id}`)),
        ...skipped.map(({ name, why }) => line(style.warn('skip'), `${name || 'a tool'} ${why}`)),
      ];
      out.item({}, () => (lines.length === 0 ? 'The server has no tools.' : lines.join('\n')));
    }
    const isDone = input.flag('dryRun') || steps.length === 0;
    if (!isDone && !input.flag('yes')) {
      const question = { message: `Apply ${counted(steps.length, 'change')}?`, instead: '--yes' };
      if (!(await prompts.confirm(question))) throw cancelled();
    }
    const { applied, failed } = isDone ? NOTHING : await target.apply(steps);
    if (!isDone || out.json) {
      const report = { tools, aliases, skipped, applied, raced: failed };
      out.result(report, () => outcomeText(out, applied, failed));
    }
    if (failed.length > 0) throw new Ended(EXIT.failed);
  },
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
