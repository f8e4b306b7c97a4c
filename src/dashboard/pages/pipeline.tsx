import type { Management } from '../../client/management.ts';
import {
  AGES,
  isWithin,
  MOST_OPEN,
  type PaymentFilter,
  type PaymentSum,
  readOpen,
  sumPayments,
} from '../data/payments.ts';
import { useQuery } from '../data/query.ts';
import { Amount } from '../parts/amount.tsx';
import { Result } from '../parts/result.tsx';
import './pipeline.css';

type Stage = { readonly name: string; readonly filter: PaymentFilter; readonly sum: PaymentSum };

const readStages = async (
  management: Management,
  signal: AbortSignal,
): Promise<{ readonly stages: readonly Stage[]; readonly isMore: boolean }> => {
  const [open, kept] = await Promise.all([
    readOpen(management, 'open', signal),
    readOpen(management, 'kept', signal),
  ]);
  return {
    isMore: open.isMore || kept.isMore,
    stages: [
      ...AGES.map(({ name, ages }) => ({
        name: `open ${name}`,
        filter: { state: 'open', ages } as const,
        sum: sumPayments(open.items.filter((payment) => isWithin(payment, ages))),
      })),
      {
        name: 'kept until you decide',
        filter: { state: 'kept' },
        sum: sumPayments(kept.items),
      },
    ],
  };
};

const isSame = (one: PaymentFilter, other: PaymentFilter): boolean =>
  one.state === other.state && one.ages?.[0] === other.ages?.[0];

/** Payments that have not ended, by age: each number opens the payments that it counts. */
export const Pipeline = ({
  filter,
  onChoose,
}: {
  readonly filter: PaymentFilter;
  readonly onChoose: (filter: PaymentFilter) => void;
}) => {
  const query = useQuery('pipeline', readStages);
  return (
    <Result query={query} rows={2}>
      {({ stages, isMore }) => (
        <>
          <ol class="pipeline">
            {stages.map(({ name, filter: own, sum }) => (
              <li key={name}>
                <button
                  type="button"
                  aria-pressed={isSame(filter, own)}
                  onClick={() => onChoose(own)}
                >
                  <span class="count">{sum.count}</span> <span class="name">{name}</span>{' '}
                  <span class="sums">
                    {sum.amounts.map(({ asset, amount }) => (
                      <Amount key={asset} atomic={amount} asset={asset} />
                    ))}
                  </span>
                </button>
              </li>
            ))}
          </ol>
          {isMore ? (
            <p class="muted">
              These counts are lower bounds: more than {MOST_OPEN} payments have not ended, and only
              the first of them are counted.
            </p>
          ) : null}
        </>
      )}
    </Result>
  );
};
