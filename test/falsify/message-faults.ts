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
import { isRepeated, type Message, openRedelivery } from './redelivery.ts';
import type { Random } from './random.ts';

/** Faults in the messages between accounts. */
export type MessageFaults = {
  readonly begin: () => void;
  /** Delivers the repeated messages that are due. */
  readonly round: () => Promise<void>;
  /** Stops the faults, and delivers every message that is still on its way. */
  readonly end: () => Promise<void>;
  /** How many lease requests accounts have sent to their ancestors. */
  readonly leases: () => number;
  readonly restore: () => void;
};

type Fate = 'arrives' | 'lost' | 'unanswered' | 'late' | 'repeated';

/** One in five messages meets a fault. */
const FATES = [
  ...(['lost', 'unanswered', 'late', 'repeated'] as const),
  ...Array.from({ length: 16 }, () => 'arrives' as const),
] as const satisfies readonly [Fate, ...Fate[]];
/** The probability that an older verdict replaces the new one. */
const OLDER = 0.03;

/** The result that a caller gets without an answer. An aborted object (`disruptions.ts`) throws instead. */
const NOTHING = { verdict: 'unavailable' } as const;

/** Delays below and above an account's shortened timeout. */
const LATE_MS = [10, 200] as const;

export const injectMessageFaults = (random: Random): MessageFaults => {
  const { lease, recall, giveBack } = AgentAccount.prototype;
  const redelivery = openRedelivery(random.fork('redelivery'));
  const verdicts = new Map<string, LeaseVerdict>();
  const sent = new Map<string, number>();
  let isActive = false;
  let leases = 0;

  /** A message's fate depends only on its sender and its number, not on concurrent messages, so that a seed repeats it. */
  const streamOf = (way: string): Random => {
    const number = sent.get(way) ?? 0;
    sent.set(way, number + 1);
    return random.fork(`${way} ${number}`);
  };

  const deliver = async <T>(
    stream: Random,
    run: () => Promise<T>,
    copies: (answer: T) => readonly Message[],
  ): Promise<T | typeof NOTHING> => {
    const fate: Fate = isActive ? stream.pick(FATES) : 'arrives';
    if (fate === 'lost') return NOTHING;
    const answer = await run();
    if (fate === 'late') await pause(stream.integer(...LATE_MS));
    if (isActive)
      copies(answer).forEach(fate === 'repeated' ? redelivery.repeat : redelivery.remember);
    return fate === 'unanswered' ? NOTHING : answer;
  };

  async function leased(this: AgentAccount, request: LeaseRequest): Promise<LeaseVerdict> {
    if (isRepeated(request)) return lease.call(this, request);
    leases += 1;
    const to = nameOf(this);
    const key = `${request.child} ${request.issued}`;
    const stream = streamOf(`lease ${key}`);
    const verdict = await deliver(
      stream,
      () => lease.call(this, request),
      () => [{ kind: 'lease', to, request }],
    );
    const older = verdicts.get(key);
    if (!isActive || verdict.verdict === 'unavailable') return verdict;
    verdicts.set(key, verdict);
    // An older verdict has lower totals. The child must not mistake them for a return of its share.
    return older !== undefined && stream.chance(OLDER) ? older : verdict;
  }

  async function recalled(this: AgentAccount, message: Recall): ReturnType<AgentAccount['recall']> {
    if (isRepeated(message)) return recall.call(this, message);
    const to = nameOf(this);
    return deliver(
      streamOf(`recall ${to} ${message.of}`),
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
    return deliver(
      streamOf(`giveBack ${child} ${to}`),
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
    begin() {
      isActive = true;
    },
    round: redelivery.round,
    async end() {
      isActive = false;
      await redelivery.drain();
      // Late answers may still be on their way.
      await pause(LATE_MS[1]);
    },
    leases: () => leases,
    restore() {
      for (const spy of spies) spy.mockRestore();
    },
  };
};

const nameOf = (object: AgentAccount): AccountId => {
  const { id } = Reflect.get(object, 'ctx') as DurableObjectState;
  return (id.name ?? '') as AccountId;
};
