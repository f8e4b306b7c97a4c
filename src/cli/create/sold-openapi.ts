import { resolve } from 'node:path';
import { isObject } from '../../core/json-object.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import { CliError, EXIT, usageError } from '../lib/errors.ts';
import { type Input, textFile } from '../lib/input.ts';
import { isLoopback } from '../lib/local-stack.ts';
import type { Session } from '../lib/session.ts';
import { printable } from '../lib/text.ts';
import { MAX_OPENAPI, type OpenApi, readOpenApi } from '../../tool-import/openapi/document.ts';
import { importDocument } from '../../tool-import/openapi/import.ts';
import { mergedTools } from '../../tool-import/openapi/merge.ts';
import type { Sold } from './sold.ts';

type Source = {
  /** A path or a URL. */
  readonly source: string;
  readonly price: string;
  readonly present: readonly ToolDocument[];
};

/** Sells the operations of an OpenAPI document. @throws CliError if it cannot be read */
export const soldByDocument = async (
  session: Session,
  input: Input,
  { source, price, present }: Source,
): Promise<Sold> => {
  const isUrl = /^https?:\/\//i.test(source);
  const text = isUrl
    ? await download(session, source)
    : await textFile(
        session,
        source === '-' ? source : resolve(session.directory, source),
        MAX_OPENAPI,
      );
  const document = readOpenApi(text);
  if (!document.ok)
    throw usageError(
      `${printable(source)} ${document.error}.`,
      'Give an OpenAPI 3.0 or 3.1 document.',
    );
  const upstream =
    input.text('upstream') ?? (await serverOf(session, document.value, isUrl ? source : undefined));
  const reach = isLoopback(upstream) ? 'local_stack' : 'public';
  const imported = importDocument(document.value, {
    ...{ price, prices: [], settlement: 'deferred', only: [], exclude: [] },
    ...{ upstream, namespace: undefined, reach },
  });
  if (!imported.ok)
    throw usageError(`${printable(source)} ${imported.error}.`, 'The command wrote nothing.');
  const { origin } = new URL(upstream);
  const found = imported.value.tools.map(({ tool, ...rest }) => ({
    ...rest,
    tool: { ...tool, upstream: relative(tool.upstream, origin) },
  }));
  const { tools, conflicts } = mergedTools(present, found);
  const merged = new Map(tools.map((tool) => [tool.id, tool]));
  const kept = present.map((tool) => merged.get(tool.id) ?? tool);
  const ids = new Set(present.map(({ id }) => id));
  const skipped = [...imported.value.skipped, ...conflicts];
  return {
    tools: [...kept, ...tools.filter(({ id }) => !ids.has(id))],
    upstream: origin,
    notes: imported.value.tools.flatMap(({ tool, notes }) =>
      notes.map((note) => `${tool.id}: ${note}`),
    ),
    skipped: skipped.map(({ operation, why }) => `${operation}: ${why}`),
  };
};

/** A path below UPSTREAM_URL, so that one setting moves all tools to another host. */
const relative = (upstream: ToolDocument['upstream'], origin: string): ToolDocument['upstream'] =>
  typeof upstream === 'string' && upstream.startsWith(`${origin}/`)
    ? upstream.slice(origin.length)
    : upstream;

/** The URL of the API: the first server in the document, resolved against the URL of the document. */
const serverOf = async (
  { prompts }: Session,
  document: OpenApi,
  from: string | undefined,
): Promise<string> => {
  const servers: unknown = document['servers'];
  const first: unknown = Array.isArray(servers) ? servers[0] : undefined;
  const written = isObject(first) && typeof first['url'] === 'string' ? first['url'] : '/';
  // A server with variables, e.g. https://{region}.example.com, needs a choice.
  const url = /[{}]/.test(written) ? null : URL.parse(written, from);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href.replace(/\/$/, '');
  return await prompts.text({
    message: 'The document names no server. URL of the API',
    instead: '--upstream <url>: the document names no server',
    check: (text) => (URL.canParse(text) ? undefined : 'That is not a URL.'),
  });
};

const TIMEOUT_MS = 20_000;

const download = async ({ signal, progress }: Session, url: string): Promise<string> =>
  await progress.during('reading the document', async () => {
    const response = await fetch(url, {
      headers: { accept: 'application/json, application/yaml, text/yaml, */*' },
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const moved = response.headers.get('location');
    if (moved !== null)
      throw new CliError(`${printable(url)} redirects to ${printable(moved)}.`, {
        hint: 'Give that URL, if you trust it.',
        exit: EXIT.network,
        code: 'no_document',
      });
    if (!response.ok || response.body === null)
      throw new CliError(`${printable(url)} answers ${response.status}.`, {
        hint: 'Give the URL of the document itself, or save it and give the file.',
        exit: EXIT.network,
        code: 'no_document',
      });
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      length += chunk.byteLength;
      if (length > MAX_OPENAPI)
        throw usageError(
          `The document is longer than ${MAX_OPENAPI} bytes.`,
          'Remove what you do not sell, or split it: `countersign tools import` adds the second part.',
        );
      chunks.push(chunk);
    }
    return new TextDecoder().decode(Buffer.concat(chunks));
  });
