import { retryable } from 'cloudflare:durable-objects';
import { DurableObject } from 'cloudflare:workers';
import type { Relay, Relayed, RelayerRpc, RelayerStatus } from './relayer/contract.ts';
import type { Loop } from './relayer/loop.ts';

/** How long an object that was set up once, and is no more, waits for its settings: what it holds is not lost (law 5). */
const UNCONFIGURED_MS = 300_000;

/** Our own key on one chain: moves payments in batches (design §6). One object a network, named for it. */
export class Relayer extends DurableObject<Env> implements RelayerRpc {
  static {
    // Idempotent by payer and nonce.
    retryable(this.prototype.relay, this.prototype.status);
  }

  /** Its code is loaded by objects that run it, not by every isolate. Nothing is delivered to the object before it is there. */
  readonly #loop: Promise<Loop | undefined>;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#loop = context.blockConcurrencyWhile(async () => {
      const { openRelayer } = await import('./relayer/open.ts');
      return openRelayer(context, env);
    });
  }

  /** Takes payments over. Same payment: the same answer, and one transfer. */
  async relay(relays: readonly Relay[], urgent: boolean): Promise<readonly Relayed[]> {
    const loop = await this.#loop;
    return (
      loop?.relay(relays, urgent) ?? relays.map(({ call }) => ({ call, verdict: 'unsupported' }))
    );
  }

  /** How it stands. Writes nothing. */
  async status(): Promise<RelayerStatus> {
    const loop = await this.#loop;
    return loop?.status() ?? { verdict: 'unconfigured' };
  }

  /** One round. At least once, so idempotent. */
  override async alarm(): Promise<void> {
    const loop = await this.#loop;
    if (loop !== undefined) return loop.ring();
    const { isAwaited } = await import('./relayer/open.ts');
    if (isAwaited(this.ctx.storage)) await this.ctx.storage.setAlarm(Date.now() + UNCONFIGURED_MS);
  }
}
