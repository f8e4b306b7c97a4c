import { RpcTarget, WorkerEntrypoint } from 'cloudflare:workers';
import type { AgentAccount } from '../../../durable-objects/agent-account.ts';
import type { AuditMessage } from '../../../src/audit/chunk.ts';
import type { SettlementMessage } from '../../../src/settlement/payment.ts';

/**
 * Stubs of what raw workerd does not have. They do what the real ones would have done to the account by the time it counts: a payment is
 * settled, and entries are exported, about a second after they were sent, as with `max_batch_timeout = 1` in wrangler.toml.
 */
type Bindings = { readonly AGENT_ACCOUNT: DurableObjectNamespace<AgentAccount> };

const BATCH_MS = 1_000;
const BLOCK = 1_000;
const TRANSACTION = `0x${'ab'.repeat(32)}` as const;

const waiting = new Map<string, SettlementMessage['call'][]>();

/** Stub of the settlement queue, its consumer, facilitator and chain: everything settles. */
export class SettlementQueue extends WorkerEntrypoint<Bindings> {
  sendBatch(messages: readonly { readonly body: SettlementMessage }[]): void {
    if (waiting.size === 0) this.ctx.waitUntil(this.#settleLater());
    for (const { body } of messages) {
      const calls = waiting.get(body.account) ?? [];
      calls.push(body.call);
      waiting.set(body.account, calls);
    }
  }

  async #settleLater(): Promise<void> {
    await scheduler.wait(BATCH_MS);
    const due = [...waiting];
    waiting.clear();
    for (const [account, calls] of due) {
      const results = calls.map(
        (call) => ({ call, outcome: 'settled', transaction: TRANSACTION, block: BLOCK }) as const,
      );
      await this.env.AGENT_ACCOUNT.getByName(account).settled(results);
    }
  }
}

/** Stub of the audit queue, its consumer and D1: everything is exported. */
export class AuditQueue extends WorkerEntrypoint<Bindings> {
  send(message: AuditMessage): void {
    this.ctx.waitUntil(this.#exportLater(message));
  }

  async #exportLater({ account, last }: AuditMessage): Promise<void> {
    await scheduler.wait(BATCH_MS);
    await this.env.AGENT_ACCOUNT.getByName(account).exported(last);
  }
}

/** Stub of the queues that nothing is sent to here. */
export class IdleQueue extends WorkerEntrypoint {
  send(): never {
    throw new Error('The bench sends nothing here.');
  }
}

/** Stub of D1, which a paid call never waits for: the catalogue of an isolate is read every two seconds, and nothing has changed. */
export class Database extends WorkerEntrypoint {
  prepare(): Statement {
    return new Statement();
  }
}

class Statement extends RpcTarget {
  bind(): Statement {
    return new Statement();
  }

  all(): object {
    return { results: [{ top: 0, id: null, document: null, hash: null }] };
  }
}

/** Stub of the rate limit, which is asked only before the chain is. */
export class Shield extends WorkerEntrypoint {
  limit(): object {
    return { success: true };
  }
}

export default {
  fetch: () => new Response(undefined, { status: 404 }),
} satisfies ExportedHandler;
