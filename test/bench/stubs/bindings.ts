import { WorkerEntrypoint } from 'cloudflare:workers';
import type { AgentAccount } from '../../../durable-objects/account/agent-account.ts';
import type { AuditMessage } from '../../../src/audit/chunk.ts';
import type { SettlementBody, SettlementMessage } from '../../../src/protocol/payment.ts';

/**
 * Stubs of services that raw workerd lacks. They have the real ones' effect on an account: it learns of settled payments and exported
 * entries about a second after it sent them, as with `max_batch_timeout = 1` in wrangler.toml.
 */
type Bindings = {
  readonly AGENT_ACCOUNT: DurableObjectNamespace<AgentAccount>;
};

/** The settings of the queue consumers in wrangler.toml. */
const BATCH_MS = 1_000;
const BATCH_MOST = 50;
const BLOCK = 1_000;
const TRANSACTION = `0x${'ab'.repeat(32)}` as const;

let waiting: SettlementMessage[] = [];

/** Stub of the settlement queue with its consumer, facilitator and chain: every payment settles. */
export class SettlementQueue extends WorkerEntrypoint<Bindings> {
  sendBatch(messages: readonly { readonly body: SettlementBody }[]): void {
    for (const body of messages.flatMap((message) => message.body)) {
      if (waiting.length === 0) this.ctx.waitUntil(this.#settleLater());
      waiting.push(body);
      if (waiting.length === BATCH_MOST) this.ctx.waitUntil(this.#settle());
    }
  }

  async #settleLater(): Promise<void> {
    await scheduler.wait(BATCH_MS);
    await this.#settle();
  }

  /** Reports its settled payments to each account, as the consumer does. */
  async #settle(): Promise<void> {
    const due = Map.groupBy(waiting, ({ account }) => account);
    waiting = [];
    await Promise.all(
      [...due].map(async ([account, messages]) => {
        const results = messages.map(
          ({ call }) =>
            ({ call, outcome: 'settled', transaction: TRANSACTION, block: BLOCK }) as const,
        );
        await this.env.AGENT_ACCOUNT.getByName(account).settled(results);
      }),
    );
  }
}

/** Stub of the audit queue with its consumer and D1: it exports every entry. */
export class AuditQueue extends WorkerEntrypoint<Bindings> {
  send(message: AuditMessage): void {
    this.ctx.waitUntil(this.#exportLater(message));
  }

  async #exportLater({ account, last }: AuditMessage): Promise<void> {
    await scheduler.wait(BATCH_MS);
    await this.env.AGENT_ACCOUNT.getByName(account).exported(last);
  }
}

/** Stub of queues that the bench does not use. */
export class IdleQueue extends WorkerEntrypoint {
  send(): never {
    throw new Error('The bench does not use this queue.');
  }
}

/** Stub of D1, which paid calls do not use. */
export class Database extends WorkerEntrypoint {
  prepare(): never {
    throw new Error('A paid call must not use D1.');
  }
}

export default {
  fetch: () => new Response(undefined, { status: 404 }),
} satisfies ExportedHandler;
