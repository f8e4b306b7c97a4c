import { countsCalls } from '../../policy/rule-name.ts';
import { countOf, decimalOf, percentOf, symbolOf } from '../format/amount.ts';
import { gatewayNow } from '../data/gateway/gateway-clock.ts';
import { exactMomentOf, resetText } from '../format/time.ts';
import './budget-bar.css';

export type Limit = {
  readonly rule: string;
  readonly limit: string;
  readonly spent: string;
  readonly held: string;
  readonly remaining: string;
  readonly resets_at?: number;
};

/** Width of the bar in its own units. */
const WIDTH = 1000n;

/** The parts of a limit in atomic units, or in calls. `lent`: to descendants, which may not have spent it. */
const partsOf = ({ limit, spent, held, remaining }: Limit) => {
  const whole = BigInt(limit);
  const used = BigInt(spent) + BigInt(held);
  const lent = whole - used - BigInt(remaining);
  return {
    whole,
    spent: BigInt(spent),
    held: BigInt(held),
    left: BigInt(remaining),
    lent: lent > 0n ? lent : 0n,
  };
};

/** Spent, held, lent and left as one strip; the numbers are in the text beside it. */
export const BudgetStrip = ({ limit }: { readonly limit: Limit }) => {
  const { whole, spent, held, lent } = partsOf(limit);
  // Spend may exceed a limit that was lowered: the bar shows this instead of cutting it off.
  const scale = spent + held > whole ? spent + held : whole;
  const at = (part: bigint): number => (scale === 0n ? 0 : Number((part * WIDTH) / scale));
  return (
    <svg
      class={spent + held >= whole ? 'strip full' : 'strip'}
      viewBox={`0 0 ${WIDTH} 8`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect class="left" x="0" y="0" width={String(WIDTH)} height="8" />
      <rect class="spent" x="0" y="0" width={at(spent)} height="8" />
      <rect class="held" x={at(spent)} y="0" width={at(held)} height="8" />
      <rect class="lent" x={at(spent + held)} y="0" width={at(lent)} height="8" />
    </svg>
  );
};

/** One limit: spent, held by calls that run, lent to descendants, left. */
export const BudgetBar = ({
  limit,
  asset,
  name,
}: {
  readonly limit: Limit;
  readonly asset: string;
  readonly name: string;
}) => {
  const { whole, spent, held, lent, left } = partsOf(limit);
  const isMoney = !countsCalls(limit.rule);
  const shownAs = (part: bigint): string => (isMoney ? decimalOf(part) : countOf(Number(part)));
  return (
    <div class="budget">
      <p>
        <strong>{name}</strong>{' '}
        <span class="muted">
          {isMoney
            ? `${shownAs(spent)} of ${shownAs(whole)} ${symbolOf(asset)} spent (${percentOf(spent, whole)})`
            : `room for ${shownAs(left)} of ${shownAs(whole)} calls now`}
          {held > 0n ? `, ${shownAs(held)} held` : ''}
          {lent > 0n ? `, ${shownAs(lent)} lent to agents below` : ''}
          {isMoney ? `, ${shownAs(left)} left` : ''}
          {limit.resets_at === undefined ? null : (
            <>
              ,{' '}
              <time title={exactMomentOf(limit.resets_at)}>
                {resetText(limit.resets_at, gatewayNow())}
              </time>
            </>
          )}
        </span>
      </p>
      <BudgetStrip limit={limit} />
    </div>
  );
};
