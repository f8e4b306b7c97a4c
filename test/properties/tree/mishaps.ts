import type { Hex } from '../../../src/core/hex.ts';
import { always } from './fate.ts';
import type { Keeper } from './keeper.ts';
import type { Limits } from './limits.ts';
import type { World } from './world.ts';

const LOST = always('lost');
const ASLEEP = always('asleep');
const ANSWERS_ASLEEP = always('now', 'asleep');

/** The last ones, who are below the others. */
export const agentsCall = ({ keepers, calls }: World, price: bigint, appetite = 0n): void => {
  for (const keeper of keepers.slice(-3)) {
    calls.make(keeper, { price, authority: undefined, keep: false, appetite });
  }
};

/** The limits of one are lowered, and nobody hears of it: a minute later all go by them, whatever they still have. */
const lower = (world: World, keeper: Keeper): void => {
  const { policies } = world.reference.words.current(keeper.account);
  agentsCall(world, 1n, 40n);
  for (const [slot, { counters }] of Object.entries(policies)) {
    const lowered = Object.entries(counters).map(([name, limit]) => [name, limit / 3n + 1n]);
    world.post.withFates(LOST, () =>
      world.orders.policy(keeper, slot as 'operator' | 'owner', {
        counters: Object.fromEntries(lowered) as Limits['counters'],
      }),
    );
  }
  world.calls.finishAll((at) => (at % 3 === 0 ? 'success' : 'failure'));
  world.wait(60, false);
  for (const price of [5n, 2n]) agentsCall(world, price);
};

/** One is frozen, and what was said before arrives afterwards: nobody who has acknowledged that may go by it. */
const freeze = (world: World, keeper: Keeper): void => {
  if (!world.reference.words.current(keeper.account).active) return;
  world.orders.status(keeper, 'frozen');
  world.post.deliverAll();
  agentsCall(world, 1n);
};

/** Everybody gives back what it has, to one above or to all, and restarts before that is heard: what was told must not be forgotten. */
const giveBack = (world: World, keeper: Keeper, isAsked: boolean): void => {
  agentsCall(world, 1n, 40n);
  if (isAsked) world.post.withFates(ANSWERS_ASLEEP, () => void world.recalls.round(keeper));
  for (const each of isAsked ? [] : world.keepers) {
    const books = Object.keys(each.state().tree.shares) as Hex[];
    world.post.withFates(ASLEEP, () => world.recalls.giveUp(each, books));
  }
};

/** Everybody asks for more and restarts: a late reply may take for known what is forgotten by then. */
const wake = (world: World): void => {
  agentsCall(world, 1n);
  world.post.withFates(ASLEEP, () => agentsCall(world, 12n));
  world.post.deliverAll();
  agentsCall(world, 13n);
};

/** What chance would bring together too rarely, one of them at the end of each sequence, or none. */
export const MISHAPS: readonly ((world: World, keeper: Keeper) => void)[] = [
  freeze,
  lower,
  (world, keeper) => giveBack(world, keeper, true),
  (world, keeper) => giveBack(world, keeper, false),
  wake,
  // Grants that have ended are forgotten, by those who never heard whether what they spent is known.
  (world) => world.wait(4_000, true),
  () => undefined,
];
