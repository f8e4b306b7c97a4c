import { env } from 'cloudflare:workers';
import type { LeaseRequest, Recall, Shares } from '../../src/protocol/account/lease.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Random } from './random.ts';

/** A message that was delivered once already. */
export type Message =
  | { readonly kind: 'lease'; readonly to: AccountId; readonly request: LeaseRequest }
  | { readonly kind: 'recall'; readonly to: AccountId; readonly recall: Recall }
  | {
      readonly kind: 'giveBack';
      readonly to: AccountId;
      readonly child: AccountId;
      readonly branches: Readonly<Record<Hex, Shares>>;
    };

/** Brings messages once more, soon or long after: also after newer ones. Nobody hears what is answered to them. */
export type Courier = {
  /** It may come back to it at any time. */
  readonly sees: (message: Message) => void;
  /** It brings it again soon, once or twice. */
  readonly again: (message: Message) => void;
  /** One round: what has become due by now. From the tests' side, because no object may wait for what another one has begun. */
  readonly round: () => Promise<void>;
  /** Everything that is left, and some of what is oldest. */
  readonly emptied: () => Promise<void>;
};

const LATEST_ROUNDS = 30;
/** How many messages it remembers, how often one of them comes in a round, and how many in the end. */
const REMEMBERED = 300;
const OLD = 0.4;
const OLD_IN_THE_END = 20;

/** Whether the courier brought it: such a message is not the account's own. */
export const isRepeated = (message: LeaseRequest | Recall): boolean => 'repeated' in message;

export const openCourier = (random: Random): Courier => {
  let bag: { readonly message: Message; readonly due: number }[] = [];
  const seen: Message[] = [];
  let rounds = 0;
  const bringAll = async (isDue: (due: number) => boolean): Promise<void> => {
    const due = bag.filter((each) => isDue(each.due));
    bag = bag.filter((each) => !isDue(each.due));
    await Promise.all(due.map(async ({ message }) => bring(message)));
  };
  const old = (): void => {
    const message = seen[random.integer(0, Math.max(0, seen.length - 1))];
    if (message !== undefined) bag.push({ message, due: rounds });
  };
  return {
    sees(message) {
      if (seen.length < REMEMBERED) seen.push(message);
      else seen[random.integer(0, REMEMBERED - 1)] = message;
    },
    again(message) {
      for (let copies = random.integer(1, 2); copies > 0; copies -= 1) {
        bag.push({ message, due: rounds + random.integer(1, LATEST_ROUNDS) });
      }
    },
    async round() {
      rounds += 1;
      if (random.chance(OLD)) old();
      await bringAll((due) => due <= rounds);
    },
    async emptied() {
      for (let count = 0; count < OLD_IN_THE_END; count += 1) old();
      while (bag.length > 0) await bringAll(() => true);
    },
  };
};

const bring = async (message: Message): Promise<void> => {
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
    // It died over it; a message that nobody expects is not sent again.
  }
};
