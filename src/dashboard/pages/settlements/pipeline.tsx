import { listAddress } from '../../data/navigation/filters.ts';
import {
  AGES,
  MOST_WAITING,
  paymentsIn,
  type Stage,
  STAGES,
  sumOfPayments,
  urgencyOf,
  type WaitingPayments,
} from '../../data/money/waiting-payments.ts';
import { Count } from './count.tsx';

type PipelineProps = {
  readonly waiting: WaitingPayments;
  readonly chosen: Stage | undefined;
  /** The days of the totals of ended payments, which links must keep. */
  readonly period: Readonly<Record<string, string | undefined>>;
};

const StageCount = ({
  stage,
  tone,
  waiting,
  chosen,
  period,
}: PipelineProps & { readonly stage: Stage; readonly tone: 'warn' | 'bad' | undefined }) => {
  const payments = paymentsIn(waiting, stage);
  return (
    <Count
      name={STAGES[stage].name}
      count={payments.length}
      sums={sumOfPayments(payments)}
      href={listAddress('/settlements', { ...period, stage })}
      isChosen={stage === chosen}
      tone={tone}
    />
  );
};

/** Payments that have not ended: each number opens the payments that it counts. */
export const Pipeline = (props: PipelineProps) => (
  <ol class="counts">
    <li>
      <StageCount {...props} stage="open" tone={urgencyOf(props.waiting)} />
    </li>
    <li>
      <StageCount {...props} stage="kept" tone="warn" />
    </li>
  </ol>
);

/** The open payments by age: a filter of their list. */
export const OpenAges = (props: PipelineProps) => (
  <>
    <ol class="counts ages" aria-label="Open payments by age">
      {AGES.map(([stage, tone]) => (
        <li key={stage}>
          <StageCount {...props} stage={stage} tone={tone} />
        </li>
      ))}
    </ol>
    {props.waiting.open.isMore || props.waiting.kept.isMore ? (
      <p class="muted">
        These counts are lower bounds: more than {MOST_WAITING} payments have not ended, and only
        the first of them are counted.
      </p>
    ) : null}
  </>
);
