import { entryText } from '../../../src/audit/entry.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { utf8 } from '../../../src/crypto/bytes.ts';
import { admit, type Rate } from '../../../src/policy/rules/rate.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type {
  BudgetFault,
  CountedCommand,
  CommandCost,
} from '../../../src/protocol/account/command-budget.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import { type Context, type Decision, stored, unstored } from '../decision.ts';
import { type AccountState, hasPaid } from '../state.ts';
import { ancestorsOf, hasParent } from '../tree/ancestors.ts';
import type { CommandCount } from '../tree/tree.ts';
import type { AskAncestors } from './command-answer.ts';

/**
 * The budgets of an account's commands: `own` for those it signs, of which `grant` (grants) and `stop` (commands that only stop an account)
 * count apart; `descendants` for all that its descendants sign; `approval` for their calls that wait for a person; `session` for ends of
 * its sessions, counted in bytes of the stored rows.
 */
export type CommandBudget = CommandCost['budget'];

const DAY: Seconds = 86_400;

/** Two a second, so that the commands remembered for the life of an intent stay below `MAX_COMMANDS`. */
const RATES: Readonly<Record<CommandBudget, Rate>> = {
  own: { limit: 120, seconds: 60 },
  grant: { limit: 2_000, seconds: 60 },
  stop: { limit: 240, seconds: 60 },
  descendants: { limit: 360, seconds: 60 },
  approval: { limit: 60, seconds: 3_600 },
  session: { limit: 60, seconds: 60 },
};

/** Bytes a day, in quarters of `COMMAND_BYTES_PER_DAY`. */
const QUARTERS: Readonly<Record<CommandBudget, number>> = {
  ...{ own: 4, grant: 16, stop: 2, descendants: 12, approval: 2, session: 1 },
};

/** An account that has never paid here gets this fraction: keys are free, and many keys can present the same dollar. */
const UNPAID_PART = 8;

const NOTHING: CommandCount = { arrival: 0, day: 0, bytes: 0 };

type Budget = Pick<Context, 'now' | 'commandBytes'>;

const bytesADay = (
  state: AccountState,
  budget: CommandBudget,
  { commandBytes }: Budget,
): number => {
  const most = (commandBytes * QUARTERS[budget]) / 4;
  return Math.floor(hasPaid(state) ? most : most / UNPAID_PART);
};

/**
 * Counts one command against a budget of this account, or returns the limit that refuses it. Pure: it runs inside the decision that
 * applies the command, so concurrent commands cannot share the last bytes.
 */
export const spendBudget = (
  state: AccountState,
  budget: CommandBudget,
  bytes: number,
  context: Budget,
): { readonly state: AccountState } | { readonly fault: BudgetFault } => {
  const { account, tree } = state;
  const { now } = context;
  const known = tree.commands?.[budget] ?? NOTHING;
  const rate = RATES[budget];
  const paced = admit(rate, known.arrival, now);
  const day = Math.max(known.day, now - (now % DAY));
  const used = known.day === day ? known.bytes : 0;
  const limit = bytesADay(state, budget, context);
  const refuse = (rule: BudgetFault['rule'], most: number, window: Seconds, wait: Seconds) => ({
    fault: {
      ...({ reason: 'too_many_commands', rule, account, limit: most, window } as const),
      ...{ retryAfter: wait, resetsAt: now + wait },
    },
  });
  // Check the day first: otherwise a sender would wait for the rate and only then learn that the day's budget is used up.
  if (used + bytes > limit) return refuse('command_bytes', limit, DAY, day + DAY - now);
  if (!paced.admitted) return refuse('command_rate', rate.limit, rate.seconds, paced.retryAfter);
  const count = { arrival: paced.arrival, day, bytes: used + bytes };
  return {
    state: { ...state, tree: { ...tree, commands: { ...tree.commands, [budget]: count } } },
  };
};

/** Bytes that a decision adds to the log by itself, as exported. */
export const loggedBytes = ({ entries }: Pick<Decision<unknown>, 'entries'>): number =>
  entries.reduce((sum, entry) => sum + utf8(entryText(entry)).byteLength + 1, 0);

/** The root of the account's tree; undefined for the root itself. */
export const rootOf = (state: AccountState): AccountId | undefined =>
  hasParent(state) ? ancestorsOf(state).at(-1) : undefined;

/** Another account has to pay for a command first. */
export type CountRequest = CommandCost & { readonly verdict: 'count'; readonly to: AccountId };

/** The signer of a command, and whether the other payer has counted it. */
export type Payer = {
  readonly account: AccountId;
  readonly budget: Exclude<CommandBudget, 'descendants' | 'approval' | 'session'>;
  readonly id: Hex;
  readonly isCounted: boolean;
};

/**
 * Lets a decision pass once its command is paid for, by the signer and by the root of its tree. A refused command writes nothing, not
 * even its intent, so the same one may be sent again later.
 */
export const withinBudget = (
  before: AccountState,
  decision: Decision<CommandVerdict | AskAncestors>,
  { account, budget, id, isCounted }: Payer,
  context: Budget,
): Decision<CommandVerdict | AskAncestors | CountRequest> => {
  const bytes = loggedBytes(decision);
  const ask = (to: AccountId, of: CommandBudget): Decision<CountRequest> =>
    unstored(before, { verdict: 'count', to, budget: of, bytes, id });
  if (account !== before.account) return isCounted ? decision : ask(account, budget);
  const spent = spendBudget(decision.state, budget, bytes, context);
  if ('fault' in spent) return unstored(before, { verdict: 'refused', fault: spent.fault });
  const root = budget === 'stop' ? undefined : rootOf(before);
  return root === undefined || isCounted
    ? { ...decision, state: spent.state }
    : ask(root, 'descendants');
};

/** Charges for a command that this account or a descendant signed and another account of the tree applies. */
export const countHere = (
  state: AccountState,
  { budget, bytes, id }: CommandCost,
  context: Budget,
  isCounted: boolean,
): Decision<CountedCommand | CountRequest> => {
  const spent = spendBudget(state, budget, bytes, context);
  if ('fault' in spent) return unstored(state, { verdict: 'refused', fault: spent.fault });
  const root = budget === 'own' && !isCounted ? rootOf(state) : undefined;
  if (root !== undefined) {
    return unstored(state, { verdict: 'count', to: root, budget: 'descendants', bytes, id });
  }
  return stored(spent.state, { verdict: 'counted' });
};
