import { Link } from 'wouter-preact';
import type { ToolDocument } from '../../management/tool.route.ts';
import { parseMoney } from '../../protocol/amount.ts';
import { useQuery } from '../data/query.ts';
import type { PageProps } from '../data/scope.ts';
import { readSoldTools, type SoldTool, TOOL_DAYS } from '../data/tools.ts';
import { decimalsFor, sumOf } from '../format/amount.ts';
import { shown } from '../format/text.ts';
import { Amount } from '../parts/amount.tsx';
import { Badge } from '../parts/badge.tsx';
import { CommandLine } from '../parts/copy.tsx';
import { Empty } from '../parts/empty.tsx';
import { Page } from '../parts/page.tsx';
import { Price } from '../parts/price.tsx';
import { Result } from '../parts/result.tsx';
import { Table } from '../parts/table.tsx';

/** One word for a tool: a faulty or disabled one is not served, so how it works does not matter. */
export const stateOf = ({
  fault,
  disabled,
  health,
}: Pick<SoldTool, 'fault' | 'disabled' | 'health'>): string => {
  if (fault !== undefined) return 'faulty';
  if (disabled) return 'off';
  return health === 'working' || health === 'failing' ? health : 'on';
};

const SETTLEMENTS: Readonly<Record<ToolDocument['settlement'], string>> = {
  deferred: 'after the call',
  upfront: 'before the call',
  credit: 'from credit',
  free: 'never',
  card: 'by card',
};

/** When the money of a tool moves. */
export const settlementText = ({ settlement }: ToolDocument) => (
  <span title={`settlement ${settlement}`}>{SETTLEMENTS[settlement]}</span>
);

const countOf = ({ spend }: SoldTool, member: 'calls' | 'failed'): number =>
  spend.reduce((sum, row) => sum + row[member], 0);

/** Amounts of two assets are never added. */
export const Revenue = ({ tool: { spend } }: { readonly tool: SoldTool }) => {
  const assets = [...new Set(spend.flatMap(({ asset }) => asset ?? []))];
  const totals = assets.map((asset) => ({
    asset,
    charged: sumOf(spend.filter((row) => row.asset === asset).map(({ charged }) => charged)),
  }));
  return totals.length === 0 ? (
    <>0</>
  ) : (
    totals.map(({ asset, charged }, at) => (
      <span key={asset}>
        {at === 0 ? '' : ' + '}
        <Amount atomic={charged} asset={asset} />
      </span>
    ))
  );
};

/** Calls that failed, of those that ended. */
export const failuresOf = (tool: SoldTool): string => {
  const calls = countOf(tool, 'calls');
  return calls === 0 ? '–' : `${countOf(tool, 'failed')} of ${calls}`;
};

const priceOf = ({ price }: ToolDocument): bigint =>
  parseMoney(typeof price === 'string' ? price : price.max) ?? 0n;

const NONE = (
  <Empty title="This gateway sells no tool.">
    <p>Add one above, import an OpenAPI document, or copy this command:</p>
    <CommandLine
      text={`npx countersign tools import openapi.yaml --price 0.01 --gateway ${location.origin}`}
    />
  </Empty>
);

/** What the gateway sells, what each tool earned, and whether it works. For operators. */
export const Tools = ({ scope }: PageProps) => {
  const query = useQuery(`tools ${scope.account}`, (management, signal) =>
    readSoldTools(management, scope, signal),
  );
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
          const decimals = decimalsFor(tools.map(({ tool }) => priceOf(tool)));
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
                    cell: ({ id, tool }) => (
                      <Link href={`/tools/id/${id}`} title={shown(tool.description)}>
                        {shown(id)}
                      </Link>
                    ),
                  },
                  { head: 'State', cell: (tool) => <Badge state={stateOf(tool)} /> },
                  { head: 'Money moves', drop: 2, cell: ({ tool }) => settlementText(tool) },
                  { head: 'Failed calls', drop: 1, isNumber: true, cell: failuresOf },
                  {
                    head: 'Price',
                    isNumber: true,
                    cell: ({ tool }) => <Price tool={tool} decimals={decimals} />,
                  },
                  {
                    head: 'Charged',
                    drop: 1,
                    isNumber: true,
                    cell: (tool) => <Revenue tool={tool} />,
                  },
                ]}
              />
              <p class="muted">
                Calls and charges of the last {TOOL_DAYS} days (UTC). A tool is failing if its
                upstream gave no answer or an error to most of its newest calls.
              </p>
            </>
          );
        }}
      </Result>
    </Page>
  );
};
