import type {
  CommandFault,
  CommandFieldFault,
} from '../../../src/protocol/account/command-verdict.ts';
import type {
  AccountCommand,
  CommandIntent,
  CommandSigner,
} from '../../../src/protocol/account/command.ts';
import type { Context } from '../decision.ts';
import { type AccountState, hasPaid } from '../state.ts';
import { ancestorsOf, exists, hasParent, relationTo } from '../tree/ancestors.ts';

/** A command that carries the signed intent of its sender. */
export type SignedCommand = Extract<AccountCommand, { readonly intent: CommandIntent }>;

/**
 * How many commands the account remembers: more than any account sends in five minutes, and few enough to count. Law 12: fewer for unpaid
 * accounts.
 */
const MAX_COMMANDS = 1_000;
const MAX_UNPAID = 100;

/**
 * How many commands the account may remember before this sender's is refused. Higher ancestors have capacity that lower accounts cannot
 * fill, and operators are never refused: the account that a command stops must not be able to block it.
 */
export const capacityFor = (state: AccountState, by: CommandSigner | undefined): number =>
  by?.role === 'owner'
    ? (hasPaid(state) ? MAX_COMMANDS : MAX_UNPAID) * (2 + ancestorsOf(state).indexOf(by.account))
    : Infinity;

/** Returns why this sender may not give a command. A command without `by` comes from the gateway itself. */
export const refusalOf = (
  state: AccountState,
  command: SignedCommand,
  { now }: Pick<Context, 'now'>,
): CommandFault | CommandFieldFault | undefined => {
  const { by } = command;
  if (by === undefined) return undefined;
  const forbidden = { reason: 'forbidden' } as const;
  if (by.role === 'operator') return isOperators(command) ? undefined : forbidden;
  if (!isOwners(command)) return forbidden;
  switch (relationTo(state, by.account, now)) {
    case 'ancestor':
      return undefined;
    case 'self':
      if (hasParent(state)) return forbidden;
      // Law 12: anyone can sign for a key of their own.
      return exists(state) ? undefined : { reason: 'penniless', field: 'account' };
    case 'none':
      return forbidden;
  }
};

const isOperators = (command: SignedCommand): boolean =>
  command.kind === 'policy' ? command.slot === 'operator' : command.kind !== 'default';

const isOwners = (command: SignedCommand): boolean => {
  switch (command.kind) {
    case 'status':
    case 'default':
    case 'label':
    case 'erase':
    case 'approval':
      return true;
    case 'policy':
      return command.slot === 'owner';
    case 'document':
      return command.type === 'webhook';
    case 'redrive':
    case 'writeOff':
    case 'resolve':
    case 'refundCall':
    case 'deadLetter':
    case 'adjust':
    case 'refund':
      return false;
    default:
      command satisfies never;
      return false;
  }
};
