import { Link } from 'wouter-preact';
import { listAddress } from '../../data/navigation/filters.ts';
import { type FigureRow, type Figures, rowsOf } from '../../data/overview/figures.ts';
import { countOf } from '../../format/amount.ts';
import { ruleName } from '../../../policy/rule-name.ts';
import { Table } from '../../parts/table.tsx';

/** The number of calls that each rule denied. */
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
            <Link href={listAddress('/denials', { rule: key, from, to })}>{ruleName(key)}</Link>
          ),
        },
        { head: 'Denied', isNumber: true, cell: ({ denied }) => countOf(denied) },
      ]}
    />
  );
};
