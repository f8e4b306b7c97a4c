import { reachOf } from '../lib/catalogue.ts';
import type { Command } from '../lib/command.ts';
import { applyImport } from '../tool-import/apply.ts';
import { fileReach, openTarget } from '../tool-import/target.ts';
import { IMPORT_OPTIONS, importTerms } from '../tool-import/terms.ts';

export const importMcp: Command = {
  summary: 'sell the tools of a remote MCP server',
  arguments: [{ syntax: '<url>', summary: 'its endpoint, e.g. https://mcp.example/mcp' }],
  options: IMPORT_OPTIONS,
  shared: ['gateway', 'signer'],
  examples: [
    'countersign tools import-mcp https://mcp.example/mcp --price 0.01 --namespace web',
    'countersign tools import-mcp https://mcp.example/mcp --price-for "search*=0.05" --file tools.json',
  ],
  run: async (session, input) => {
    const url = input.arguments[0] ?? '';
    const terms = await importTerms(session, input);
    const target = await openTarget(session, input);
    const [{ readListing }, { importListing }] = await Promise.all([
      import('./listing.ts'),
      import('./import.ts'),
    ]);
    const { gateway } = target;
    const reach = gateway === undefined ? fileReach(url) : reachOf(gateway);
    const listing = await session.progress.during('listing', async () =>
      readListing(url, reach, session.signal),
    );
    const present = target.present.map(({ tool }) => tool);
    const { tools, aliases, skipped } = importListing(url, listing, present, { ...terms, reach });
    await applyImport(session, input, target, {
      tools,
      remarks: [
        ...aliases.map(({ id, name }) => ({ mark: 'name', text: `${name} becomes ${id}` })),
        ...skipped.map(({ name, why }) => ({ mark: 'skip', text: `${name || 'a tool'} ${why}` })),
      ],
      report: { tools, aliases, skipped },
      none: 'The server has no tools.',
    });
  },
};
