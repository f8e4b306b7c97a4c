import { retryable } from 'cloudflare:durable-objects';
import { AgentAccount as Account, Relayer as OwnRelayer } from '../../../src/index.ts';
import gateway from '../../../src/index.ts';
import { openRandom } from '../../falsify/random.ts';
import { losingAcknowledgements, troubledQueue } from './faulty-queue.ts';
import { advance, keepTimeOf } from './worker-clock.ts';
import type { WorkerOptions } from './worker-options.ts';

/**
 * The gateway as it is, in a world that is not: queues that lose, repeat and delay, objects that are thrown out at any step, and a
 * clock that the run may put forward. `/_chaos` ends what goes wrong, and lets time pass.
 */
const CONTROL = '/_chaos';
/** One call of an object in so many ends with its eviction. */
const EVICTIONS = 250;

let calm = false;
let calls = 0;
let options: WorkerOptions = { seed: 0, faults: [] };
const environments = new WeakMap<Env, Env>();

/** Called by the entry of each life of the Worker, before anything else. */
export const heed = (told: WorkerOptions): void => {
  options = told;
};

const stirs = (fault: 'queue' | 'worker'): boolean => !calm && options.faults.includes(fault);

/** One and the same for one environment, as the gateway keeps what it has read of it. */
const troubled = (env: Env): Env => {
  const known = environments.get(env);
  if (known !== undefined) return known;
  const { seed } = options;
  const around = (queue: Queue, dead: Queue, name: string): Queue =>
    troubledQueue(queue, dead, openRandom(`queue ${name} ${seed}`), () => stirs('queue'));
  const made: Env = {
    ...env,
    SETTLEMENT_QUEUE: around(env.SETTLEMENT_QUEUE, env.SETTLEMENT_DEAD_QUEUE, 'settlement'),
    AUDIT_QUEUE: around(env.AUDIT_QUEUE, env.AUDIT_DEAD_QUEUE, 'audit'),
  };
  environments.set(env, made);
  return made;
};

/** Where in a call of an object it is thrown out, if at all: before anything was stored, or when only its answer is missing. */
const evictionOf = (): 'before' | 'after' | 'never' => {
  calls += 1;
  if (!stirs('worker')) return 'never';
  const luck = openRandom(`eviction ${options.seed} ${calls}`);
  if (luck.integer(1, EVICTIONS) > 1) return 'never';
  return luck.pick(['before', 'after']);
};

export class AgentAccount extends Account {
  constructor(context: DurableObjectState, env: Env) {
    keepTimeOf(context.storage);
    super(context, troubled(env));
  }

  async #maybeEvicted<T>(run: () => Promise<T>): Promise<T> {
    const when = evictionOf();
    if (when === 'before') this.ctx.abort('evicted');
    const answer = await run();
    if (when === 'after') this.ctx.abort('evicted');
    return answer;
  }

  static {
    retryable(this.prototype.reserve, this.prototype.finish);
  }

  override reserve(...all: Parameters<Account['reserve']>): ReturnType<Account['reserve']> {
    return this.#maybeEvicted(() => super.reserve(...all));
  }

  override finish(...all: Parameters<Account['finish']>): ReturnType<Account['finish']> {
    return this.#maybeEvicted(() => super.finish(...all));
  }

  override settled(...all: Parameters<Account['settled']>): ReturnType<Account['settled']> {
    return this.#maybeEvicted(() => super.settled(...all));
  }

  override exported(...all: Parameters<Account['exported']>): ReturnType<Account['exported']> {
    return this.#maybeEvicted(() => super.exported(...all));
  }

  /** Its alarm rings: time has passed. */
  async ring(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now());
  }
}

export class Relayer extends OwnRelayer {
  constructor(context: DurableObjectState, env: Env) {
    keepTimeOf(context.storage);
    super(context, troubled(env));
  }

  override async relay(
    ...all: Parameters<OwnRelayer['relay']>
  ): Promise<Awaited<ReturnType<OwnRelayer['relay']>>> {
    const when = evictionOf();
    if (when === 'before') this.ctx.abort('evicted');
    const answer = await super.relay(...all);
    if (when === 'after') this.ctx.abort('evicted');
    return answer;
  }

  async ring(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now());
  }
}

type Control = {
  /** Nothing goes wrong any more. */
  readonly calm?: boolean;
  /** Seconds that pass at once. */
  readonly pass?: number;
  readonly accounts: readonly string[];
};

/** Does as it is told, and answers how each account stands. */
const controlled = async (request: Request, env: Env): Promise<Response> => {
  const { calm: isCalm, pass, accounts } = await request.json<Control>();
  calm ||= isCalm === true;
  if (pass !== undefined) advance(pass);
  const stubs = accounts.map((id) => env.AGENT_ACCOUNT.getByName(id) as never as RpcOf);
  if (pass !== undefined) {
    await Promise.all(stubs.map((stub) => stub.ring()));
    await (env.RELAYER.getByName('eip155:84532') as never as RpcOf).ring();
  }
  return Response.json(await Promise.all(stubs.map((stub) => stub.snapshot())));
};

type RpcOf = { ring(): Promise<void>; snapshot(): Promise<unknown> };

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === CONTROL) return controlled(request, env);
    return gateway.fetch(request as never, troubled(env), context);
  },

  async queue(batch, env, context) {
    const seed = `${options.seed} ${batch.messages[0]?.id ?? ''}`;
    const delivered = stirs('queue')
      ? losingAcknowledgements(batch, openRandom(`batch ${seed}`))
      : batch;
    return (gateway.queue as (...all: unknown[]) => Promise<void>)(
      delivered,
      troubled(env),
      context,
    );
  },

  async scheduled(event, env, context) {
    const { scheduled } = gateway as ExportedHandler<Env>;
    await scheduled?.(event, troubled(env), context);
  },
} satisfies ExportedHandler<Env>;
