import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { isDurable } from '../../store/decision.ts';
import type { CallRecord } from '../call/call-record.ts';
import { loadCall } from '../call/stored-call.ts';
import { type Context, type Decision, unstored } from '../decision.ts';
import { takeAlert } from '../log/alerts.ts';
import type { Memory } from '../memory.ts';
import type { AccountState } from '../state.ts';
import { setPolicy } from './account-policy.ts';
import { decideApproval } from './approval.ts';
import { setStatus } from './account-status.ts';
import { once } from './applied-command.ts';
import {
  type AskAncestors,
  changedTree,
  commandEvidence,
  done,
  refused,
} from './command-answer.ts';
import { type CountRequest, type Payer, withinBudget } from './command-budget.ts';
import { adjust, receive, recordRefund } from './credit.ts';
import { erase } from './erase.ts';
import { accept, issue } from './issue.ts';
import { setLabel } from './label.ts';
import { concludeCard } from './conclude-card.ts';
import { noteDeadLetter, redrive, resolve, writeOff } from './payment-command.ts';
import { capacityFor, refusalOf, type SignedCommand } from './permission.ts';
import { documentHash, mismatch } from './precondition.ts';
import { publish } from './publish.ts';
import { putDocument } from './put-document.ts';
import { recordArchived } from './record-archived.ts';
import { recordScreening } from './record-screening.ts';
import { recover } from './recover.ts';
import { refundCall } from './refund-call.ts';
import { revoke } from './revoke.ts';
import { take } from './take.ts';

/** The answers of other accounts that this command needed. */
export type Known = { readonly hasAsked?: boolean; readonly isCounted?: boolean };

/**
 * Decides a command. Pure, and idempotent: each command may arrive twice.
 *
 * @param known the answers of other accounts. A command that needs their status or budget requests it once everything else is valid.
 */
export const apply = (
  state: AccountState,
  command: AccountCommand,
  context: Context,
  known: Known = {},
  live: Memory['live'] = new Map(),
): Decision<CommandVerdict | AskAncestors | CountRequest> => {
  const decision = decide(state, command, context, known, live);
  const payer = isDurable(decision) ? payerOf(state, command) : undefined;
  return payer === undefined
    ? decision
    : withinBudget(state, decision, { ...payer, isCounted: known.isCounted === true }, context);
};

/** The account whose budget pays for a command. An operator pays for D1, so nothing limits operators. */
const payerOf = (
  state: AccountState,
  command: AccountCommand,
): Omit<Payer, 'isCounted'> | undefined => {
  if (command.kind === 'issue') {
    return { account: state.account, budget: 'grant', id: command.grant.hash };
  }
  // Stopping has a budget of its own, so that a leaked key can be cut off on a day whose budget policies have used up.
  if (command.kind === 'revoke')
    return { account: state.account, budget: 'stop', id: command.hash };
  // The issuer has paid once for the entries of a grant. A holder that moves back and forth between two parents pays for each move.
  if (
    command.kind === 'take' &&
    state.held.some(({ grant }) => grant.hash === command.grant.hash)
  ) {
    return { account: state.account, budget: 'own', id: command.consent.id };
  }
  // Alerts are not commands, and credit that another account sends is already paid for.
  if (!('intent' in command)) return undefined;
  const { by, intent } = command;
  if (by?.role !== 'owner' || intent.digest === undefined) return undefined;
  const stops = command.kind === 'status' && command.status !== 'active';
  return { account: by.account, budget: stops ? 'stop' : 'own', id: intent.digest };
};

const decide = (
  state: AccountState,
  command: AccountCommand,
  context: Context,
  { hasAsked = false }: Known,
  live: Memory['live'],
): Decision<CommandVerdict | AskAncestors> => {
  const allowed = (
    given: SignedCommand,
    decide: () => Decision<CommandVerdict>,
  ): Decision<CommandVerdict> => {
    const fault = refusalOf(state, given, context);
    if (fault !== undefined) return refused(state, fault);
    // A dry run may be repeated.
    if ('dryRun' in given && given.dryRun === true) return decide();
    return once(state, given.intent, context, decide, capacityFor(state, given.by));
  };
  switch (command.kind) {
    case 'issue':
      return issue(state, command, context, hasAsked);
    case 'accept':
      return accept(state, command, context, hasAsked);
    case 'take':
      return take(state, command, context, hasAsked);
    case 'revoke':
      return revoke(state, command, context);
    case 'status':
      return allowed(command, () => setStatus(state, command, context));
    case 'policy':
      return allowed(command, () => setPolicy(state, command, context, runningIn(live, context)));
    case 'default':
      return allowed(command, () => setDefault(state, command, context));
    case 'label':
      return allowed(command, () => setLabel(state, command, context));
    case 'erase':
      return allowed(command, () => erase(state, command, context, live));
    case 'document':
      return allowed(command, () => putDocument(state, command, context));
    case 'redrive':
      return allowed(command, () =>
        redrive(state, loadCall(context.read, command.call), command, context),
      );
    case 'writeOff':
      return allowed(command, () =>
        writeOff(state, loadCall(context.read, command.call), command, context),
      );
    case 'resolve':
      return allowed(command, () =>
        resolve(state, loadCall(context.read, command.call), command, context),
      );
    case 'approval':
      return allowed(command, () =>
        decideApproval(state, loadCall(context.read, command.call), command, context),
      );
    case 'concludeCard':
      return concludeCard(state, loadCall(context.read, command.call), command, context);
    case 'refundCall':
      return allowed(command, () =>
        refundCall(state, loadCall(context.read, command.call), command, context),
      );
    case 'deadLetter':
      return allowed(command, () => noteDeadLetter(state, command, context));
    case 'publish':
      return publish(state, command, context);
    case 'alert':
      return takeAlert(state, command, context);
    case 'screened':
      return recordScreening(state, command, context);
    case 'recover':
      return recover(state, command, context);
    case 'archived':
      return recordArchived(state, command, context);
    case 'credit':
      return receive(state, command, context);
    case 'refund':
      return recordRefund(state, command, context);
    case 'adjust':
      return allowed(command, () => adjust(state, command, context));
    default:
      // During a deploy a newer Worker may send a kind of command that this release does not know. Throwing would reject the whole group.
      command satisfies never;
      return unstored(state, { verdict: 'unavailable' });
  }
};

/** Running calls, from storage: memory does not keep their tools and requests. */
const runningIn = (live: Memory['live'], { read }: Context): readonly CallRecord[] =>
  [...live].flatMap(([id, { record }]) => {
    const running = record.state === 'held' ? loadCall(read, id) : undefined;
    return running?.state === 'held' ? [running] : [];
  });

const setDefault = (
  state: AccountState,
  { grant, by, expected, intent }: Extract<AccountCommand, { readonly kind: 'default' }>,
  context: Context,
): Decision<CommandVerdict> => {
  const known = state.held.find((each) => each.grant.hash === grant);
  if (known?.status !== 'active') {
    return refused(state, { reason: 'unknown_grant', field: 'grant' });
  }
  const { defaultGrant } = state.tree;
  const fault = mismatch(expected, defaultGrant && documentHash({ grant: defaultGrant }));
  if (fault !== undefined) return refused(state, fault);
  const more = { current: documentHash({ grant }) };
  if (defaultGrant === grant) return done(state, false, more);
  const evidence = { ...commandEvidence(intent, by), grant };
  return changedTree(
    state,
    { defaultGrant: grant },
    { type: 'grant.default', evidence },
    context,
    more,
  );
};
