import { openAdmin } from '../lib/admin-client.ts';
import { defineCommand } from '../lib/command.ts';
import { listed, sentence } from '../lib/print.ts';
import { type CatalogueTool, priceText, readCatalogue } from '../lib/tools.ts';

export const command = defineCommand({
  summary: 'list the catalogue, with disabled and faulty tools, as operator',
  shared: ['gateway', 'signer'],
  run: async (session) => {
    const { out } = session;
    const tools = await readCatalogue(await openAdmin(session, 'operator'));
    out.result({ tools }, () =>
      tools.length === 0
        ? sentence(out, 'No tools yet. `countersign apply tools.json` adds the tools of a file.')
        : listed(
            out,
            [
              { title: 'TOOL', cut: 'end' },
              { title: 'PRICE', align: 'right' },
              { title: 'SETTLED' },
              { title: 'STATE' },
              { title: 'PATH', cut: 'end' },
            ],
            tools.map((each) => [
              each.id,
              priceText(each.tool),
              each.tool.settlement,
              stateOf(each),
              `${each.tool.method} ${each.tool.path}`,
            ]),
            (text, column, row) => {
              const tool = tools[row];
              if (column !== 3 || tool === undefined) return text;
              if (tool.fault !== undefined) return out.style.bad(text);
              return tool.disabled ? out.style.warn(text) : out.style.good(text);
            },
          ),
    );
  },
});

const stateOf = ({ disabled, fault, source }: CatalogueTool): string => {
  if (fault !== undefined) return `faulty: ${fault}`;
  if (disabled) return 'disabled';
  return source === 'file' ? 'on (file)' : 'on';
};
