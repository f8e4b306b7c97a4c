import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { CountedCommand, CommandCost } from '../../../src/protocol/account/command-budget.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { AgentAccountRpc } from '../../../src/protocol/account/rpc.ts';
import { isDurable } from '../../store/decision.ts';
import { unstored } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import { issuedById } from '../tree/grants.ts';
import type { Recalls } from '../tree/recalls.ts';
import { apply, type Known } from './apply.ts';
import type { AskAncestors } from './command-answer.ts';
import { type CountRequest, countHere } from './command-budget.ts';

/** How many charges to remember: more than the rates allow while copies of one command are in flight. */
const MAX_COUNTED = 1_000;

type Pushed = Awaited<ReturnType<Recalls['push']>>;

const UNAVAILABLE = { verdict: 'unavailable' } as const;

/** The commands of an account: it decides them, counts them in the budget of their signer's account, and pushes them to descendants. */
export type Commands = {
  /**
   * Applies a command, and notifies descendants that may decide for this account. A descendant that acknowledged admits nothing against
   * the command any more; the others stop when their leases expire.
   */
  apply(command: AccountCommand): Promise<CommandVerdict>;
  /** Counts a command that another account of the tree carries out. A repeated command, recognised by its id, counts once. */
  countCommand(cost: CommandCost): Promise<CountedCommand>;
};

export const openCommands = (
  ledger: Ledger,
  recalls: Recalls,
  peers: (account: AccountId) => Pick<AgentAccountRpc, 'countCommand'>,
  checkAncestors: () => Promise<boolean>,
): Commands => {
  const counted = new Set<string>();

  const countAt = async ({ to, budget, bytes, id }: CountRequest): Promise<CountedCommand> => {
    try {
      return await peers(to).countCommand({ budget, bytes, id });
    } catch (cause) {
      console.error({ event: 'count_failed', account: to, cause: String(cause) });
      return UNAVAILABLE;
    }
  };

  /** Copies of one signed command can arrive at once, before any of them is carried out. */
  const noteCounted = (key: string): void => {
    counted.add(key);
    const [oldest] = counted;
    if (counted.size > MAX_COUNTED && oldest !== undefined) counted.delete(oldest);
  };

  /** Notifies descendants of a change that affects their decisions. Other commands change nothing for them. */
  const push = async (command: AccountCommand): Promise<Partial<Pushed>> => {
    if (command.kind === 'revoke') {
      const { id, epoch } = command.revocation;
      // A holder that gives up its own grant ends it for every descendant whose grants depend on it.
      const issued = epoch === 0n ? issuedById(ledger.disk(), id) : undefined;
      return recalls.push(issued && [issued.grant.hash]);
    }
    const isPolicy = command.kind === 'policy' && command.dryRun !== true;
    return isPolicy || command.kind === 'status' ? recalls.push(undefined) : {};
  };

  /** Removes what was erased from the rows of the object. Also for a repeated command: the first one may have failed here. */
  const compact = () =>
    ledger.submit<{ readonly verdict: 'ok' | 'unavailable' }>((state, { now }) => {
      ledger.disk().compact({ now, exported: state.exported });
      return unstored(state, { verdict: 'ok' });
    }, UNAVAILABLE);

  return {
    async apply(command) {
      const decide = (known: Known) =>
        ledger.submit<CommandVerdict | AskAncestors | CountRequest>(
          (state, context, { live }) => apply(state, command, context, known, live),
          UNAVAILABLE,
        );
      let known: Known = {};
      let verdict = await decide(known);
      while (verdict.verdict === 'ask_ancestors' || verdict.verdict === 'count') {
        if (verdict.verdict === 'ask_ancestors') {
          if (known.hasAsked === true || !(await checkAncestors())) return UNAVAILABLE;
          known = { ...known, hasAsked: true };
        } else {
          if (known.isCounted === true) return UNAVAILABLE;
          const reply = await countAt(verdict);
          if (reply.verdict !== 'counted') return reply;
          known = { ...known, isCounted: true };
        }
        // CWE-367: everything may have changed during the wait, so the command is decided again from the beginning.
        verdict = await decide(known);
      }
      if (command.kind === 'erase' && verdict.verdict === 'applied') await compact();
      return verdict.verdict === 'applied' ? { ...verdict, ...(await push(command)) } : verdict;
    },

    async countCommand(cost) {
      const key = `${cost.budget} ${cost.id}`;
      const decide = (isCounted: boolean) =>
        ledger.submit<CountedCommand | CountRequest>((state, context) => {
          if (counted.has(key)) return unstored(state, { verdict: 'counted' });
          const decision = countHere(state, cost, context, isCounted);
          if (isDurable(decision)) noteCounted(key);
          return decision;
        }, UNAVAILABLE);
      const verdict = await decide(false);
      if (verdict.verdict !== 'count') return verdict;
      const root = await countAt(verdict);
      if (root.verdict !== 'counted') return root;
      const own = await decide(true);
      return own.verdict === 'count' ? UNAVAILABLE : own;
    },
  };
};
