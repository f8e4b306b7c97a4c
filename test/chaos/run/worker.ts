import { retryable } from 'cloudflare:durable-objects';
import {
  AgentAccount as Account,
  AuditLog as Log,
  Relayer as OwnRelayer,
} from '../../../src/index.ts';
import gateway from '../../../src/index.ts';
import { openRandom } from '../../falsify/random.ts';
import { losingAcknowledgements, faultyQueue } from './faulty-queue.ts';
import { advance, keepTimeOf } from './worker-clock.ts';
import type { WorkerOptions } from './options.ts';

/**
 * The unchanged gateway with queues that lose, repeat and delay messages, objects that are evicted during calls, and a clock that a run can
 * move. `POST /_chaos` ends the faults, moves the clock and returns the state of accounts.
 */
const CONTROL = '/_chaos';
/** One in this many RPCs evicts its object. */
const EVICTIONS = 250;

let calm = false;
let calls = 0;
let options: WorkerOptions = { seed: 0, faults: [] };
const environments = new WeakMap<Env, Env>();

/** Sets the options. The entry module calls it first. */
export const configure = (given: WorkerOptions): void => {
  options = given;
};

const isActive = (fault: 'queue' | 'worker'): boolean => !calm && options.faults.includes(fault);

/** Returns the same object for the same environment, because the gateway uses it as a cache key. */
const withFaultyQueues = (env: Env): Env => {
  const known = environments.get(env);
  if (known !== undefined) return known;
  const { seed } = options;
  const around = (queue: Queue, dead: Queue, name: string): Queue =>
    faultyQueue(queue, dead, openRandom(`queue ${name} ${seed}`), () => isActive('queue'));
  const made: Env = {
    ...env,
    SETTLEMENT_QUEUE: around(env.SETTLEMENT_QUEUE, env.SETTLEMENT_DEAD_QUEUE, 'settlement'),
    AUDIT_QUEUE: around(env.AUDIT_QUEUE, env.AUDIT_DEAD_QUEUE, 'audit'),
  };
  environments.set(env, made);
  return made;
};

/** Draws when an RPC evicts its object: before it has stored anything, or afterwards, which loses only the answer. */
const evictionOf = (): 'before' | 'after' | 'never' => {
  calls += 1;
  if (!isActive('worker')) return 'never';
  const random = openRandom(`eviction ${options.seed} ${calls}`);
  if (random.integer(1, EVICTIONS) > 1) return 'never';
  return random.pick(['before', 'after']);
};

export class AgentAccount extends Account {
  constructor(context: DurableObjectState, env: Env) {
    keepTimeOf(context.storage);
    super(context, withFaultyQueues(env));
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

  /** Schedules the alarm for now. */
  async ring(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now());
  }
}

export class AuditLog extends Log {
  constructor(context: DurableObjectState, env: Env) {
    keepTimeOf(context.storage);
    super(context, env);
  }
}

export class Relayer extends OwnRelayer {
  constructor(context: DurableObjectState, env: Env) {
    keepTimeOf(context.storage);
    super(context, withFaultyQueues(env));
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
  /** Ends all faults. */
  readonly calm?: boolean;
  /** Moves the clock by seconds. */
  readonly pass?: number;
  readonly accounts: readonly string[];
};

/** Serves `/_chaos`. */
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
    return gateway.fetch(request as never, withFaultyQueues(env), context);
  },

  async queue(batch, env, context) {
    const seed = `${options.seed} ${batch.messages[0]?.id ?? ''}`;
    const delivered = isActive('queue')
      ? losingAcknowledgements(batch, openRandom(`batch ${seed}`))
      : batch;
    return (gateway.queue as (...all: unknown[]) => Promise<void>)(
      delivered,
      withFaultyQueues(env),
      context,
    );
  },

  async scheduled(event, env, context) {
    const { scheduled } = gateway as ExportedHandler<Env>;
    await scheduled?.(event, withFaultyQueues(env), context);
  },
} satisfies ExportedHandler<Env>;
