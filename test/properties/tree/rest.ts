import type { Hex } from '../../../src/core/hex.ts';
import { everyOf, rolled } from '../../../src/policy/window.ts';
import { purseOf } from '../../../durable-objects/account/purse.ts';
import { equal, isDropped } from './balance.ts';
import type { Keeper } from './keeper.ts';
import { agentsCall, MISHAPS } from './mishaps.ts';
import { ASSET } from './names.ts';
import type { How } from './wish.ts';
import { checkUsable } from './usable.ts';
import type { World } from './world.ts';

/** Delivers every message, ends every call, and reactivates every account. Shares stay where they are. */
const settleDown = (world: World): void => {
  const { messages, calls, commands, keepers, reference } = world;
  const hows: readonly How[] = ['success', 'failure', 'success', 'silence'];
  // Agents call before late messages arrive. Those messages may carry shares that were returned and forgotten.
  agentsCall(world, 3n);
  messages.deliverAll();
  calls.finishAll((at) => hows[at % hows.length] as How);
  for (const keeper of keepers) {
    if (!reference.statements.current(keeper.account).active) commands.status(keeper, 'active');
  }
  // Longer than an account caches a refusal of an ancestor.
  world.wait(3, false);
};

/** Returns all shares, and checks that each counter then equals the charges of the calls under its limit. */
const checkBack = (world: World): void => {
  const { keepers, recalls, grants, reference, clock, note } = world;
  for (const keeper of keepers) {
    recalls.giveUp(keeper, Object.keys(keeper.state().tree.shares) as Hex[]);
  }
  // Recall too: if a reply was lost, only the parent knows that it lent the share.
  for (const keeper of keepers) {
    recalls.look(keeper);
    recalls.round(keeper);
  }
  for (const keeper of keepers) {
    const { account } = keeper;
    const purse = purseOf(keeper.state(), ASSET);
    const free = purse.credit - purse.creditHeld - purse.creditLent;
    equal(`credit of ${account}`, free, reference.creditLeft(account));
    for (const chain of [[], ...grants.held(keeper).map((each) => each.chain)]) {
      const limits = reference.left({ account, chain, at: clock.now });
      for (const { key, name, limit, remaining, account: of } of limits) {
        if (of !== account || grants.isForgotten(key)) continue;
        const counter = key === account ? name : `${key}/${name}`;
        if (isDropped(keeper, counter)) continue;
        const { spent, held, leased } = rolled(purse.windows[counter], everyOf(counter), clock.now);
        equal(`${counter} of ${account}`, spent + held + leased, limit - remaining);
      }
    }
  }
  note('given back');
};

/** Checks a world at rest. `who` selects the first mishap, the account it happens to, and the account that calls afterwards. */
export const checkAtRest = (world: World, who: number): void => {
  const keeperAt = (at: number): Keeper => world.keepers[at % world.keepers.length] as Keeper;
  MISHAPS[who % MISHAPS.length]?.(world, keeperAt(Math.floor(who / MISHAPS.length)));
  settleDown(world);
  checkUsable(world, keeperAt(who));
  checkBack(world);
};
