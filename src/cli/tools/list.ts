import type { Session } from '../lib/session.ts';
import { openAdmin } from '../lib/admin-client.ts';
import { listed, sentence } from '../lib/print.ts';
import { priceText, readCatalogue, type CatalogueTool } from '../lib/catalogue.ts';

/** `tools list`: the catalogue as it is served, disabled tools and those at fault too. */
export const listTools = async (session: Session): Promise<void> => {
  const { out } = session;
  const tools = await readCatalogue(await openAdmin(session, 'operator'));
  out.result({ tools }, () =>
    tools.length === 0
      ? sentence(out, 'No tools yet. `countersign apply tools.json` puts them there.')
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
            return tool.fault === undefined
              ? tool.disabled
                ? out.style.warn(text)
                : out.style.good(text)
              : out.style.bad(text);
          },
        ),
  );
};

const stateOf = ({ disabled, fault, source }: CatalogueTool): string =>
  fault !== undefined
    ? `at fault: ${fault}`
    : disabled
      ? 'disabled'
      : source === 'file'
        ? 'on (file)'
        : 'on';
