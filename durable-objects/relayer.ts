import { ELSEWHERE_MS, isElsewhere } from './elsewhere.ts';
import { retryable } from 'cloudflare:durable-objects';
import { DurableObject } from 'cloudflare:workers';
import type {
  Relay,
  Relayed,
  RelayerRpc,
  RelayerStatus,
} from '../src/protocol/relayer-contract.ts';
import { inActiveSpan } from '../src/tracing/trace.ts';
import type { Loop } from './relayer/loop.ts';

/** When the object tries again after its code could not be loaded: the platform stops retrying an alarm that keeps throwing. */
const UNOPENED_MS = 60_000;

/** Settles payments in batches with a key of the gateway. One object per key, named by its CAIP-10 account. */
export class Relayer extends DurableObject<Env> implements RelayerRpc {
  static {
    // Idempotent by payer and nonce.
    retryable(this.prototype.relay, this.prototype.status);
  }

  #loop: Loop | undefined;

  /** Takes payments. The same payment gets the same verdict, and is transferred once. */
  async relay(relays: readonly Relay[], urgent: boolean): Promise<readonly Relayed[]> {
    const loop = await this.#open();
    return (
      loop?.relay(relays, urgent) ?? relays.map(({ call }) => ({ call, verdict: 'unavailable' }))
    );
  }

  /** Returns the status for operators. Writes nothing. */
  async status(): Promise<RelayerStatus> {
    const loop = await this.#open();
    if (loop === undefined) throw new Error('The relayer could not be opened.');
    return loop.status();
  }

  /** Runs one round. Alarms are delivered at least once, so a round is idempotent. */
  override async alarm(): Promise<void> {
    if (await isElsewhere(this.ctx.id, this.env))
      return this.ctx.storage.setAlarm(Date.now() + ELSEWHERE_MS);
    const loop = await this.#open();
    // Signs and sends a batch, and looks at those that were sent.
    await inActiveSpan(
      'relay',
      async () => loop?.onAlarm() ?? this.ctx.storage.setAlarm(Date.now() + UNOPENED_MS),
    );
  }

  /**
   * Loads the relayer's code, which other isolates never need, and opens its loop.
   *
   * Race: concurrent calls must not await one shared promise, because the platform may cancel the call that created it. Each call imports
   * for itself, and the first to continue opens the one loop.
   */
  async #open(): Promise<Loop | undefined> {
    if (this.#loop !== undefined) return this.#loop;
    try {
      const { openRelayer } = await import('./relayer/open.ts');
      this.#loop ??= openRelayer(this.ctx, this.env);
      return this.#loop;
    } catch (cause) {
      console.error({ event: 'relayer_unopened', cause: String(cause) });
      return undefined;
    }
  }
}
