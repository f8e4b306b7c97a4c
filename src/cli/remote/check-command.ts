import { openAdmin } from '../lib/admin-client.ts';
import { type CatalogueTool, reachOf, readCatalogue } from '../lib/catalogue.ts';
import { planOf } from '../../tool-import/plan.ts';
import { applyStep, type Failure, outcomeText } from '../lib/catalogue-plan.ts';
import type { Command } from '../lib/command.ts';
import { CliError, Ended, EXIT, usageError } from '../lib/errors.ts';
import type { Output } from '../lib/output.ts';
import { proseWidth } from '../lib/print.ts';
import { printable, wrapped } from '../lib/text.ts';
import { type Bearer, BEARER_OPTION, readBearer } from './bearer.ts';
import type { Checked } from './check.ts';

export const checkMcp: Command = {
  summary: 'find remote MCP tools whose definition has changed',
  options: [
    {
      flags: '--accept <tool>',
      summary: 'sell the new definition of this tool',
      repeatable: true,
    },
    BEARER_OPTION,
  ],
  shared: ['gateway', 'signer'],
  examples: ['countersign tools check-mcp', 'countersign tools check-mcp --accept web.search'],
  run: async (session, input) => {
    const { out, signal } = session;
    const bearer = await readBearer(session, input);
    const admin = await openAdmin(session, 'operator');
    const reach = reachOf(await session.profile.gateway());
    const present = await readCatalogue(admin);
    const [{ readListing }, { checkTool }] = await Promise.all([
      import('./listing.ts'),
      import('./check.ts'),
    ]);
    const urls = new Set(
      present.flatMap(({ tool: { upstream } }) =>
        typeof upstream === 'object' && 'mcp' in upstream ? [upstream.mcp] : [],
      ),
    );
    const checked: Checked[] = [];
    const unlisted: { readonly url: string; readonly why: string }[] = [];
    await session.progress.during('listing', async () => {
      for (const url of urls) {
        try {
          const listing = await readListing(url, reach, signal, tokenFor(present, url, bearer));
          for (const { tool } of present) {
            const { upstream } = tool;
            if (typeof upstream !== 'object' || !('mcp' in upstream) || upstream.mcp !== url)
              continue;
            const found = checkTool(tool, listing);
            if (found !== undefined) checked.push(found);
          }
        } catch (thrown) {
          if (!(thrown instanceof CliError) || thrown.exit !== EXIT.failed) throw thrown;
          unlisted.push({ url, why: thrown.message });
        }
      }
    });
    const accepted = input.list('accept');
    const changed = checked.filter(({ state }) => state === 'changed');
    for (const id of accepted) {
      if (!changed.some((each) => each.id === id)) {
        throw usageError(
          `${printable(id)} is no tool that has changed.`,
          'Run the command without --accept to see what has. It changed nothing.',
        );
      }
    }
    if (!out.json) out.item({}, () => reportText(out, checked, unlisted));
    const wanted = checked.flatMap((each) =>
      each.state === 'changed' && accepted.includes(each.id) ? [each.next] : [],
    );
    const applied: string[] = [];
    const failed: Failure[] = [];
    for (const step of planOf(present, wanted, true)) {
      const error = await applyStep(admin, step);
      if (error === undefined) applied.push(step.id);
      else failed.push({ id: step.id, why: error.message, code: error.code });
    }
    if (out.json || accepted.length > 0) {
      const report = { checked, unlisted, accepted: applied, raced: failed };
      out.result(report, () => outcomeText(out, applied, failed));
    }
    const isClean = checked.every(({ id, state }) => state === 'same' || applied.includes(id));
    if (!isClean || unlisted.length > 0) throw new Ended(EXIT.failed);
  },
};

/** Send the token only to servers whose tools carry its secret: any other server could keep it. */
const tokenFor = (
  present: readonly CatalogueTool[],
  url: string,
  bearer: Bearer | undefined,
): string | undefined => {
  const carries = ({ upstream, secrets = [] }: CatalogueTool['tool']): boolean =>
    typeof upstream === 'object' &&
    'mcp' in upstream &&
    upstream.mcp === url &&
    secrets.some(({ secret }) => secret === bearer?.secret);
  return present.some(({ tool }) => carries(tool)) ? bearer?.token : undefined;
};

const reportText = (
  out: Output,
  checked: readonly Checked[],
  unlisted: readonly { readonly why: string }[],
): string => {
  const { style } = out;
  const line = (mark: string, text: string) =>
    wrapped(`${mark}  ${printable(text)}`, proseWidth(out), '      ');
  const lines = [
    ...checked.map((each) => {
      if (each.state === 'same') return line(style.good('same'), each.id);
      if (each.state === 'gone')
        return line(style.bad('gone'), `${each.id}: the server lists no ${each.name}`);
      if (each.state === 'unusable')
        return line(style.bad('bad '), `${each.id}: ${each.name} ${each.why}`);
      return [
        line(style.warn('~   '), `${each.id} (${each.name})`),
        ...changeLines(out, each),
      ].join('\n');
    }),
    ...unlisted.map(({ why }) => line(style.bad('down'), why)),
  ];
  return lines.length === 0
    ? 'The gateway sells no tool of a remote MCP server.'
    : lines.join('\n');
};

const changeLines = (
  { style }: Output,
  { differences, annotations }: Extract<Checked, { readonly state: 'changed' }>,
): readonly string[] => {
  const text = (value: unknown): string =>
    value === undefined ? 'nothing' : printable(JSON.stringify(value)).slice(0, 400);
  if (differences.length === 0) {
    return [
      '      Only what the gateway does not keep has changed: hidden characters, or the annotations, which are now',
      `      ${text(annotations)}`,
    ];
  }
  return differences.flatMap(({ path, before, after }) => [
    `      ${printable(path)}`,
    `      ${style.bad(`- ${text(before)}`)}`,
    `      ${style.good(`+ ${text(after)}`)}`,
  ]);
};
