import { useEffect, useState } from 'preact/hooks';
import { gatewayNow } from '../data/gateway/gateway-clock.ts';
import { pageReadings } from '../data/reading/page-readings.ts';
import { areLate, oldestOf, unansweredOf } from '../data/reading/readings.ts';
import { exactMomentOf, timeOf } from '../format/time.ts';
import { Notice } from './notice.tsx';

/** When the data of the page were read, beside its title. Amber when a reading has missed two turns. */
export const PageAge = () => {
  const readings = pageReadings.value;
  const [now, setNow] = useState(gatewayNow());
  useEffect(() => {
    const timer = setInterval(() => setNow(gatewayNow()), 1000);
    return () => clearInterval(timer);
  }, []);
  const at = oldestOf(readings);
  if (at === undefined) return null;
  return (
    <p class={areLate(readings, now) ? 'age late' : 'age'} title={exactMomentOf(at)}>
      Updated {timeOf(at)}
    </p>
  );
};

/** One notice for all parts of the page that the gateway did not answer. */
export const Unanswered = () => {
  const readings = pageReadings.value;
  const unanswered = unansweredOf(readings);
  if (unanswered.length === 0) return null;
  const at = oldestOf(unanswered);
  return (
    <Notice tone="bad">
      <p>
        <strong>The gateway did not answer.</strong>{' '}
        {at === undefined
          ? 'Check the connection, then try again.'
          : `What you see is from ${timeOf(at)}.`}
      </p>
      <button type="button" onClick={() => unanswered.forEach(({ refresh }) => refresh())}>
        Try again
      </button>
    </Notice>
  );
};
