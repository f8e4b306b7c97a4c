import { Link } from 'wouter-preact';
import type { DenialRow } from '../data/calls/denied-calls.ts';
import { gatewayNow } from '../data/gateway/gateway-clock.ts';
import { deniedLimit } from '../../audit/denied-limit.ts';
import { deniedRule } from '../format/denial-text.ts';
import { shown, toolName } from '../format/text.ts';
import { agoOf, exactMomentOf, momentOf } from '../format/time.ts';
import { Amount } from './amount.tsx';
import { Table } from './table.tsx';

const figureOf = (row: DenialRow, name: 'limit' | 'spent' | 'held') => {
  const denied = deniedLimit(row);
  const figure = denied?.[name];
  if (figure === undefined) return '–';
  return denied?.unit === 'calls' ? (
    `${figure} calls`
  ) : (
    <Amount atomic={figure} asset={row.payment.asset ?? ''} />
  );
};

const priceOf = ({ amounts: { price = '' }, payment: { asset = '' } }: DenialRow) =>
  /^[0-9]+$/.test(price) ? <Amount atomic={price} asset={asset} /> : '–';

/** Denials one by one: the rule, the limit as it was at that moment, and the story of the call. */
export const DenialTable = ({ rows }: { readonly rows: readonly DenialRow[] }) => {
  const now = gatewayNow();
  return (
    <Table<DenialRow>
      caption="Denied calls, one by one"
      rows={rows}
      keyOf={({ seq }) => String(seq)}
      columns={[
        {
          head: 'When',
          cell: ({ at }) => (
            <time title={exactMomentOf(at)}>
              <span class="drop1">{momentOf(at)} · </span>
              {agoOf(at, now)}
            </time>
          ),
        },
        {
          ...{ head: 'Tool', isName: true },
          cell: ({ account, call, seq, tool = 'unknown' }) =>
            call === undefined ? (
              toolName(tool)
            ) : (
              <Link href={`/calls/${account}/${call}?seq=${seq}`}>{toolName(tool)}</Link>
            ),
        },
        { head: 'Rule', cell: (row) => shown(deniedRule(row)) },
        { head: 'Price', isNumber: true, drop: 1, cell: priceOf },
        { head: 'Limit', isNumber: true, drop: 1, cell: (row) => figureOf(row, 'limit') },
        { head: 'Spent', isNumber: true, drop: 2, cell: (row) => figureOf(row, 'spent') },
        { head: 'Held', isNumber: true, drop: 2, cell: (row) => figureOf(row, 'held') },
        { head: 'Calls', isNumber: true, cell: ({ count = 1 }) => count },
      ]}
    />
  );
};
