import { vi } from 'vitest';
import { AgentAccount } from '../../durable-objects/account/agent-account.ts';
import type {
  LeaseRequest,
  LeaseVerdict,
  Recall,
  Shares,
} from '../../src/protocol/account/lease.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Hex } from '../../src/core/hex.ts';
import { pause } from './clock.ts';
import { isRepeated, type Message, openCourier } from './courier.ts';
import type { Random } from './random.ts';

/** What happens to messages between accounts. */
export type Faults = {
  readonly rage: () => void;
  /** Repeats of earlier messages arrive. */
  readonly round: () => Promise<void>;
  /** Nothing more goes wrong, and what was still under way has arrived. */
  readonly calm: () => Promise<void>;
  /** How often an account asked one above. */
  readonly leases: () => number;
  readonly restore: () => void;
};

type Fate = 'arrives' | 'lost' | 'unanswered' | 'late' | 'repeated';

/** One message in five is not simply delivered. */
const FATES = [
  ...(['lost', 'unanswered', 'late', 'repeated'] as const),
  ...Array.from({ length: 16 }, () => 'arrives' as const),
] as const satisfies readonly [Fate, ...Fate[]];
const OLDER = 0.03;

/** What an account makes of an answer that does not come; those that die (`upsets.ts`) answer with an exception. */
const NOTHING = { verdict: 'unavailable' } as const;

/** Longer than an account waits while it hurries, or shorter. */
const LATE_MS = [10, 200] as const;

export const injectFaults = (random: Random): Faults => {
  const { lease, recall, giveBack } = AgentAccount.prototype;
  const courier = openCourier(random.fork('courier'));
  const said = new Map<string, LeaseVerdict>();
  const sent = new Map<string, number>();
  let rages = false;
  let asked = 0;

  /** What one message meets hangs on who sends it and how many he has sent, not on what else is under way: a seed replays. */
  const luckOf = (way: string): Random => {
    const number = sent.get(way) ?? 0;
    sent.set(way, number + 1);
    return random.fork(`${way} ${number}`);
  };

  /** Runs what arrives, and says only what is heard. */
  const befall = async <T>(
    luck: Random,
    run: () => Promise<T>,
    copies: (answer: T) => readonly Message[],
  ): Promise<T | typeof NOTHING> => {
    const fate: Fate = rages ? luck.pick(FATES) : 'arrives';
    if (fate === 'lost') return NOTHING;
    const answer = await run();
    if (fate === 'late') await pause(luck.integer(...LATE_MS));
    if (rages) copies(answer).forEach(fate === 'repeated' ? courier.again : courier.sees);
    return fate === 'unanswered' ? NOTHING : answer;
  };

  async function leased(this: AgentAccount, request: LeaseRequest): Promise<LeaseVerdict> {
    if (isRepeated(request)) return lease.call(this, request);
    asked += 1;
    const to = nameOf(this);
    const key = `${request.child} ${request.issued}`;
    const luck = luckOf(`lease ${key}`);
    const verdict = await befall(
      luck,
      () => lease.call(this, request),
      () => [{ kind: 'lease', to, request }],
    );
    const older = said.get(key);
    if (!rages || verdict.verdict === 'unavailable') return verdict;
    said.set(key, verdict);
    // What was said before is said once more instead: its totals are lower.
    return older !== undefined && luck.chance(OLDER) ? older : verdict;
  }

  async function recalled(this: AgentAccount, message: Recall): ReturnType<AgentAccount['recall']> {
    if (isRepeated(message)) return recall.call(this, message);
    const to = nameOf(this);
    return befall(
      luckOf(`recall ${to} ${message.of}`),
      () => recall.call(this, message),
      (returned) => [
        { kind: 'recall', to, recall: message },
        ...(returned.verdict === 'returned'
          ? [{ kind: 'giveBack' as const, to: message.of, child: to, branches: returned.branches }]
          : []),
      ],
    );
  }

  async function givenBack(
    this: AgentAccount,
    child: AccountId,
    branches: Readonly<Record<Hex, Shares>>,
  ): ReturnType<AgentAccount['giveBack']> {
    const to = nameOf(this);
    return befall(
      luckOf(`giveBack ${child} ${to}`),
      () => giveBack.call(this, child, branches),
      () => [{ kind: 'giveBack', to, child, branches }],
    );
  }

  const spies = [
    vi.spyOn(AgentAccount.prototype, 'lease').mockImplementation(leased),
    vi.spyOn(AgentAccount.prototype, 'recall').mockImplementation(recalled),
    vi.spyOn(AgentAccount.prototype, 'giveBack').mockImplementation(givenBack),
  ];
  return {
    rage() {
      rages = true;
    },
    round: courier.round,
    async calm() {
      rages = false;
      await courier.emptied();
      // Answers that are late still come.
      await pause(LATE_MS[1]);
    },
    leases: () => asked,
    restore() {
      for (const spy of spies) spy.mockRestore();
    },
  };
};

const nameOf = (object: AgentAccount): AccountId => {
  const { id } = Reflect.get(object, 'ctx') as DurableObjectState;
  return (id.name ?? '') as AccountId;
};
