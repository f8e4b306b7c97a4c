import { isEndedLine, readEndedTotals } from '../../data/money/ended-payments.ts';
import { useFilters } from '../../data/navigation/filters.ts';
import { isStage, paymentsIn, readWaiting, STAGES } from '../../data/money/waiting-payments.ts';
import { useQuery } from '../../data/reading/query.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { periodOf } from '../../format/period.ts';
import { dayOf } from '../../format/time.ts';
import { FilterBar } from '../../parts/filter-bar.tsx';
import { dayFields } from '../../parts/filter-fields.ts';
import { Page, Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { Differences } from './differences.tsx';
import { EndedCounts } from './ended-counts.tsx';
import { EndedList } from './ended-list.tsx';
import { PaymentRows } from './payment-rows.tsx';
import { OpenAges, Pipeline } from './pipeline.tsx';

/** Days of the totals until a person chooses others. */
const DAYS = 7;

/** The totals add up calls, which costs more than a list, so they are read once a minute. */
const BOOKS_SECONDS = 60;

/**
 * Payments from acceptance to their end: open payments and their age, payments that ended in a period, the rows behind each number, and
 * differences between ledger and chain. For operators.
 */
export const Settlements = () => {
  const [filters, change] = useFilters(['stage', 'line', 'from', 'to']);
  const period = periodOf(filters, dayOf(gatewayNow()), DAYS);
  /** The days that the person chose; others follow the clock. */
  const days = { from: filters.from, to: filters.to };
  const line = isEndedLine(filters.line) ? filters.line : undefined;
  const asked = isStage(filters.stage) ? filters.stage : 'open';
  const stage = line === undefined ? asked : undefined;
  const waiting = useQuery('waiting payments', readWaiting);
  const totals = useQuery(
    `ended payments ${period.from} ${period.to}`,
    (management, signal) => readEndedTotals(management, period, signal),
    BOOKS_SECONDS,
  );
  return (
    <Page title="Settlements">
      <FilterBar fields={dayFields(period, 'Ended')} onChange={change} />
      <div class="switches">
        <Result query={waiting} rows={2}>
          {(read) => <Pipeline waiting={read} chosen={stage} period={days} />}
        </Result>
        <Result query={totals} rows={2}>
          {(read) => <EndedCounts totals={read} period={period} chosen={line} />}
        </Result>
      </div>
      {waiting.data === undefined ? null : (
        <OpenAges waiting={waiting.data} chosen={stage} period={days} />
      )}
      <Section title="Payments">
        {line === undefined ? null : (
          <EndedList
            key={line}
            line={line}
            period={period}
            total={totals.data?.[line]}
            seconds={BOOKS_SECONDS}
          />
        )}
        {stage === undefined || waiting.data === undefined ? null : (
          <PaymentRows
            key={stage}
            name={STAGES[stage].name}
            rows={paymentsIn(waiting.data, stage)}
          />
        )}
      </Section>
      <Section title="Ledger and chain">
        <Differences />
      </Section>
      <Section title="Messages that could not be processed">
        <DeadLetters />
      </Section>
    </Page>
  );
};
