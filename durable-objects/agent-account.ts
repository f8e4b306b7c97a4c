import { DurableObject } from 'cloudflare:workers';
import { retryable } from 'cloudflare:durable-objects';
import type { AccountId, Hex } from '../src/core/account-id.ts';
import type { SettlementResult } from '../src/settlement/payment.ts';
import type {
  Acknowledged,
  Applied,
  Call,
  Evidence,
  FinishVerdict,
  LookUp,
  LookUpVerdict,
  Order,
  Outcome,
  ReserveVerdict,
} from './agent-account/contract.ts';
import { unchanged } from './agent-account/decision.ts';
import { type Deliveries, openDeliveries } from './agent-account/deliveries.ts';
import { finish } from './agent-account/finish.ts';
import { type Ledger, openLedger } from './agent-account/ledger.ts';
import { lookUp } from './agent-account/look-up.ts';
import { openRules } from './agent-account/rules.ts';
import { reserve } from './agent-account/reserve.ts';
import { type Snapshot, snapshotOf } from './agent-account/snapshot.ts';
import { acknowledgeTransfer, applyOrder } from './agent-account/transfer.ts';
import { acknowledge, concludeAll, tick } from './agent-account/upkeep.ts';

/**
 * One account: its money, its calls, its chain of entries (design §5). Every method is a thin door to one serialised decision.
 * Private state is `#private`, because TypeScript's `private` is callable over RPC.
 */
export class AgentAccount extends DurableObject<Env> {
  static {
    // Idempotent by (call, attempt): a lost answer becomes a correct second one instead of a false "already used".
    // By its totals, `apply` is idempotent too, and a look-up reads only.
    retryable(
      this.prototype.reserve,
      this.prototype.finish,
      this.prototype.apply,
      this.prototype.lookUp,
    );
  }

  readonly #ledger: Ledger;
  readonly #deliveries: Deliveries;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const account = (context.id.name ?? '') as AccountId;
    this.#deliveries = openDeliveries(env, account, (transfer) =>
      this.#ledger.submit<Acknowledged>(
        (state, _, now) =>
          acknowledgeTransfer(state, transfer.peer, transfer.asset, transfer.sent, now),
        { verdict: 'unavailable' },
      ),
    );
    this.#ledger = openLedger(account, context.storage, openRules(env), (memory) => {
      context.waitUntil(this.#deliveries.send(memory, this.#ledger.storage()));
    });
  }

  /** Claims a call and reserves its price. Same (call, attempt): the same verdict (design §4.6). */
  async reserve(call: Call, attempt: Hex, evidence: Evidence): Promise<ReserveVerdict> {
    return this.#ledger.submit<ReserveVerdict>(
      (state, load, context) =>
        state.account === call.account
          ? reserve(state, load(call.call), call, attempt, evidence, context)
          : unchanged(state, { verdict: 'unavailable' }),
      { verdict: 'unavailable' },
    );
  }

  /** Ends a call that was let run. */
  async finish(call: Hex, attempt: Hex, outcome: Outcome): Promise<FinishVerdict> {
    return this.#ledger.submit<FinishVerdict>(
      (state, load, context) => finish(state, load(call), attempt, outcome, context),
      { verdict: 'unavailable' },
    );
  }

  /** What became of a call, for its payer. Writes nothing. */
  async lookUp(question: LookUp): Promise<LookUpVerdict> {
    return this.#ledger.submit<LookUpVerdict>(
      (state, load, { now }) => lookUp(state, load(question.call), question, now),
      { verdict: 'unavailable' },
    );
  }

  /** Takes credit from another account, or the record of a refund. Idempotent by what it carries. */
  async apply(order: Order): Promise<Applied> {
    return this.#ledger.submit<Applied>((state, _, context) => applyOrder(state, order, context), {
      verdict: 'unavailable',
    });
  }

  /** Takes what the chain said of payments. Idempotent: the Queue delivers at least once, in no order. */
  async settled(results: readonly SettlementResult[]): Promise<Acknowledged> {
    return this.#ledger.submit<Acknowledged>(
      (state, load, context) => concludeAll(state, load, results, context),
      { verdict: 'unavailable' },
    );
  }

  /** Every entry up to `seq` is in D1. */
  async exported(seq: number): Promise<Acknowledged> {
    return this.#ledger.submit<Acknowledged>((state) => acknowledge(state, seq), {
      verdict: 'unavailable',
    });
  }

  /** Where the account stands, for its holders and for tests. Amounts as decimal strings. */
  async snapshot(): Promise<Snapshot> {
    const { storage } = this.#ledger;
    return this.#ledger.submit<Snapshot>(
      (state, _, context, memory) =>
        unchanged(state, snapshotOf(state, memory, storage().rowsWritten(), context)),
      { known: false },
    );
  }

  /** Ends what has run out of time, sends what was not acknowledged, prunes. At least once, so idempotent. */
  override async alarm(): Promise<void> {
    const { storage } = this.#ledger;
    await this.#ledger.submit<Acknowledged>(
      (state, load, context, memory) => tick(state, load, memory, storage(), context),
      { verdict: 'unavailable' },
    );
    await this.#ledger.rearm(async (memory) => {
      await this.#deliveries.send(memory, storage());
    });
  }
}
