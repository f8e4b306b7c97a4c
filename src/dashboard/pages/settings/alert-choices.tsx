import type { WebhookRequest } from '../../../protocol/alert.ts';
import { ALERT_GROUPS } from '../../format/alert-words.ts';
import { worded } from '../../format/text.ts';

type Event = WebhookRequest['events'][number];

/** Which alerts a webhook sends: all, or some of each group. */
export const AlertChoices = ({
  events,
  error,
  onChange,
}: {
  readonly events: readonly Event[];
  readonly error: string | undefined;
  readonly onChange: (events: readonly Event[]) => void;
}) => {
  const toggle = (event: Event): void =>
    onChange(
      events.includes(event)
        ? events.filter((each) => each !== event)
        : [...events.filter((each) => (each === '*') === (event === '*')), event],
    );
  const box = (event: Event) => (
    <input type="checkbox" checked={events.includes(event)} onChange={() => toggle(event)} />
  );
  return (
    <fieldset class="alert-choices">
      <legend>Alerts</legend>
      <label>{box('*')} all</label>
      {events.includes('*')
        ? null
        : ALERT_GROUPS.map(({ name, alerts }) => (
            <div key={name} role="group" aria-label={name}>
              <h3>{name}</h3>
              {alerts.map(([rule, when]) => (
                <label key={rule}>
                  {box(rule)}
                  <span>
                    {worded(rule)} <span class="muted">{when}</span>
                  </span>
                </label>
              ))}
            </div>
          ))}
      {error === undefined ? null : <p class="failed">{error}</p>}
    </fieldset>
  );
};
