import { Link } from 'wouter-preact';
import type { PageProps } from '../../data/session/scope.ts';
import { type SoldTool, TOOL_DAYS, useSoldTools } from '../../data/tools/sold-tools.ts';
import { toolState } from '../../data/tools/tool-state.ts';
import { decimalsFor } from '../../format/amount.ts';
import { shown } from '../../format/text.ts';
import { Badge } from '../../parts/badge.tsx';
import { CommandLine } from '../../parts/command-line.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Page } from '../../parts/page.tsx';
import { Price } from '../../parts/price.tsx';
import { Result } from '../../parts/result.tsx';
import { Table } from '../../parts/table.tsx';
import { SettlementWords } from './settlement-words.tsx';
import { chargedBy, ToolCharged, ToolCount, ToolFailures } from './tool-figures.tsx';

const NONE = (
  <Empty title="This gateway sells no tools.">
    <p>Add one above, import an OpenAPI document, or copy this command:</p>
    <CommandLine
      text={`npx countersign tools import OPENAPI_FILE --price 0.01 --gateway ${location.origin}`}
    />
  </Empty>
);

/** The tools of the gateway: the price of each, its charges, and whether it works. For operators. */
export const Tools = ({ scope }: PageProps) => {
  const query = useSoldTools(scope);
  return (
    <Page title="Tools">
      <div class="acts">
        <Link href="/tools/new" class="button primary">
          New tool
        </Link>
        <Link href="/tools/import" class="button">
          Import
        </Link>
      </div>
      <Result query={query} rows={10}>
        {(tools) => {
          const decimals = decimalsFor(tools.flatMap(chargedBy).map(({ charged }) => charged));
          return tools.length === 0 ? (
            NONE
          ) : (
            <>
              <Table<SoldTool>
                caption="Tools"
                rows={tools}
                keyOf={({ id }) => id}
                columns={[
                  {
                    head: 'Tool',
                    isName: true,
                    cell: ({ id, tool }) => (
                      <Link href={`/tools/id/${id}`} title={shown(tool.description)}>
                        {shown(id)}
                      </Link>
                    ),
                  },
                  { head: 'State', cell: (tool) => <Badge state={toolState(tool)} /> },
                  { head: 'Payment', drop: 2, cell: ({ tool }) => <SettlementWords tool={tool} /> },
                  {
                    ...{ head: 'Calls', drop: 1, isNumber: true },
                    cell: (tool) => <ToolCount tool={tool} of="calls" />,
                  },
                  {
                    ...{ head: 'Failed', drop: 2, isNumber: true },
                    cell: (tool) => <ToolFailures tool={tool} />,
                  },
                  {
                    ...{ head: 'Denied', drop: 2, isNumber: true },
                    cell: (tool) => <ToolCount tool={tool} of="denied" />,
                  },
                  {
                    head: 'Price',
                    isNumber: true,
                    cell: ({ tool }) => <Price tool={tool} />,
                  },
                  {
                    head: 'Charged',
                    drop: 1,
                    isNumber: true,
                    cell: (tool) => <ToolCharged tool={tool} decimals={decimals} />,
                  },
                ]}
              />
              <p class="muted">
                Figures of the last {TOOL_DAYS} days (UTC). A tool is failing if its upstream did
                not answer most of its recent calls, or answered them with a server error. It is
                unknown until a call of the last day says whether the upstream works, and up to two
                minutes longer.
              </p>
            </>
          );
        }}
      </Result>
    </Page>
  );
};
