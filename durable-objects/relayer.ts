import { retryable } from 'cloudflare:durable-objects';
import { DurableObject } from 'cloudflare:workers';
import type {
  Relay,
  Relayed,
  RelayerRpc,
  RelayerStatus,
} from '../src/protocol/relayer-contract.ts';
import type { Loop } from './relayer/loop.ts';

/** How soon an object whose code could not be loaded rings again: alarms that fail stop for good (platform facts 1.5). */
const UNOPENED_MS = 60_000;

/** Our own key on one chain: moves payments in batches (design §6). One object a network, named for it. */
export class Relayer extends DurableObject<Env> implements RelayerRpc {
  static {
    // Idempotent by payer and nonce.
    retryable(this.prototype.relay, this.prototype.status);
  }

  #loop: Loop | undefined;

  /** Takes payments over. Same payment: the same answer, and one transfer. */
  async relay(relays: readonly Relay[], urgent: boolean): Promise<readonly Relayed[]> {
    const loop = await this.#open();
    return (
      loop?.relay(relays, urgent) ?? relays.map(({ call }) => ({ call, verdict: 'unavailable' }))
    );
  }

  /** How it stands. Writes nothing. */
  async status(): Promise<RelayerStatus> {
    const loop = await this.#open();
    if (loop === undefined) throw new Error('The relayer could not be opened.');
    return loop.status();
  }

  /** One round. At least once, so idempotent. */
  override async alarm(): Promise<void> {
    const loop = await this.#open();
    await (loop?.ring() ?? this.ctx.storage.setAlarm(Date.now() + UNOPENED_MS));
  }

  /**
   * Its code is loaded by who runs it, not by every isolate. Nobody waits for what another one began: each call imports for itself, and
   * the first of them that goes on opens the loop, of which there is one.
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
