import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Management } from '../../../client/management.ts';
import { draftOf } from '../../data/changes/draft.ts';
import { IncompleteForm } from '../../data/changes/act-problem.ts';
import {
  inFormat,
  missingIn,
  type WebhookDraft,
  webhookDraftOf,
  type WebhookFormat,
  webhookRequestOf,
} from '../../data/webhooks/webhook-draft.ts';
import { SIGNING_KEYS, type Webhook, type Webhooks } from '../../data/webhooks/webhooks.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { AlertChoices } from './alert-choices.tsx';

const FORMATS: readonly { readonly format: WebhookFormat; readonly name: string }[] = [
  { format: 'slack', name: 'Slack: text in a channel' },
  { format: 'countersign', name: 'Program: signed JSON' },
  { format: 'email', name: 'E-mail' },
];

const URL_HINTS: { readonly [format in WebhookFormat]: ComponentChildren } = {
  slack:
    'The address of a Slack incoming webhook. The gateway stores it encrypted and never shows it again.',
  countersign: (
    <>
      A URL of your program. The gateway signs each message (Standard Webhooks, Ed25519) with the
      key of <a href={SIGNING_KEYS}>{SIGNING_KEYS}</a>.
    </>
  ),
  email: 'The API address of an e-mail provider that works like Resend.',
};

/** Adds a webhook, or replaces one. */
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
  const kept = draftOf<WebhookDraft>(`webhook ${known?.id ?? ''} ${known?.etag ?? ''}`);
  const draft = kept.value ?? webhookDraftOf(known);
  const write = (next: WebhookDraft): void => {
    kept.value = next;
  };
  const [isTried, setTried] = useState(false);
  const missing = missingIn(draft);
  const errors = isTried ? missing : {};
  const put = async (management: Management): Promise<void> => {
    setTried(true);
    if (Object.keys(missing).length > 0) throw new IncompleteForm();
    await webhooks.put(management, draft.name.trim(), webhookRequestOf(draft, known), known);
  };
  const line = (
    field: Exclude<keyof WebhookDraft, 'format' | 'events'>,
    label: string,
    hint: ComponentChildren,
    type: 'text' | 'url' | 'password' = 'text',
  ) => (
    <Field
      label={label}
      hint={hint}
      error={errors[field]}
      control={(described) => (
        <input
          {...described}
          type={type}
          value={draft[field]}
          spellcheck={false}
          autocomplete="off"
          onInput={({ currentTarget: { value } }) => write({ ...draft, [field]: value })}
        />
      )}
    />
  );
  return (
    <ActDialog
      title={known === undefined ? 'Add a webhook' : `Change ${known.id}`}
      verb={known === undefined ? 'Add' : 'Save'}
      change={put}
      onDone={onDone}
      onClose={() => {
        kept.value = undefined;
        onClose();
      }}
    >
      <Field
        label="Format"
        control={(described) => (
          <select
            {...described}
            value={draft.format}
            onChange={({ currentTarget: { value } }) =>
              write(inFormat(draft, value as WebhookFormat, known))
            }
          >
            {FORMATS.map(({ format, name }) => (
              <option key={format} value={format}>
                {name}
              </option>
            ))}
          </select>
        )}
      />
      {known === undefined ? line('name', 'Name', 'Lowercase letters, digits, - and _.') : null}
      {line('url', 'Address', URL_HINTS[draft.format], 'url')}
      {draft.format === 'email' ? (
        <>
          {line('to', 'To', 'Up to ten addresses, separated by commas.')}
          {line('from', 'From', 'An address that your provider may send from.')}
          {line(
            'token',
            'API key of the provider',
            'The gateway stores it encrypted and never shows it again.',
            'password',
          )}
        </>
      ) : null}
      <AlertChoices
        events={draft.events}
        error={errors.events}
        onChange={(events) => write({ ...draft, events })}
      />
    </ActDialog>
  );
};
