import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { documentFor } from '../../../../src/tool-import/remote/tool-document.ts';
import { listTools, MAX_PAGE } from '../../../../src/remote/list-tools.ts';
import { openSession } from '../../../../src/remote/session.ts';

/** Lists the tools of an MCP server and writes a `tools.json` that sells each of them under its own name. */
export const writeSoldTools = async (url: string, price: string): Promise<string> => {
  const session = openSession({ url, signal: AbortSignal.timeout(10_000), maxBytes: MAX_PAGE });
  const listing = await listTools(session);
  if (!listing.ok) throw new Error(JSON.stringify(listing.error));
  const settlement = price === '$0' ? 'free' : 'deferred';
  const tools = [...listing.value.tools.values()].map((definition) => {
    const terms = { id: definition.name, price, settlement } as const;
    const made = documentFor(url, definition, terms, 'local_stack');
    if (!made.ok) throw new Error(`${definition.name} ${made.error}`);
    return made.value;
  });
  const file = join(await mkdtemp(join(tmpdir(), 'countersign-sold-')), 'tools.json');
  await writeFile(file, JSON.stringify({ tools }));
  return file;
};
