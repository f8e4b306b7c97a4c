import { decimalOf, sumOf, symbolOf } from '../../format/amount.ts';
import type { SpendRow } from '../../data/money/spending.ts';
import { dayOf, daysBefore, dayText } from '../../format/time.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import './bars.css';

const DAYS = 30;
const HEIGHT = 96;
const STEP = 20;

/** Charges of the last 30 UTC days, one bar a day, for the asset that was spent most. The same numbers are in a table behind it. */
export const Bars = ({ days }: { readonly days: readonly SpendRow[] }) => {
  const today = dayOf(gatewayNow());
  const assets = [...new Set(days.flatMap(({ asset }) => asset ?? []))];
  const total = (asset: string) =>
    sumOf(days.filter((row) => row.asset === asset).map((row) => row.charged));
  const [asset] = assets.toSorted((a, b) => Number(total(b) - total(a)));
  if (asset === undefined) return null;
  const rows = Array.from({ length: DAYS }, (_, at) => {
    const day = daysBefore(today, DAYS - 1 - at);
    const charged = sumOf(
      days.filter((row) => row.key === day && row.asset === asset).map((row) => row.charged),
    );
    return { day, charged };
  });
  const most = rows.reduce((top, { charged }) => (charged > top ? charged : top), 1n);
  // A day without charges has no bar; a small amount still has one.
  const heightOf = (charged: bigint): number =>
    charged <= 0n ? 0 : Math.max(1, Number((charged * BigInt(HEIGHT)) / most));
  return (
    <figure class="bars">
      <svg viewBox={`0 0 ${DAYS * STEP} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {rows.map(({ day, charged }, at) => (
          <rect
            key={day}
            class={day === today ? 'today' : ''}
            x={at * STEP + 2}
            y={HEIGHT - heightOf(charged)}
            width={STEP - 4}
            height={heightOf(charged)}
          >
            <title>{`${day}: ${decimalOf(charged)} ${symbolOf(asset)}`}</title>
          </rect>
        ))}
      </svg>
      <figcaption>
        <span class="ends" aria-hidden="true">
          <span>{dayText(rows[0]?.day ?? '')}</span>
          <span>today</span>
        </span>
        {symbolOf(asset)} charged per day, {rows[0]?.day} to {today} (UTC). The highest bar is{' '}
        {decimalOf(most)}; today is not over.
        <details>
          <summary>Show as table</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">Day (UTC)</th>
                <th scope="col" class="number">
                  Charged
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ day, charged }) => (
                <tr key={day}>
                  <td>{day}</td>
                  <td class="number">{decimalOf(charged)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      </figcaption>
    </figure>
  );
};
