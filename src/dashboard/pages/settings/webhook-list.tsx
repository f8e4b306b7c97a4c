import { useState } from 'preact/hooks';
import { useAct } from '../../data/act.ts';
import { useQuery } from '../../data/query.ts';
import type { Scope } from '../../data/scope.ts';
import { answerText, type Delivery, type Webhook, webhooksOf } from '../../data/webhooks.ts';
import { shown } from '../../format/text.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { Badge } from '../../parts/badge.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Result } from '../../parts/result.tsx';
import { Table } from '../../parts/table.tsx';
import { Deliveries } from './deliveries.tsx';
import { WebhookDialog } from './webhook-dialog.tsx';

type Open =
  | { readonly dialog: 'edit'; readonly webhook: Webhook | undefined }
  | { readonly dialog: 'remove' | 'deliveries'; readonly webhook: Webhook };

type Tested = { readonly id: string; readonly delivery: Delivery };

const targetOf = ({ format, url, to = [] }: Webhook): string => {
  if (format === 'email') return to.map(shown).join(', ');
  return format === 'slack' ? `Slack (${shown(url)})` : shown(url);
};

const eventsOf = ({ events }: Webhook): string =>
  events.includes('*')
    ? 'all alerts'
    : events.map((event) => event.replaceAll('_', ' ')).join(', ');

/** Webhooks with their state: add, change, test, remove. */
export const WebhookList = ({ scope }: { readonly scope: Scope }) => {
  const webhooks = webhooksOf(scope);
  const [opened, setOpened] = useState<Open | undefined>(undefined);
  const [tested, setTested] = useState<Tested | undefined>(undefined);
  const { isAsking, problem, carryOut } = useAct();
  const query = useQuery(`webhooks ${scope.role} ${scope.account}`, webhooks.list, 30);
  const test = async (webhook: Webhook): Promise<void> => {
    setTested(undefined);
    await carryOut(async (management) =>
      setTested({ id: webhook.id, delivery: await webhooks.test(management, webhook) }),
    );
    query.refresh();
  };
  const close = (): void => setOpened(undefined);
  const add = (
    <button type="button" onClick={() => setOpened({ dialog: 'edit', webhook: undefined })}>
      Add a webhook
    </button>
  );
  return (
    <>
      {problem === undefined ? null : <Notice tone="bad">{problem}</Notice>}
      <div role="status">
        {tested === undefined ? null : (
          <p class={tested.delivery.outcome === 'delivered' ? 'good' : 'failed'}>
            {tested.id} {answerText(tested.delivery)} after {tested.delivery.ms} ms
            {tested.delivery.outcome === 'delivered' ? ': the test alert arrived.' : '.'}
          </p>
        )}
      </div>
      <Result query={query} rows={3}>
        {(items) =>
          items.length === 0 ? (
            <Empty title="No webhooks yet.">
              <p>
                A webhook sends you alerts: as text in a Slack channel, as e-mail, or as signed JSON
                for a program.
              </p>
              {add}
            </Empty>
          ) : (
            <>
              <Table<Webhook>
                caption="Webhooks"
                rows={items}
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
                          onClick={() => void test(webhook)}
                        >
                          {isAsking ? 'Confirm in the wallet' : 'Test'}
                        </button>
                        <button
                          type="button"
                          aria-label={`Deliveries of ${webhook.id}`}
                          onClick={() => setOpened({ dialog: 'deliveries', webhook })}
                        >
                          Deliveries
                        </button>
                        <button
                          type="button"
                          aria-label={`Edit ${webhook.id}`}
                          onClick={() => setOpened({ dialog: 'edit', webhook })}
                        >
                          Edit
                        </button>
                        <button
                          type="button"
                          class="danger"
                          aria-label={`Remove ${webhook.id}`}
                          onClick={() => setOpened({ dialog: 'remove', webhook })}
                        >
                          Remove
                        </button>
                      </span>
                    ),
                  },
                ]}
              />
              {add}
            </>
          )
        }
      </Result>
      {opened?.dialog === 'edit' ? (
        <WebhookDialog
          webhooks={webhooks}
          known={opened.webhook}
          onDone={query.refresh}
          onClose={close}
        />
      ) : null}
      {opened?.dialog === 'deliveries' ? (
        <Deliveries webhooks={webhooks} webhook={opened.webhook} onClose={close} />
      ) : null}
      {opened?.dialog === 'remove' ? (
        <ActDialog
          title={`Remove ${opened.webhook.id}?`}
          verb="Remove"
          isDangerous
          change={(management) => webhooks.remove(management, opened.webhook)}
          onDone={query.refresh}
          onClose={close}
        >
          <p>
            Alerts no longer go to {targetOf(opened.webhook)}. Messages that are not delivered yet
            are dropped.
          </p>
        </ActDialog>
      ) : null}
    </>
  );
};

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
