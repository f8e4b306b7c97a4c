import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand, Status } from '../../../src/protocol/account/command.ts';
import { apply, type Known } from '../../../durable-objects/account/commands/apply.ts';
import { leaseNeeds } from '../../../durable-objects/account/tree/lease-need.ts';
import type { Keeper } from './keeper.ts';
import type { Leases } from './leases.ts';
import type { Limits } from './limits.ts';
import { accountAt, ASSET, hex } from './names.ts';
import type { Participants } from './participants.ts';
import type { Recalls } from './recalls.ts';
import type { Statement } from './statements.ts';

const INTENT = { fields: {}, signature: hex(0x55) };
const BANK = accountAt(90);

const documentOf = ({ perCall, counters: { lifetime, ...windows } }: Limits): object => ({
  ...(perCall === undefined ? {} : { perCall: `${perCall}u` }),
  ...(lifetime === undefined ? {} : { lifetime: `${lifetime}u` }),
  windows: Object.entries(windows).map(([name, limit]) => ({
    every: name.endsWith('s') ? Number(name.slice(0, -1)) : name,
    limit: `${limit}u`,
  })),
});

/** Commands in a tree. The account decides each command and pushes the result to its descendants. A command may arrive twice. */
export const openCommands = (participants: Participants, { push }: Recalls, { sound }: Leases) => {
  const { clock, keepers, reference, note } = participants;
  const given: (() => void)[] = [];
  const credits = keepers.map(() => 0n);

  /** Gives a command to an account. `means` records in the model what the command changes, if it changed anything. */
  const give = (
    keeper: Keeper,
    command: AccountCommand,
    means: () => Partial<Statement>,
    isRepeated = false,
  ): CommandVerdict => {
    const decide = (known: Known) =>
      keeper.decide((state, context) => apply(state, command, context, known));
    // This test does not cover the budget of commands: the root pays for all of them.
    let verdict = decide({ isCounted: true });
    if (verdict.verdict === 'ask_ancestors') {
      const { held: by } = keeper.state();
      sound(
        keeper,
        by.flatMap((each) => leaseNeeds(keeper.state(), each, 0n, clock.now)),
      );
      verdict = decide({ hasAsked: true, isCounted: true });
    }
    if (verdict.verdict === 'ask_ancestors' || verdict.verdict === 'count')
      throw new Error('a command waits for other accounts without end');
    if (verdict.verdict === 'applied' && verdict.changed) {
      if (isRepeated && (command.kind === 'revoke' || command.kind === 'issue')) {
        throw new Error(`a repeated ${command.kind} has changed something`);
      }
      reference.statements.change(keeper.account, means());
    } else note(verdict.verdict === 'refused' ? verdict.fault.reason : `known ${command.kind}`);
    if (!isRepeated) given.push(() => void give(keeper, command, means, true));
    return verdict;
  };

  return {
    give,
    status(keeper: Keeper, status: Status): void {
      const active = status === 'active';
      give(keeper, { kind: 'status', status, intent: INTENT }, () => ({ active }));
      note(status);
      push(keeper);
    },

    policy(keeper: Keeper, slot: 'operator' | 'owner', limits: Limits | undefined): void {
      const document = limits === undefined ? null : documentOf(limits);
      give(keeper, { kind: 'policy', slot, document, intent: INTENT }, () => {
        const { [slot]: _, ...others } = reference.statements.current(keeper.account).policies;
        return { policies: limits === undefined ? others : { ...others, [slot]: limits } };
      });
      push(keeper);
    },

    repeat(index: number): void {
      given[index % Math.max(1, given.length)]?.();
    },

    topUp(keeper: Keeper, amount: bigint): void {
      const total = (credits[keeper.index] ?? 0n) + amount;
      credits[keeper.index] = total;
      reference.topUp(keeper.account, amount);
      keeper.decide((state, context) =>
        apply(state, { kind: 'credit', from: BANK, asset: ASSET, total }, context),
      );
    },
  };
};

export type Commands = ReturnType<typeof openCommands>;
