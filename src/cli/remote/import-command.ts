import { reachOf } from '../lib/catalogue.ts';
import type { Command } from '../lib/command.ts';
import { applyImport } from '../tool-import/apply.ts';
import { fileReach, openTarget } from '../tool-import/target.ts';
import { IMPORT_OPTIONS, importTerms } from '../tool-import/terms.ts';
import { BEARER_OPTION, bearerPlacements, readBearer } from './bearer.ts';

export const importMcp: Command = {
  summary: 'sell the tools of a remote MCP server',
  arguments: [{ syntax: '<url>', summary: 'its endpoint, e.g. https://mcp.example/mcp' }],
  options: [...IMPORT_OPTIONS, BEARER_OPTION],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign tools import-mcp https://mcp.example/mcp --price 0.01 --namespace web',
    'countersign tools import-mcp https://mcp.example/mcp --price-for "search*=0.05" --file tools.json',
    'cat token.txt | countersign tools import-mcp https://mcp.example/mcp --price 0.01 --bearer search --yes',
  ],
  run: async (session, input) => {
    const url = input.arguments[0] ?? '';
    const terms = await importTerms(session, input);
    const bearer = await readBearer(session, input);
    const target = await openTarget(session, input);
    const [{ readListing }, { importListing }] = await Promise.all([
      import('./listing.ts'),
      import('../../tool-import/remote/import.ts'),
    ]);
    const { gateway } = target;
    const reach = gateway === undefined ? fileReach(url) : reachOf(gateway);
    const listing = await session.progress.during('listing', async () =>
      readListing(url, reach, session.signal, bearer?.token),
    );
    const present = target.present.map(({ tool }) => tool);
    const made = importListing(url, listing, present, { ...terms, reach });
    const { aliases, skipped } = made;
    const secrets = bearer === undefined ? {} : { secrets: bearerPlacements(bearer) };
    const tools = made.tools.map((tool) => ({ ...tool, ...secrets }));
    await applyImport(session, input, target, {
      tools,
      remarks: [
        ...aliases.map(({ id, name }) => ({ mark: 'name', text: `${name} becomes ${id}` })),
        ...skipped.map(({ name, why }) => ({ mark: 'skip', text: `${name || 'a tool'} ${why}` })),
      ],
      report: { tools, aliases, skipped },
      sold: tools.length + skipped.filter(({ id }) => id !== undefined).length,
      none: 'No tool of the server can be sold.',
    });
  },
};
