import { useState } from 'preact/hooks';
import { PAGE_ROWS } from '../data/list.ts';
import { Page, Section } from '../parts/page.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { Differences } from './differences.tsx';
import { PaymentList } from './payment-list.tsx';
import { Pipeline } from './pipeline.tsx';
import { PAYMENT_STATES, type PaymentFilter } from '../data/payments.ts';

/** Payments from acceptance to their end: what is open and for how long, each state's payments, and where ledger and chain differ. For operators. */
export const Settlements = () => {
  const [filter, setFilter] = useState<PaymentFilter>({ state: 'open' });
  const [rows, setRows] = useState(PAGE_ROWS);
  const choose = (next: PaymentFilter): void => {
    setFilter(next);
    setRows(PAGE_ROWS);
  };
  return (
    <Page title="Settlements">
      <Section title="Not ended yet">
        <Pipeline filter={filter} onChoose={choose} />
      </Section>
      <Section title="Payments">
        <div class="tabs" role="group" aria-label="State">
          {PAYMENT_STATES.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === filter.state}
              onClick={() => choose({ state: each })}
            >
              {each}
            </button>
          ))}
        </div>
        <PaymentList filter={filter} rows={rows} onRows={setRows} />
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
