import { Link } from 'wouter-preact';
import { type EarnedFilter, MOST_CALLS, readEarned } from '../../data/money/earned.ts';
import { listAddress, useFilters } from '../../data/navigation/filters.ts';
import { useQuery } from '../../data/reading/query.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { countOf, networkOfAsset, symbolOf } from '../../format/amount.ts';
import { periodOf } from '../../format/period.ts';
import { dayOf } from '../../format/time.ts';
import { ChargeChanges } from '../../parts/charge-changes.tsx';
import { Empty } from '../../parts/empty.tsx';
import { FilterBar } from '../../parts/filter-bar.tsx';
import { dayFields, toolField } from '../../parts/filter-fields.ts';
import { Page, Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { EarnedCalls } from './earned-calls.tsx';
import { EarnedDays } from './earned-days.tsx';
import { EarnedPayments } from './earned-payments.tsx';
import { EarnedSums } from './earned-sums.tsx';
import { EarnedSection } from './earned-section.tsx';

/** Days of the page until a person chooses others. */
const DAYS = 7;

/** Reading the rows of many calls costs more than other pages, so they are read once a minute. */
const READ_SECONDS = 60;

/** The earnings of the gateway, and every payment, call and refund behind it. For operators. */
export const Earned = () => {
  const [filters, change] = useFilters(['from', 'to', 'asset', 'tool']);
  const period = periodOf(filters, dayOf(gatewayNow()), DAYS);
  const { from, to } = period;
  const { asset = '', tool = '' } = filters;
  const wanted = {
    ...period,
    ...(asset === '' ? {} : { asset }),
    ...(tool === '' ? {} : { tool }),
  } as EarnedFilter;
  const query = useQuery(
    `earned ${JSON.stringify(wanted)}`,
    (management, signal) => readEarned(management, wanted, signal),
    READ_SECONDS,
  );
  const assets = [...new Set([...(query.data?.assets ?? []), ...(asset === '' ? [] : [asset])])];
  return (
    <Page title="Earned">
      <FilterBar
        fields={[
          ...dayFields(period),
          {
            ...({ name: 'asset', label: 'Asset', type: 'select', value: asset } as const),
            words: Object.fromEntries(assets.map((each) => [each, assetName(each)])),
          },
          toolField(tool),
        ]}
        onChange={change}
      />
      <p class="sum">
        A payment counts on the day on which it settled. The part of it that became credit counts
        when calls spend that credit.{' '}
        <Link href={listAddress('/spending', { ...period, tool })}>Spending</Link> has what was
        charged.
      </p>
      <Result query={query} rows={8}>
        {({ days, rows }) =>
          days.length === 0 ? (
            <Empty title="Nothing was earned in this period.">
              <p>Choose other days, or clear the filters.</p>
            </Empty>
          ) : (
            <>
              <EarnedSums days={days} rows={rows} at={query.at} />
              {from === to ? null : (
                <Section title="By day" note="UTC">
                  <EarnedDays days={days} filters={{ asset, tool }} />
                </Section>
              )}
              {rows === undefined ? (
                <p class="muted">
                  More than {countOf(MOST_CALLS)} calls ended in these days, too many to list.
                  Choose fewer days.
                </p>
              ) : (
                <>
                  <EarnedSection
                    title="Settled payments"
                    none="No payment settled in this period."
                    rows={rows.payments}
                  >
                    {(shown) => <EarnedPayments rows={shown} />}
                  </EarnedSection>
                  <EarnedSection
                    title="Calls paid with credit"
                    none="No call was paid with credit in this period."
                    rows={rows.calls}
                  >
                    {(shown) => <EarnedCalls rows={shown} />}
                  </EarnedSection>
                  <EarnedSection
                    title="Refunds and decisions"
                    none="No operator refunded a call, or decided about one that credit paid."
                    rows={rows.changes}
                  >
                    {(shown) => <ChargeChanges rows={shown} />}
                  </EarnedSection>
                </>
              )}
            </>
          )
        }
      </Result>
    </Page>
  );
};

/** Two networks have a USDC each. */
const assetName = (asset: string): string => {
  const network = networkOfAsset(asset);
  return network === undefined ? symbolOf(asset) : `${symbolOf(asset)} on ${network}`;
};
