import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { isDurable } from '../../store/decision.ts';
import { type CallRecord, loadCall } from '../call/call-record.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { takeAlert } from '../log/alerts.ts';
import type { Memory } from '../memory.ts';
import type { AccountState } from '../state.ts';
import { setPolicy } from './account-policy.ts';
import { setStatus } from './account-status.ts';
import { once } from './applied-command.ts';
import {
  type AskAncestors,
  changedTree,
  commandEvidence,
  done,
  refused,
} from './command-answer.ts';
import { type Charge, type Payer, withinBudget } from './command-budget.ts';
import { adjust, receive, recordRefund } from './credit.ts';
import { accept, issue } from './issue.ts';
import { setLabel } from './label.ts';
import { noteDeadLetter, redrive, resolve, writeOff } from './payment-command.ts';
import { capacityFor, refusalOf, type SignedCommand } from './permission.ts';
import { documentHash, mismatch } from './precondition.ts';
import { putDocument } from './put-document.ts';
import { revoke } from './revoke.ts';
import { take } from './take.ts';

/** The answers of other accounts that this command needed. */
export type Known = { readonly hasAsked?: boolean; readonly isCharged?: boolean };

/**
 * Decides a command. Pure, and idempotent: each command may arrive twice.
 *
 * @param known the other accounts that have just answered. A command that needs their status or their budget requests it once everything
 * else is valid.
 */
export const apply = (
  state: AccountState,
  order: AccountCommand,
  context: Context,
  known: Known = {},
  live: Memory['live'] = new Map(),
): Decision<CommandVerdict | AskAncestors | Charge> => {
  const decision = decide(state, order, context, known, live);
  const payer = isDurable(decision) ? payerOf(state, order) : undefined;
  return payer === undefined
    ? decision
    : withinBudget(state, decision, { ...payer, paid: known.isCharged === true }, context);
};

/** The account whose budget pays for a command. An operator pays for D1, so nothing limits operators. */
const payerOf = (state: AccountState, order: AccountCommand): Omit<Payer, 'paid'> | undefined => {
  if (order.kind === 'issue') {
    return { account: state.account, budget: 'grant', id: order.grant.hash };
  }
  // Stopping has a budget of its own, so that a leaked key can be cut off on a day whose budget policies have used up.
  if (order.kind === 'revoke') return { account: state.account, budget: 'stop', id: order.hash };
  // The issuer has paid once for the entries of a grant. A holder that moves between two parents pays for each move.
  if (order.kind === 'take' && state.held.some(({ grant }) => grant.hash === order.grant.hash)) {
    return { account: state.account, budget: 'own', id: order.consent.call };
  }
  // An alert is not a command, and an account has paid for the credit that it sends.
  if (!('order' in order)) return undefined;
  const { by, order: signed } = order;
  if (by?.role !== 'owner' || signed.digest === undefined) return undefined;
  const stops = order.kind === 'status' && order.status !== 'active';
  return { account: by.account, budget: stops ? 'stop' : 'own', id: signed.digest };
};

const decide = (
  state: AccountState,
  order: AccountCommand,
  context: Context,
  { hasAsked = false }: Known,
  live: Memory['live'],
): Decision<CommandVerdict | AskAncestors> => {
  const ordered = (
    given: SignedCommand,
    decide: () => Decision<CommandVerdict>,
  ): Decision<CommandVerdict> => {
    const fault = refusalOf(state, given);
    if (fault !== undefined) return refused(state, fault);
    // A dry run may be repeated.
    if (given.kind === 'policy' && given.dryRun === true) return decide();
    return once(state, given.order, context, decide, capacityFor(state, given.by));
  };
  switch (order.kind) {
    case 'issue':
      return issue(state, order, context, hasAsked);
    case 'accept':
      return accept(state, order, context, hasAsked);
    case 'take':
      return take(state, order, context, hasAsked);
    case 'revoke':
      return revoke(state, order, context);
    case 'status':
      return ordered(order, () => setStatus(state, order, context));
    case 'policy':
      return ordered(order, () => setPolicy(state, order, context, runningIn(live, context)));
    case 'default':
      return ordered(order, () => setDefault(state, order, context));
    case 'label':
      return ordered(order, () => setLabel(state, order, context));
    case 'document':
      return ordered(order, () => putDocument(state, order, context));
    case 'redrive':
      return ordered(order, () =>
        redrive(state, loadCall(context.read, order.call), order, context),
      );
    case 'writeOff':
      return ordered(order, () =>
        writeOff(state, loadCall(context.read, order.call), order, context),
      );
    case 'resolve':
      return ordered(order, () =>
        resolve(state, loadCall(context.read, order.call), order, context),
      );
    case 'deadLetter':
      return ordered(order, () => noteDeadLetter(state, order, context));
    case 'alert':
      return takeAlert(state, order, context);
    case 'credit':
      return receive(state, order, context);
    case 'refund':
      return recordRefund(state, order, context);
    case 'adjust':
      return ordered(order, () => adjust(state, order, context));
    default:
      // During a deploy a newer Worker may send a kind that this release does not know. A throw would reject the whole group.
      order satisfies never;
      return unchanged(state, { verdict: 'unavailable' });
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
  { grant, by, expected, order }: Extract<AccountCommand, { readonly kind: 'default' }>,
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
  const evidence = { ...commandEvidence(order, by), grant };
  return changedTree(
    state,
    { defaultGrant: grant },
    { type: 'grant.default', evidence },
    context,
    more,
  );
};
