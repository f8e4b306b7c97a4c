import { Link } from 'wouter-preact';
import { listAddress } from '../data/filters.ts';
import {
  type FigureRow,
  type Figures,
  type PeriodTotal,
  rowsOf,
  totalsOf,
} from '../data/overview.ts';
import { gatewayNow } from '../data/reader.ts';
import type { Role } from '../data/role.ts';
import { decimalsFor, percentOf } from '../format/amount.ts';
import { addressIn, shortened, shown, worded } from '../format/text.ts';
import { agoOf } from '../format/time.ts';
import { Amount } from '../parts/amount.tsx';
import { Empty } from '../parts/empty.tsx';
import { Table } from '../parts/table.tsx';

const TITLES = { 1: 'Today', 7: 'Last 7 days', 30: 'Last 30 days' } as const;

/** The change against the period before: only from whole percents, and never against nothing. */
const changeOf = (now: bigint, before: bigint): string => {
  if (before <= 0n) return now === 0n ? 'same as the period before' : 'none in the period before';
  if (now === before) return 'same as the period before';
  return now > before
    ? `${percentOf(now - before, before)} more than the period before`
    : `${percentOf(before - now, before)} less than the period before`;
};

type Shown = 'charged' | 'earned';

const amountsOf = (total: PeriodTotal, of: Shown): readonly [now: bigint, before: bigint] =>
  of === 'charged'
    ? [total.charged, total.chargedBefore]
    : [total.earned ?? 0n, total.earnedBefore];

/** Today, seven and thirty days, each next to the period before. A click opens its days, which add up to it. */
export const PeriodFigures = ({
  figures,
  of,
}: {
  readonly figures: Figures;
  readonly of: Shown;
}) => {
  const all = totalsOf(figures);
  // Calls paid by a card earn nothing here.
  const totals = of === 'charged' ? all : all.filter(({ asset }) => !asset.startsWith('iso4217'));
  if (totals.length === 0) return <p class="muted">Nothing in the last 60 days.</p>;
  return (
    <ul class="figures">
      {totals.map((total) => {
        const [now, before] = amountsOf(total, of);
        const { period, from, to, asset, calls } = total;
        return (
          <li key={`${period} ${asset}`}>
            <p class="name">{TITLES[period]}</p>
            <p class="value">
              <Link href={listAddress('/spending', { by: 'day', from, to })}>
                <Amount atomic={now} asset={asset} />
              </Link>
            </p>
            <p class="muted">
              {of === 'charged' ? `${calls} ${calls === 1 ? 'call' : 'calls'}, ` : ''}
              {changeOf(now, before)}
            </p>
          </li>
        );
      })}
    </ul>
  );
};

/** The agents or tools that spent most. A click opens the rows behind the number. */
export const Top = ({
  figures,
  by,
  role,
}: {
  readonly figures: Figures;
  readonly by: 'tool' | 'account';
  readonly role?: Role;
}) => {
  const { from, today: to } = figures;
  const ranking = by === 'tool' ? figures.tools : figures.accounts;
  if ('too_many' in ranking) {
    return (
      <p class="muted">
        There are too many rows to rank for this period. Choose fewer days above, or open{' '}
        <Link href="/agents">Agents</Link>.
      </p>
    );
  }
  const rows = ranking.items;
  if (rows.length === 0) {
    return (
      <Empty title="Nothing was spent in this period.">
        <p>A paid call appears here within 15 seconds of its end.</p>
      </Empty>
    );
  }
  const decimals = decimalsFor(rows.map(({ charged }) => BigInt(charged)));
  const hrefOf = (key: string): string =>
    by === 'account'
      ? listAddress('/spending', { by: 'day', account: key, from, to })
      : role === 'operator'
        ? listAddress('/calls', { tool: key, from, to })
        : listAddress('/spending', { by: 'account', tool: key, from, to });
  return (
    <>
      <Table<FigureRow>
        caption={`Spending by ${by === 'tool' ? 'tool' : 'agent'}`}
        keyOf={(row) => `${row.key} ${row.asset ?? ''}`}
        rows={rows}
        columns={[
          {
            head: by === 'tool' ? 'Tool' : 'Agent',
            cell: ({ key }) => (
              <Link href={hrefOf(key)} title={key}>
                {by === 'tool' ? shown(key) : <code>{shortened(addressIn(key))}</code>}
              </Link>
            ),
          },
          { head: 'Calls', isNumber: true, drop: 1, cell: ({ calls }) => calls },
          {
            head: 'Charged',
            isNumber: true,
            cell: ({ charged, asset }) => (
              <Amount atomic={charged} asset={asset ?? ''} decimals={decimals} />
            ),
          },
        ]}
      />
      <p class="muted">
        {rows.length} of {ranking.of} ·{' '}
        <Link href={listAddress('/spending', { by, from, to })}>
          all {by === 'tool' ? 'tools' : 'agents'}
        </Link>
      </p>
    </>
  );
};

/** How many calls each rule denied. */
export const RuleList = ({ figures }: { readonly figures: Figures }) => {
  const { from, today: to } = figures;
  const rows = rowsOf(figures.rules);
  if (rows.length === 0) return <p class="muted">No calls were denied in this period.</p>;
  return (
    <Table<FigureRow>
      caption="Denied calls by rule"
      keyOf={({ key }) => key}
      rows={rows}
      columns={[
        {
          head: 'Rule',
          cell: ({ key }) => (
            <Link href={listAddress('/denials', { rule: key, from, to })}>{worded(key)}</Link>
          ),
        },
        { head: 'Denied', isNumber: true, cell: ({ denied }) => denied },
      ]}
    />
  );
};

type WaitingRow = NonNullable<Figures['open']>[number] & { readonly name: string };

/** Payments under way and amounts that an operator has to resolve, with the age of the oldest. */
export const Waiting = ({ figures }: { readonly figures: Figures }) => {
  const rows: readonly WaitingRow[] = [
    ...(figures.open ?? []).map((row) => ({ ...row, name: 'open' })),
    ...(figures.kept ?? []).map((row) => ({ ...row, name: 'kept until you decide' })),
  ];
  if (rows.length === 0) return <p class="muted">No payments are waiting.</p>;
  const now = gatewayNow();
  return (
    <Table<WaitingRow>
      caption="Payments that are not settled"
      keyOf={({ name, asset }) => `${name} ${asset ?? ''}`}
      rows={rows}
      columns={[
        { head: 'Payments', cell: ({ name }) => <Link href="/settlements">{name}</Link> },
        { head: 'Count', isNumber: true, cell: ({ count }) => count },
        { head: 'Oldest', isNumber: true, cell: ({ oldest_at: at }) => agoOf(at, now) },
        {
          head: 'Amount',
          isNumber: true,
          cell: ({ amount, asset }) => <Amount atomic={amount} asset={asset ?? ''} />,
        },
      ]}
    />
  );
};
