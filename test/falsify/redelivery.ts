import { env } from 'cloudflare:workers';
import type { LeaseRequest, Recall, Shares } from '../../src/protocol/account/lease.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Random } from './random.ts';

/** A message between accounts that was already delivered once. */
export type Message =
  | { readonly kind: 'lease'; readonly to: AccountId; readonly request: LeaseRequest }
  | { readonly kind: 'recall'; readonly to: AccountId; readonly recall: Recall }
  | {
      readonly kind: 'giveBack';
      readonly to: AccountId;
      readonly child: AccountId;
      readonly branches: Readonly<Record<Hex, Shares>>;
    };

/** Delivers messages again, soon or much later, and therefore also after newer ones. Drops their answers. */
export type Redelivery = {
  /** Stores a message, to deliver it again later. */
  readonly remember: (message: Message) => void;
  /** Delivers a message again soon, once or twice. */
  readonly repeat: (message: Message) => void;
  /** Delivers the messages that are due. Tests call it, because an object must not wait for I/O that another request started. */
  readonly round: () => Promise<void>;
  /** Delivers all waiting messages, and some of the stored ones. */
  readonly drain: () => Promise<void>;
};

const LATEST_ROUNDS = 30;
/** How many messages are stored, the probability that a round repeats one, and how many `drain` repeats. */
const REMEMBERED = 300;
const OLD = 0.4;
const OLD_IN_DRAIN = 20;

/** Tells whether a message is a redelivery, and not one that the account sent now. */
export const isRepeated = (message: LeaseRequest | Recall): boolean => 'repeated' in message;

export const openRedelivery = (random: Random): Redelivery => {
  let waiting: { readonly message: Message; readonly due: number }[] = [];
  const seen: Message[] = [];
  let rounds = 0;
  const deliverAll = async (isDue: (due: number) => boolean): Promise<void> => {
    const due = waiting.filter((each) => isDue(each.due));
    waiting = waiting.filter((each) => !isDue(each.due));
    await Promise.all(due.map(async ({ message }) => deliver(message)));
  };
  const repeatOld = (): void => {
    const message = seen[random.integer(0, Math.max(0, seen.length - 1))];
    if (message !== undefined) waiting.push({ message, due: rounds });
  };
  return {
    remember(message) {
      if (seen.length < REMEMBERED) seen.push(message);
      else seen[random.integer(0, REMEMBERED - 1)] = message;
    },
    repeat(message) {
      for (let copies = random.integer(1, 2); copies > 0; copies -= 1) {
        waiting.push({ message, due: rounds + random.integer(1, LATEST_ROUNDS) });
      }
    },
    async round() {
      rounds += 1;
      if (random.chance(OLD)) repeatOld();
      await deliverAll((due) => due <= rounds);
    },
    async drain() {
      for (let count = 0; count < OLD_IN_DRAIN; count += 1) repeatOld();
      while (waiting.length > 0) await deliverAll(() => true);
    },
  };
};

const deliver = async (message: Message): Promise<void> => {
  const stub = env.AGENT_ACCOUNT.getByName(message.to);
  const mark = { repeated: true };
  try {
    switch (message.kind) {
      case 'lease':
        await stub.lease({ ...message.request, ...mark });
        break;
      case 'recall':
        await stub.recall({ ...message.recall, ...mark });
        break;
      case 'giveBack':
        await stub.giveBack(message.child, message.branches);
        break;
    }
  } catch {
    // The object was aborted while it processed the message. Nothing retries a redelivery.
  }
};
