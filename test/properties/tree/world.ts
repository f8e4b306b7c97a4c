import type { Hex } from '../../../src/core/hex.ts';
import { idleBranches } from '../../../durable-objects/account/tree/return-shares.ts';
import { checkBooks } from './balance.ts';
import { openCalls } from './calls.ts';
import { openCommands } from './commands.ts';
import { openGrants } from './grants.ts';
import { type Keeper, openKeeper } from './keeper.ts';
import { openLeases } from './leases.ts';
import { openMessages } from './messages.ts';
import type { Participants } from './participants.ts';
import type { Plan } from './plan.ts';
import { openRecalls } from './recalls.ts';
import { openReference } from './reference.ts';
import type { Member, Step } from './steps.ts';
import type { Wish } from './wish.ts';

/** How deep steps may nest while messages are on their way. */
const MAX_BETWEEN = 3;

/** Simulates a tree of accounts with the accounts' own pure decisions. */
export const openWorld = (plan: Plan, steps: readonly Step[], note: (event: string) => void) => {
  const queue = [...steps];
  const clock = { now: plan.start };
  const keepers = plan.members.map((_, index) => openKeeper(index, clock));
  let between = 0;
  const meanwhile = (): void => {
    if (between >= MAX_BETWEEN) return;
    between += 1;
    next();
    between -= 1;
  };
  const reference = openReference();
  let last: Keeper = keepers.at(-1) as Keeper;
  const restart = (keeper: Keeper): void => {
    note('restart');
    keeper.restart();
    reference.statements.forget(keeper.account);
    last = keeper;
  };
  const messages = openMessages(note, meanwhile, restart);
  const participants: Participants = { clock, keepers, messages, reference, note };
  const recalls = openRecalls(participants);
  const leases = openLeases(participants, recalls);
  const commands = openCommands(participants, recalls, leases);
  const grants = openGrants(participants, recalls, commands);
  const calls = openCalls(participants, recalls, leases, grants);

  const keeperAt = (member: Member): Keeper =>
    member === 'same' ? last : (keepers.at(-1 - (member % keepers.length)) as Keeper);

  const found = (): void => {
    for (const [index, member] of plan.members.entries()) {
      const keeper = keepers[index] as Keeper;
      for (const each of member.grants) grants.grant(member.parent ?? 0, index, each, 'with');
      if (member.operator !== undefined) commands.policy(keeper, 'operator', member.operator);
      if (member.owner !== undefined) commands.policy(keeper, 'owner', member.owner);
      if (member.credit > 0n) commands.topUp(keeper, member.credit);
    }
  };

  const wait = (seconds: number, alarms: boolean): void => {
    const before = clock.now;
    clock.now += seconds;
    if (Math.floor(before / 3_600) !== Math.floor(clock.now / 3_600)) note('rollover');
    if (!alarms) return;
    calls.expireAll();
    for (const keeper of keepers) {
      const idle = idleBranches(keeper.state(), clock.now);
      if (idle.length > 0) note('idle');
      recalls.giveUp(keeper, idle);
    }
  };

  /** The smallest remaining amount of the call's limits and of the credit that can pay for it. */
  const restOf = (keeper: Keeper, authority: Hex | undefined): bigint => {
    const chain = grants.all.get(authority ?? grants.held(keeper)[0]?.signed.hash ?? '0x')?.chain;
    const left = reference.left({ account: keeper.account, chain: chain ?? [], at: clock.now });
    const least = left.reduce((all, { remaining }) => (remaining < all ? remaining : all), 60n);
    return least > 0n ? least : 0n;
  };

  const call = (
    of: Member,
    { price, grant, keep, appetite }: Extract<Step, { do: 'call' }>,
  ): void => {
    const keeper = keeperAt(of);
    last = keeper;
    const authority = grant === undefined ? undefined : grants.held(keeper)[grant]?.signed.hash;
    const rest = price === 'rest' ? 0n : 1n;
    const wish: Omit<Wish, 'price'> = { authority, keep, appetite };
    const amount = typeof price === 'bigint' ? price : restOf(keeper, authority) + rest;
    calls.make(keeper, { ...wish, price: amount });
  };

  const take = (step: Step): void => {
    switch (step.do) {
      case 'call':
        return call(step.of, step);
      case 'finish':
        return calls.finish(step.call, step.how);
      case 'resolve':
        return calls.resolve(step.call, step.charge);
      case 'wait':
        return wait(step.seconds, step.alarms);
      case 'idle': {
        const keeper = keeperAt(step.of);
        return recalls.giveUp(keeper, Object.keys(keeper.state().tree.shares) as Hex[]);
      }
      case 'recall':
        return void recalls.round(keeperAt(step.of));
      case 'restart':
        return restart(keeperAt(step.of));
      case 'deliver':
        return messages.deliver(step.which, step.again);
      case 'status': {
        const keeper = keeperAt(step.of);
        const { active } = reference.statements.current(keeper.account);
        return commands.status(keeper, active ? step.status : 'active');
      }
      case 'policy':
        return commands.policy(keeperAt(step.of), step.slot, step.limits);
      case 'revoke':
        return grants.revoke(step.grant, step.by);
      case 'grant':
        return grants.grant(step.from, step.to, step.plan, step.consent);
      case 'repeat':
        return commands.repeat(step.command);
      case 'topUp':
        return commands.topUp(keeperAt(step.of), 20n);
    }
  };

  const next = (): void => {
    const step = queue.shift();
    if (step === undefined) return;
    messages.withFates(step.fates, () => take(step));
    for (const keeper of keepers) checkBooks(keeper, clock.now, grants.isForgotten);
  };

  found();
  return {
    ...participants,
    recalls,
    commands,
    grants,
    calls,
    wait,
    run(): void {
      while (queue.length > 0) next();
    },
  };
};

export type World = ReturnType<typeof openWorld>;
