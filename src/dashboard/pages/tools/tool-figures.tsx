import { Link } from 'wouter-preact';
import { listAddress } from '../../data/navigation/filters.ts';
import type { SoldTool } from '../../data/tools/sold-tools.ts';
import { countOf, percentOf, sumOf } from '../../format/amount.ts';
import { Amount } from '../../parts/amount.tsx';

/** The address of the rows behind a figure. */
const hrefOf = (
  { id, days }: SoldTool,
  figure: 'calls' | 'failed' | 'denied' | 'charged',
): string => {
  const filters = { tool: id, ...days };
  if (figure === 'denied') return listAddress('/denials', filters);
  return listAddress('/calls', figure === 'failed' ? { ...filters, outcome: 'failed' } : filters);
};

const sumIn = ({ spend }: SoldTool, of: 'calls' | 'failed' | 'denied'): number =>
  spend.reduce((sum, row) => sum + row[of], 0);

/** The numbers of calls of a tool that ended, or were denied. A click opens them. */
export const ToolCount = ({
  tool,
  of,
}: {
  readonly tool: SoldTool;
  readonly of: 'calls' | 'denied';
}) => {
  const count = sumIn(tool, of);
  return count === 0 ? <>0</> : <Link href={hrefOf(tool, of)}>{countOf(count)}</Link>;
};

/** The share of a tool's calls that failed. A click opens them. */
export const ToolFailures = ({ tool }: { readonly tool: SoldTool }) => {
  const [failed, calls] = [sumIn(tool, 'failed'), sumIn(tool, 'calls')];
  if (calls === 0) return <>–</>;
  const share = percentOf(BigInt(failed), BigInt(calls));
  const title = `${countOf(failed)} of ${countOf(calls)} calls`;
  return failed === 0 ? (
    <span title={title}>{share}</span>
  ) : (
    <Link href={hrefOf(tool, 'failed')} title={title}>
      {share}
    </Link>
  );
};

type Charge = { readonly asset: string; readonly charged: bigint };

/** The charges of a tool by asset: amounts of two assets are never added. */
export const chargedBy = ({ spend }: SoldTool): readonly Charge[] =>
  [...Map.groupBy(spend, ({ asset }) => asset)].flatMap(([asset, rows]) =>
    asset === undefined ? [] : [{ asset, charged: sumOf(rows.map(({ charged }) => charged)) }],
  );

/** The charges of a tool, in each asset. A click opens its calls. */
export const ToolCharged = ({
  tool,
  decimals = 2,
}: {
  readonly tool: SoldTool;
  readonly decimals?: number;
}) => {
  const totals = chargedBy(tool);
  return totals.length === 0 ? (
    <Amount atomic={0n} asset={tool.tool.asset ?? ''} />
  ) : (
    <Link href={hrefOf(tool, 'charged')}>
      {totals.map(({ asset, charged }, at) => (
        <span key={asset}>
          {at === 0 ? '' : ' + '}
          <Amount atomic={charged} asset={asset} decimals={decimals} />
        </span>
      ))}
    </Link>
  );
};
