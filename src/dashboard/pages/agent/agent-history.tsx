import { useState } from 'preact/hooks';
import { firstRows, PAGE_ROWS } from '../../data/reading/list.ts';
import { LIST_SECONDS, useQuery } from '../../data/reading/query.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { readToolDays, type ToolDays } from '../../data/money/tool-days.ts';
import type { PartProps } from './part-props.ts';
import { symbolOf } from '../../format/amount.ts';
import { stacksOf } from '../../format/stacks.ts';
import { dayOf, daysBefore } from '../../format/time.ts';
import { Chart } from '../../parts/chart.tsx';
import { Empty } from '../../parts/empty.tsx';
import { MoreRows } from '../../parts/more-rows.tsx';
import { Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { AgentCallTable } from '../../parts/call-table.tsx';

const DAYS = 30;

/**
 * Charges a day in one asset, by the account and its descendants. Each asset has its own chart, because amounts of two assets are never
 * added.
 */
const AssetChart = ({
  spend: { rows, isByTool },
  asset,
  days,
}: {
  readonly spend: ToolDays;
  readonly asset: string;
  readonly days: readonly string[];
}) => {
  const amounts = rows
    .filter((row) => row.asset === asset)
    .map(({ day, tool, charged }) => ({ day, name: tool, amount: charged }));
  return (
    <Chart
      caption={`${symbolOf(asset)} charged per day (UTC), with the agents below it${isByTool ? ', by tool' : ''}. Today is not over.`}
      days={days}
      series={stacksOf(amounts, days)}
      asset={asset}
    />
  );
};

/** The charges of an agent by day, and its calls. */
export const AgentHistory = ({ account }: PartProps) => {
  const [count, setCount] = useState(PAGE_ROWS);
  const today = dayOf(gatewayNow());
  const days = Array.from({ length: DAYS }, (_, at) => daysBefore(today, DAYS - 1 - at));
  const spend = useQuery(`days of ${account} ${today}`, (management, signal) =>
    readToolDays(management, account, days[0] ?? today, today, signal),
  );
  const calls = useQuery(
    `history of ${account}`,
    (management, signal) =>
      firstRows(management, 'account.calls', { params: { account } }, count, signal),
    LIST_SECONDS,
    count,
  );
  return (
    <>
      <Section title="Charged in the last 30 days">
        <Result query={spend} rows={8}>
          {(found) => {
            const charged = found.rows.filter((row) => row.charged !== 0n);
            const used = [...new Set(charged.map(({ asset }) => asset))];
            return used.length === 0 ? (
              <Empty title="Nothing was charged in the last 30 days.">
                <p>Free and denied calls cost nothing.</p>
              </Empty>
            ) : (
              used.map((asset) => (
                <AssetChart key={asset} spend={found} asset={asset} days={days} />
              ))
            );
          }}
        </Result>
      </Section>
      <Section title="Calls">
        <Result query={calls} rows={6}>
          {({ items, isMore }) =>
            items.length === 0 ? (
              <p class="muted">No calls yet.</p>
            ) : (
              <>
                <AgentCallTable rows={items} />
                <MoreRows isMore={isMore} rows={count} onMore={setCount} />
              </>
            )
          }
        </Result>
      </Section>
    </>
  );
};
