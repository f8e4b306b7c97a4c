import { retryable } from 'cloudflare:durable-objects';
import { DurableObject } from 'cloudflare:workers';
import { nowSeconds } from '../src/core/clock.ts';
import { openNode } from '../src/settlement/relayer/node.ts';
import { openAudience } from './relayer/audience.ts';
import type { Relay, Relayed, RelayerRpc, RelayerStatus } from './relayer/contract.ts';
import { type Loop, openLoop } from './relayer/loop.ts';
import { readSetup } from './relayer/setup.ts';
import { openStore } from './relayer/store.ts';
import { wake } from './relayer/wake.ts';

/** How long an object that was set up once, and is no more, waits for its settings: what it holds is not lost (law 5). */
const UNCONFIGURED_MS = 300_000;

/** Our own key on one chain: moves payments in batches (design §6). One object a network, named for it. */
export class Relayer extends DurableObject<Env> implements RelayerRpc {
  static {
    // Idempotent by payer and nonce.
    retryable(this.prototype.relay, this.prototype.status);
  }

  readonly #loop: Loop | undefined;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const setup = readSetup(env as unknown as Record<string, unknown>, context.id.name);
    if (!setup.ok) {
      if (setup.error.kind === 'malformed') {
        console.error({ event: 'relayer_unsupported', variable: setup.error.variable });
      }
      return;
    }
    const store = openStore(context.storage);
    this.#loop = openLoop(
      {
        setup: setup.value,
        node: openNode(setup.value.urls, setup.value.address),
        store,
        memory: wake(store, setup.value.address),
        audience: openAudience(env, setup.value),
        now: nowSeconds,
      },
      context.storage,
    );
  }

  /** Takes payments over. Same payment: the same answer, and one transfer. */
  async relay(relays: readonly Relay[], urgent: boolean): Promise<readonly Relayed[]> {
    return (
      this.#loop?.relay(relays, urgent) ??
      relays.map(({ call }) => ({ call, verdict: 'unsupported' }))
    );
  }

  /** How it stands. Writes nothing. */
  async status(): Promise<RelayerStatus> {
    return this.#loop?.status() ?? { verdict: 'unconfigured' };
  }

  /** One round. At least once, so idempotent. */
  override async alarm(): Promise<void> {
    if (this.#loop !== undefined) return this.#loop.ring();
    const { pending, flights, reports } = openStore(this.ctx.storage).load();
    if (pending.length + flights.length + reports.length === 0) return;
    await this.ctx.storage.setAlarm(Date.now() + UNCONFIGURED_MS);
  }
}
