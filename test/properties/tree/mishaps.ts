import type { Hex } from '../../../src/core/hex.ts';
import { always } from './messages.ts';
import type { Keeper } from './keeper.ts';
import type { Limits } from './limits.ts';
import type { World } from './world.ts';

const LOST = always('lost');
const ASLEEP = always('asleep');
const ANSWERS_ASLEEP = always('now', 'asleep');

/** Makes calls as the last three members, which are the lowest descendants. */
export const agentsCall = ({ keepers, calls }: World, price: bigint, appetite = 0n): void => {
  for (const keeper of keepers.slice(-3)) {
    calls.make(keeper, { price, authority: undefined, keep: false, appetite });
  }
};

/** Lowers the limits of an account and drops the messages about it. A minute later, all descendants must respect the new limits. */
const lower = (world: World, keeper: Keeper): void => {
  const { policies } = world.reference.statements.current(keeper.account);
  agentsCall(world, 1n, 40n);
  for (const [slot, { counters }] of Object.entries(policies)) {
    const lowered = Object.entries(counters).map(([name, limit]) => [name, limit / 3n + 1n]);
    world.messages.withFates(LOST, () =>
      world.commands.policy(keeper, slot as 'operator' | 'owner', {
        counters: Object.fromEntries(lowered) as Limits['counters'],
      }),
    );
  }
  world.calls.finishAll((at) => (at % 3 === 0 ? 'success' : 'failure'));
  world.wait(60, false);
  for (const price of [5n, 2n]) agentsCall(world, price);
};

/** Freezes an account, then delivers older messages. No account that acknowledged the freeze may act on them. */
const freeze = (world: World, keeper: Keeper): void => {
  if (!world.reference.statements.current(keeper.account).active) return;
  world.commands.status(keeper, 'frozen');
  world.messages.deliverAll();
  agentsCall(world, 1n);
};

/** Accounts return their shares and restart before the acknowledgement arrives. They must not forget what they returned. */
const giveBack = (world: World, keeper: Keeper, isAsked: boolean): void => {
  agentsCall(world, 1n, 40n);
  if (isAsked) world.messages.withFates(ANSWERS_ASLEEP, () => void world.recalls.round(keeper));
  for (const each of isAsked ? [] : world.keepers) {
    const issued = Object.keys(each.state().tree.shares) as Hex[];
    world.messages.withFates(ASLEEP, () => world.recalls.giveUp(each, issued));
  }
};

/** All accounts request more and restart. A late reply may then refer to state that they have lost. */
const wake = (world: World): void => {
  agentsCall(world, 1n);
  world.messages.withFates(ASLEEP, () => agentsCall(world, 12n));
  world.messages.deliverAll();
  agentsCall(world, 13n);
};

/** Sequences that random steps rarely form. At most one of them ends each run. */
export const MISHAPS: readonly ((world: World, keeper: Keeper) => void)[] = [
  freeze,
  lower,
  (world, keeper) => giveBack(world, keeper, true),
  (world, keeper) => giveBack(world, keeper, false),
  wake,
  // Children prune ended grants even if they do not know that their parents have received the last totals.
  (world) => world.wait(4_000, true),
  () => undefined,
];
