import { ENDED_LINES, type EndedLine, type EndedTotals } from '../../data/money/ended-payments.ts';
import { listAddress } from '../../data/navigation/filters.ts';
import type { Period } from '../../format/period.ts';
import { Count } from './count.tsx';

/** The texts for the lines of the ledger totals. */
export const LINE_NAMES: Readonly<Record<EndedLine, string>> = {
  settled: 'settled',
  debt: 'failed by the payer',
  write_off: 'written off',
  released: 'released',
};

/** Payments that ended in a period, by the lines of the ledger totals: each number opens the payments that it counts. */
export const EndedCounts = ({
  totals,
  period,
  chosen,
}: {
  readonly totals: EndedTotals;
  readonly period: Period;
  readonly chosen: EndedLine | undefined;
}) => (
  <ol class="counts">
    {ENDED_LINES.map((line) => (
      <li key={line}>
        <Count
          name={LINE_NAMES[line]}
          {...totals[line]}
          href={listAddress('/settlements', { ...period, line })}
          isChosen={line === chosen}
        />
      </li>
    ))}
  </ol>
);
