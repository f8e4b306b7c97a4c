import { env } from 'cloudflare:workers';
import type {
  LeaseRequest,
  Recall,
  Slices,
} from '../../durable-objects/agent-account/tree-contract.ts';
import type { AccountId, Hex } from '../../src/core/account-id.ts';
import { pause } from './clock.ts';
import type { Random } from './random.ts';

/** A message that was delivered once already. */
export type Message =
  | { readonly kind: 'lease'; readonly to: AccountId; readonly request: LeaseRequest }
  | { readonly kind: 'recall'; readonly to: AccountId; readonly recall: Recall }
  | {
      readonly kind: 'giveBack';
      readonly to: AccountId;
      readonly child: AccountId;
      readonly branches: Readonly<Record<Hex, Slices>>;
    };

/** Brings messages a second and a third time, late: after newer ones. Nobody hears what is answered to them. */
export type Courier = {
  readonly again: (message: Message) => void;
  /** One round: what has become due by now. From the tests' side, because no object may wait for what another one has begun. */
  readonly round: () => Promise<void>;
  /** Everything that is left, now. */
  readonly emptied: () => Promise<void>;
};

const LATEST_ROUNDS = 30;

/** Whether the courier brought it: such a message is not the account's own. */
export const isRepeated = (message: LeaseRequest | Recall): boolean => 'repeated' in message;

export const openCourier = (random: Random): Courier => {
  let bag: { readonly message: Message; readonly due: number }[] = [];
  let rounds = 0;
  const bringAll = async (isDue: (due: number) => boolean): Promise<void> => {
    const due = bag.filter((each) => isDue(each.due));
    bag = bag.filter((each) => !isDue(each.due));
    await Promise.all(due.map(async ({ message }) => bring(message)));
  };
  return {
    again(message) {
      for (let copies = random.integer(1, 2); copies > 0; copies -= 1) {
        bag.push({ message, due: rounds + random.integer(1, LATEST_ROUNDS) });
      }
    },
    async round() {
      rounds += 1;
      await bringAll((due) => due <= rounds);
    },
    async emptied() {
      while (bag.length > 0) await bringAll(() => true);
      await pause(0);
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
