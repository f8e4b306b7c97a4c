import type { Webhook } from '../../data/webhooks/webhooks.ts';
import { shown, worded } from '../../format/text.ts';
import { Badge } from '../../parts/badge.tsx';
import { Table } from '../../parts/table.tsx';

/** A dialog about webhooks: `webhook` is undefined for a new one. */
export type OpenDialog =
  | { readonly dialog: 'edit'; readonly webhook: Webhook | undefined }
  | { readonly dialog: 'remove' | 'deliveries'; readonly webhook: Webhook };

/** The receiver of the alerts of a webhook. */
export const targetOf = ({ format, url, to = [] }: Webhook): string => {
  if (format === 'email') return to.map(shown).join(', ');
  return format === 'slack' ? `Slack (${shown(url)})` : shown(url);
};

const eventsOf = ({ events }: Webhook): string =>
  events.includes('*') ? 'all alerts' : events.map(worded).join(', ');

const WHY = {
  gone: 'its receiver is gone',
  failing: 'too many messages in a row failed',
} as const;

const State = ({ webhook: { state, reason, failures } }: { readonly webhook: Webhook }) => (
  <>
    <Badge state={state} />{' '}
    {reason === undefined ? null : <span class="muted">{WHY[reason]}: edit it to enable it</span>}
    {reason === undefined && failures > 0 ? <span class="muted">{failures} failed</span> : null}
  </>
);

/** Webhooks, and what a person may do with each. */
export const WebhookTable = ({
  webhooks,
  isAsking,
  onTest,
  onOpen,
}: {
  readonly webhooks: readonly Webhook[];
  /** Whether the wallet asks now. */
  readonly isAsking: boolean;
  readonly onTest: (webhook: Webhook) => void;
  readonly onOpen: (dialog: OpenDialog) => void;
}) => (
  <Table<Webhook>
    caption="Webhooks"
    rows={webhooks}
    keyOf={({ id }) => id}
    columns={[
      { head: 'Name', cell: ({ id }) => id },
      { head: 'State', cell: (each) => <State webhook={each} /> },
      { head: 'To', drop: 2, cell: (each) => <span>{targetOf(each)}</span> },
      { head: 'Alerts', drop: 2, cell: (each) => eventsOf(each) },
      {
        head: 'Change',
        cell: (webhook) => (
          <span class="acts">
            <button
              type="button"
              disabled={isAsking}
              aria-label={`Test ${webhook.id}`}
              onClick={() => onTest(webhook)}
            >
              {isAsking ? 'Confirm in the wallet' : 'Test'}
            </button>
            <button
              type="button"
              aria-label={`Deliveries of ${webhook.id}`}
              onClick={() => onOpen({ dialog: 'deliveries', webhook })}
            >
              Deliveries
            </button>
            <button
              type="button"
              aria-label={`Edit ${webhook.id}`}
              onClick={() => onOpen({ dialog: 'edit', webhook })}
            >
              Edit
            </button>
            <button
              type="button"
              class="danger"
              aria-label={`Remove ${webhook.id}`}
              onClick={() => onOpen({ dialog: 'remove', webhook })}
            >
              Remove
            </button>
          </span>
        ),
      },
    ]}
  />
);
