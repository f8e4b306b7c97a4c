import type { ToolDocument } from '../../management/tool.route.ts';
import { CliError, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { isLoopback } from '../lib/local-stack.ts';
import type { Session } from '../lib/session.ts';
import { printable } from '../lib/text.ts';
import { askPrice, priceNotes } from './ask-price.ts';
import type { Sold } from './sold.ts';

/**
 * Asks what the project sells: one URL, the operations of an OpenAPI document, or the tools of an MCP server.
 *
 * @param project has the tools of an earlier run; a second import keeps every field that it does not decide
 * @returns undefined for an existing project without an import
 */
export const askSold = async (
  session: Session,
  input: Input,
  project: { readonly isNew: boolean; readonly tools: readonly ToolDocument[] },
): Promise<Sold | undefined> => {
  const { prompts } = session;
  const { isNew, tools: present } = project;
  const [openapi, mcp] = [input.text('openapi'), input.text('mcp')];
  if (openapi !== undefined && mcp !== undefined)
    throw usageError(
      '--openapi and --mcp exclude each other.',
      'Give one; `countersign tools import` and `tools import-mcp` add the other.',
    );
  const kind =
    (openapi === undefined ? undefined : 'openapi') ??
    (mcp === undefined ? undefined : 'mcp') ??
    (!isNew || input.text('upstream') !== undefined || !prompts.isInteractive
      ? 'url'
      : undefined) ??
    (await prompts.choice<'url' | 'openapi' | 'mcp'>({
      message: 'What do you sell?',
      instead: '--upstream <url>, --openapi <document>, or --mcp <url>',
      options: [
        { value: 'url', label: 'one URL of an HTTP API' },
        { value: 'openapi', label: 'an HTTP API with an OpenAPI document' },
        { value: 'mcp', label: 'the tools of an MCP server' },
      ],
      initial: 'url',
    }));
  if (kind === 'url')
    return isNew || input.text('upstream') !== undefined
      ? withPriceNotes(await (await import('./sold-url.ts')).soldByUrl(session, input, present))
      : undefined;
  const source = openapi ?? mcp ?? (await askSource(session, kind));
  const price = await askPrice(session, input);
  const sold =
    kind === 'openapi'
      ? await (
          await import('./sold-openapi.ts')
        ).soldByDocument(session, input, {
          ...{ source, price, present },
        })
      : await soldByServer(session, source, price, present);
  if (sold.tools.length > 0) return withPriceNotes(sold);
  throw new CliError(`Nothing in ${printable(source)} can be sold. The command wrote nothing.`, {
    hint: sold.skipped[0] ?? 'It describes no operation.',
    code: 'nothing_sold',
  });
};

/** Adds a warning for each low price. */
const withPriceNotes = (sold: Sold): Sold => {
  const prices = new Set(sold.tools.map(({ price }) => (typeof price === 'string' ? price : '')));
  return { ...sold, notes: [...sold.notes, ...[...prices].flatMap(priceNotes)] };
};

const askSource = async ({ prompts }: Session, kind: 'openapi' | 'mcp'): Promise<string> =>
  kind === 'openapi'
    ? await prompts.text({
        message: 'File or URL of the OpenAPI document',
        instead: '--openapi <document>',
      })
    : await prompts.text({
        message: 'URL of the MCP server, e.g. https://mcp.example/mcp',
        instead: '--mcp <url>',
        check: (text) => (URL.canParse(text) ? undefined : 'That is not a URL.'),
      });

const soldByServer = async (
  { progress, signal }: Session,
  url: string,
  price: string,
  present: readonly ToolDocument[],
): Promise<Sold> => {
  const [{ readListing }, { importListing }] = await Promise.all([
    import('../remote/listing.ts'),
    import('../../tool-import/remote/import.ts'),
  ]);
  const reach = isLoopback(url) ? 'local_stack' : 'public';
  const listing = await progress.during(
    'listing the tools of the server',
    async () => await readListing(url, reach, signal),
  );
  const { tools, aliases, skipped } = importListing(url, listing, present, {
    ...{ price, prices: [], only: [], exclude: [], settlement: 'deferred' },
    ...{ namespace: undefined, reach },
  });
  return {
    tools: [...present, ...tools],
    upstream: new URL(url).origin,
    notes: aliases.map(({ id, name }) => `${id}: named ${name} at the server`),
    skipped: skipped
      .filter(({ id }) => id === undefined)
      .map(({ name, why }) => `${name || 'a tool'} ${why}`),
  };
};
