import { useState } from 'preact/hooks';
import { ALERT_RULES, type WebhookRequest } from '../../../protocol/alert.ts';
import type { Webhook, Webhooks } from '../../data/webhooks.ts';
import { worded } from '../../format/text.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { Field } from '../../parts/field.tsx';

type Format = NonNullable<WebhookRequest['format']>;
type Event = WebhookRequest['events'][number];

const FORMATS: readonly { readonly format: Format; readonly name: string }[] = [
  { format: 'slack', name: 'Slack: text in a channel' },
  { format: 'countersign', name: 'Program: signed JSON' },
  { format: 'email', name: 'E-mail' },
];

const URL_HINTS: { readonly [format in Format]: string } = {
  slack:
    'The address of a Slack incoming webhook. The gateway stores it encrypted and never shows it again.',
  countersign: 'An https address. Each message is signed (Standard Webhooks).',
  email: 'The API address of an e-mail provider that works like Resend.',
};

const RESEND = 'https://api.resend.com/emails';

const listOf = (text: string): string[] => text.split(/[\s,]+/).filter((part) => part !== '');

/** Adds a webhook, or replaces one. Secrets must be typed again: the gateway never returns them. */
export const WebhookDialog = ({
  webhooks,
  known,
  onDone,
  onClose,
}: {
  readonly webhooks: Webhooks;
  readonly known: Webhook | undefined;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) => {
  const [name, setName] = useState(known?.id ?? 'slack');
  const [format, setFormat] = useState<Format>(
    known?.format ?? (known === undefined ? 'slack' : 'countersign'),
  );
  // Of a Slack webhook the gateway shows only the origin: its address must be typed again.
  const [url, setUrl] = useState(known === undefined || known.format === 'slack' ? '' : known.url);
  const [from, setFrom] = useState(known?.from ?? '');
  const [to, setTo] = useState((known?.to ?? []).join(', '));
  const [token, setToken] = useState('');
  const [events, setEvents] = useState<readonly Event[]>(known?.events ?? ['*']);
  const toggle = (event: Event): void =>
    setEvents(
      events.includes(event)
        ? events.filter((each) => each !== event)
        : [...events.filter((each) => (each === '*') === (event === '*')), event],
    );
  const body: WebhookRequest = {
    url,
    events: [...events],
    ...(known?.description === undefined ? {} : { description: known.description }),
    ...(format === 'countersign' ? {} : { format }),
    ...(format === 'email' ? { from, to: listOf(to), token } : {}),
  };
  const isReady =
    name !== '' &&
    url !== '' &&
    events.length > 0 &&
    (format !== 'email' || (from !== '' && listOf(to).length > 0 && token !== ''));
  return (
    <ActDialog
      title={known === undefined ? 'Add a webhook' : `Change ${known.id}`}
      verb={known === undefined ? 'Add' : 'Save'}
      isReady={isReady}
      change={(management) => webhooks.put(management, name, body, known)}
      onDone={onDone}
      onClose={onClose}
    >
      <Field
        label="Format"
        control={(described) => (
          <select
            {...described}
            value={format}
            onChange={(event) => {
              const next = event.currentTarget.value as Format;
              setFormat(next);
              if (known === undefined) setName(next === 'countersign' ? 'program' : next);
              if (next === 'email' && url === '') setUrl(RESEND);
            }}
          >
            {FORMATS.map((each) => (
              <option key={each.format} value={each.format}>
                {each.name}
              </option>
            ))}
          </select>
        )}
      />
      {known === undefined ? (
        <Field
          label="Name"
          hint="Lowercase letters, digits, - and _."
          control={(described) => (
            <input
              {...described}
              value={name}
              spellcheck={false}
              onInput={(event) => setName(event.currentTarget.value.trim())}
            />
          )}
        />
      ) : null}
      <Field
        label="Address"
        hint={URL_HINTS[format]}
        control={(described) => (
          <input
            {...described}
            type="url"
            value={url}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => setUrl(event.currentTarget.value.trim())}
          />
        )}
      />
      {format === 'email' ? (
        <>
          <Field
            label="To"
            hint="Up to ten addresses, separated by commas."
            control={(described) => (
              <input
                {...described}
                value={to}
                onInput={(event) => setTo(event.currentTarget.value)}
              />
            )}
          />
          <Field
            label="From"
            hint="An address that your provider may send from."
            control={(described) => (
              <input
                {...described}
                value={from}
                onInput={(event) => setFrom(event.currentTarget.value)}
              />
            )}
          />
          <Field
            label="API key of the provider"
            hint="The gateway stores it encrypted and never shows it again."
            control={(described) => (
              <input
                {...described}
                type="password"
                autocomplete="off"
                value={token}
                onInput={(event) => setToken(event.currentTarget.value.trim())}
              />
            )}
          />
        </>
      ) : null}
      <fieldset class="choices">
        <legend>Alerts</legend>
        <label>
          <input type="checkbox" checked={events.includes('*')} onChange={() => toggle('*')} /> all
        </label>
        {events.includes('*')
          ? null
          : ALERT_RULES.map((rule) => (
              <label key={rule}>
                <input
                  type="checkbox"
                  checked={events.includes(rule)}
                  onChange={() => toggle(rule)}
                />{' '}
                {worded(rule)}
              </label>
            ))}
      </fieldset>
    </ActDialog>
  );
};
