import { expect, inject } from 'vitest';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { EgressReach } from '../../../src/protocol/egress-url.ts';
import { openSigner, type Signer } from '../../../src/crypto/signer.ts';
import { consumeWebhooks } from '../../../src/webhooks/consumer.ts';
import type { WebhookDocument, WebhookScope } from '../../../src/webhooks/document.ts';
import { enqueueAlerts, type WebhookMessage } from '../../../src/webhooks/message.ts';
import { putWebhook } from '../../../src/webhooks/registry.ts';
import { db } from '../audit/database.ts';
import { history, START } from '../audit/history.ts';

export const QUEUE = 'countersign-webhooks';
export const SELF: AccountId = `eip155:84532:0x${'0f'.repeat(20)}`;

/** The real receiver that the test run started. */
export const receiver = inject('receiver');

export type Received = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly sentBytes: number;
};

export const receivedFor = async (key: string): Promise<Received[]> =>
  (await fetch(`${receiver}/${key}`)).json();

export const signer = async (): Promise<Signer> => {
  const opened = await openSigner(inject('receiptKey'));
  if (!opened.ok) throw new Error(opened.error.detail);
  return opened.value;
};

let seq = 0;

/** Registers a webhook, with a later time than all earlier ones. */
export const register = async (
  scope: WebhookScope,
  id: string,
  document: WebhookDocument | null,
): Promise<void> => {
  seq += 1;
  const put = { scope, id, document, holder: SELF, seq, at: START };
  expect(await putWebhook(db, put)).toEqual({ verdict: 'put' });
};

export const everything = (url: string): WebhookDocument => ({ url, events: ['*'] });

/** An entry with an alert. Its salt makes each entry different. */
export const alertOf = (
  account: AccountId,
  { rule, detail }: AlertBody = { rule: 'debt', detail: { asset: 'usdc', debt: '5' } },
): Entry => {
  const body = { type: 'alert.raised', at: START, rule, outcome: detail } as const;
  return history(account, [body])[0] as Entry;
};

/** The messages that an alert sends to the queue. */
export const queued = async (account: AccountId, entry: Entry): Promise<WebhookMessage[]> => {
  const sent: WebhookMessage[] = [];
  const queue = {
    sendBatch: async (batch: Iterable<{ readonly body: unknown }>) => {
      for (const { body } of batch) sent.push(body as WebhookMessage);
      return {} as QueueSendBatchResponse;
    },
  };
  await enqueueAlerts({ db, queue }, account, entry);
  return sent;
};

export type Raised = { readonly account: AccountId; readonly alert: AlertBody };

/** A consumer with the real database and network, and the alerts that it raised. */
export const consumer = (
  options: { reach?: EgressReach; raises?: (raised: Raised) => boolean } = {},
) => {
  const raised: Raised[] = [];
  const consume = async (bodies: readonly unknown[], now: number) => {
    let done = 0;
    const again: (number | undefined)[] = [];
    const messages = bodies.map((body, index) => ({
      id: `message-${index}`,
      attempts: 1,
      body,
      ack: () => {
        done += 1;
      },
      retry: (retryOptions?: { delaySeconds?: number }) => {
        again.push(retryOptions?.delaySeconds);
      },
    }));
    await consumeWebhooks(
      { queue: QUEUE, messages },
      {
        db,
        signer: await signer(),
        receiptKey: inject('receiptKey'),
        reach: options.reach ?? 'local_stack',
        self: SELF,
        raise: async (account, alert) => {
          raised.push({ account, alert });
          return options.raises?.({ account, alert }) ?? true;
        },
      },
      now,
    );
    return { done, again };
  };
  return { consume, raised };
};
