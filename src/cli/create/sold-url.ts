import type { ToolDocument } from '../../management/tool.route.ts';
import { egressFault } from '../../protocol/egress-url.ts';
import { CliError, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { isLoopback } from '../lib/local-stack.ts';
import type { Session } from '../lib/session.ts';
import { settlementFor } from '../../tool-import/terms.ts';
import { askPrice, DEFAULT_PRICE } from './ask-price.ts';
import type { Sold } from './sold.ts';

/**
 * Asks for one URL, the name that agents call it by, and its price. A tool of an earlier run with this URL keeps the changes of its owner;
 * only a price given as an option replaces its price.
 */
export const soldByUrl = async (
  session: Session,
  input: Input,
  present: readonly ToolDocument[],
): Promise<Sold> => {
  const url = new URL(await askUrl(session, input));
  const upstream = url.pathname.replace(/\/+$/, '') || '/';
  const known = present.find((tool) => tool.upstream === upstream);
  if (known !== undefined && input.text('price') === undefined)
    return { tools: present, upstream: url.origin, notes: [], skipped: [] };
  const id = known?.id ?? (await askName(session, input, url));
  if (known === undefined && present.some((tool) => tool.id === id))
    throw new CliError(`A tool named ${id} sells another URL.`, {
      hint: 'Give the new one another name: --tool <name>.',
      code: 'name_taken',
    });
  const price = await askPrice(session, input, DEFAULT_PRICE);
  const tool: ToolDocument =
    known === undefined
      ? {
          ...{ id, method: 'GET', path: `/tools/${id}`, mimeType: 'application/json' },
          ...{ description: `Answers GET ${url.pathname}.`, price },
          settlement: settlementFor(price, 'deferred'),
          upstream,
        }
      : { ...known, price };
  return {
    tools:
      known === undefined
        ? [...present, tool]
        : present.map((each) => (each === known ? tool : each)),
    upstream: url.origin,
    notes: [
      `${id}: sold for ${price} a call at ${tool.path}`,
      ...(known === undefined
        ? [`${id}: describe in tools.json what it does and takes: agents choose tools by that`]
        : []),
    ],
    skipped: [],
  };
};

const askUrl = async ({ prompts }: Session, input: Input): Promise<string> => {
  const faultOf = (text: string): string | undefined => {
    const fault = egressFault(text, isLoopback(text) ? 'local_stack' : 'public');
    if (fault !== undefined) return `The URL ${fault}.`;
    return text.includes('?') ? 'Leave the query out: each caller sends its own.' : undefined;
  };
  const given = input.text('upstream')?.trim();
  if (given === undefined)
    return await prompts.text({
      message: 'URL of the API, e.g. https://api.example.com/weather or http://localhost:3000/x',
      instead: '--upstream <url>',
      check: faultOf,
    });
  const fault = faultOf(given);
  if (fault !== undefined)
    throw usageError(
      `--upstream: ${fault}`,
      'Give the URL of one call of the API, e.g. --upstream https://api.example.com/weather.',
    );
  return given;
};

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

const askName = async ({ prompts }: Session, input: Input, url: URL): Promise<string> => {
  const initial =
    url.pathname
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_')
      .replaceAll(/^_+|_+$/g, '')
      .slice(-64) || 'api';
  const faultOf = (text: string): string | undefined =>
    NAME.test(text) ? undefined : 'Use 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit.';
  const given = input.text('tool');
  if (given === undefined)
    return prompts.isInteractive
      ? await prompts.text({
          message: 'Name of the tool, which agents call',
          instead: '--tool <name>',
          initial,
          check: faultOf,
        })
      : initial;
  const fault = faultOf(given);
  if (fault !== undefined) throw usageError(`--tool: ${fault}`, 'Give e.g. --tool weather.');
  return given;
};
