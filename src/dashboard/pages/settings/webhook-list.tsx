import { useState } from 'preact/hooks';
import { useAct } from '../../data/changes/act.ts';
import { useQuery } from '../../data/reading/query.ts';
import type { Scope } from '../../data/session/scope.ts';
import {
  answerText,
  type Delivery,
  SIGNING_KEYS,
  type Webhook,
  webhooksOf,
} from '../../data/webhooks/webhooks.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { Empty, NoAgentsYet } from '../../parts/empty.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Result } from '../../parts/result.tsx';
import { Deliveries } from './deliveries.tsx';
import { WebhookDialog } from './webhook-dialog.tsx';
import { type OpenDialog, targetOf, WebhookTable } from './webhook-table.tsx';

type Tested = { readonly id: string; readonly delivery: Delivery };

/** Webhooks with their state: add, change, test, remove. */
export const WebhookList = ({ scope }: { readonly scope: Scope }) => {
  const webhooks = webhooksOf(scope);
  const [opened, setOpened] = useState<OpenDialog | undefined>(undefined);
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
            {tested.delivery.outcome === 'delivered'
              ? ': the test alert arrived.'
              : '. Choose Edit to check its address, then test it again.'}
          </p>
        )}
      </div>
      <Result
        query={query}
        rows={3}
        unknown={
          <NoAgentsYet what="You can add webhooks once your account exists. Your first grant, top-up or paid call opens it." />
        }
      >
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
              <WebhookTable
                webhooks={items}
                isAsking={isAsking}
                onTest={(webhook) => void test(webhook)}
                onOpen={setOpened}
              />
              {items.some(({ format = 'countersign' }) => format === 'countersign') ? (
                <p class="muted">
                  A program verifies each message with a key of{' '}
                  <a href={SIGNING_KEYS}>{SIGNING_KEYS}</a>.
                </p>
              ) : null}
              <div class="acts">{add}</div>
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
            Alerts no longer go to {targetOf(opened.webhook)}. The gateway drops messages that it
            has not delivered yet.
          </p>
        </ActDialog>
      ) : null}
    </>
  );
};
