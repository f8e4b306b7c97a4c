import type { Hex } from '../../../src/core/hex.ts';
import { setPolicy } from './account-policy.ts';
import { type Charge, type Payer, withinBudget } from './command-budget.ts';
import { setStatus } from './account-status.ts';
import { takeAlert } from '../log/alerts.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { putDocument } from './documents.ts';
import type { Hear } from './enrolment.ts';
import { receive, recordRefund } from './credit.ts';
import { adjust } from './adjust.ts';
import { accept, issue } from './issue.ts';
import { setLabel } from './label.ts';
import { noteLetter } from './dead-letter.ts';
import type { Memory } from '../memory.ts';
import { evidenceOf, once, type Ordered, refusalOf, roomOf } from './ordered.ts';
import { documentHash, mismatch } from './precondition.ts';
import type { CallRecord } from '../call/record.ts';
import { revoke } from './revoke.ts';
import type { AccountState } from '../state.ts';
import { take } from './take.ts';
import { changedTree, done, refused } from './tree-change.ts';
import type { Applied } from '../../../src/protocol/account/applied.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { redrive, writeOff } from './payment-command.ts';
import { resolve } from './resolve.ts';

/** The account's calls, as far as orders concern them. */
export type Calls = {
  readonly load: (id: Hex) => CallRecord | undefined;
  readonly live: Memory['live'];
};

/** What other accounts were asked for this order. */
export type Known = { readonly hasHeard?: boolean; readonly isCharged?: boolean };

const NO_CALLS: Calls = { load: () => undefined, live: new Map() };

/**
 * Takes an order that concerns the account's place in a tree, or what its operator and its owner have a say in. Pure, and idempotent:
 * each may come twice.
 *
 * @param known which other accounts were asked just now. An order that needs their word, or their budget, asks for it when all else
 * is right.
 */
export const apply = (
  state: AccountState,
  order: AccountCommand,
  context: Context,
  known: Known = {},
  calls: Calls = NO_CALLS,
): Decision<Applied | Hear | Charge> => {
  const decision = decide(state, order, context, known, calls);
  const payer = decision.durable ? payerOf(state, order) : undefined;
  return payer === undefined
    ? decision
    : withinBudget(state, decision, { ...payer, paid: known.isCharged === true }, context);
};

/** Who pays for a command. An operator pays for D1 itself, so nothing limits what operators order. */
const payerOf = (state: AccountState, order: AccountCommand): Omit<Payer, 'paid'> | undefined => {
  if (order.kind === 'issue') {
    return { account: state.account, budget: 'grant', id: order.grant.hash };
  }
  // Whoever cuts off a leaked key must not find the day used up by policies.
  if (order.kind === 'revoke') return { account: state.account, budget: 'stop', id: order.hash };
  // The issuer of a grant has paid for its entries, once. Between two parents a holder can move as often as it signs.
  if (order.kind === 'take' && state.held.some(({ grant }) => grant.hash === order.grant.hash)) {
    return { account: state.account, budget: 'own', id: order.consent.call };
  }
  // An alert is no command, and credit comes from an account that has paid for it.
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
  { hasHeard = false }: Known,
  calls: Calls,
): Decision<Applied | Hear> => {
  const ordered = (given: Ordered, decide: () => Decision<Applied>): Decision<Applied> => {
    const fault = refusalOf(state, given);
    if (fault !== undefined) return refused(state, fault);
    // What changes nothing may be asked again.
    if (given.kind === 'policy' && given.dryRun === true) return decide();
    return once(state, given.order, context, decide, roomOf(state, given.by));
  };
  switch (order.kind) {
    case 'issue':
      return issue(state, order, context, hasHeard);
    case 'accept':
      return accept(state, order, context, hasHeard);
    case 'take':
      return take(state, order, context, hasHeard);
    case 'revoke':
      return revoke(state, order, context);
    case 'status':
      return ordered(order, () => setStatus(state, order, context));
    case 'policy':
      return ordered(order, () => setPolicy(state, order, context, runningIn(calls)));
    case 'default':
      return ordered(order, () => setDefault(state, order, context));
    case 'label':
      return ordered(order, () => setLabel(state, order, context));
    case 'document':
      return ordered(order, () => putDocument(state, order, context));
    case 'redrive':
      return ordered(order, () => redrive(state, calls.load(order.call), order, context));
    case 'writeOff':
      return ordered(order, () => writeOff(state, calls.load(order.call), order, context));
    case 'resolve':
      return ordered(order, () => resolve(state, calls.load(order.call), order, context));
    case 'deadLetter':
      return ordered(order, () => noteLetter(state, order, context));
    case 'alert':
      return takeAlert(state, order, context);
    case 'credit':
      return receive(state, order, context);
    case 'refund':
      return recordRefund(state, order, context);
    case 'adjust':
      return ordered(order, () => adjust(state, order, context));
    // A newer Worker may know kinds that this object does not.
    default:
      return unchanged(state, UNAVAILABLE);
  }
};

const UNAVAILABLE: Applied = { verdict: 'unavailable' };

/** Calls that run now; from storage, because memory does not keep what they were accepted for. */
const runningIn = ({ live, load }: Calls): readonly CallRecord[] =>
  [...live].flatMap(([id, { record }]) => {
    const running = record.state === 'held' ? load(id) : undefined;
    return running?.state === 'held' ? [running] : [];
  });

const setDefault = (
  state: AccountState,
  { grant, by, expected, order }: Extract<AccountCommand, { readonly kind: 'default' }>,
  context: Context,
): Decision<Applied> => {
  const known = state.held.find((each) => each.grant.hash === grant);
  if (known?.status !== 'active') {
    return refused(state, { reason: 'unknown_grant', field: 'grant' });
  }
  const { defaultGrant } = state.tree;
  const fault = mismatch(expected, defaultGrant && documentHash({ grant: defaultGrant }));
  if (fault !== undefined) return refused(state, fault);
  const more = { current: documentHash({ grant }) };
  if (defaultGrant === grant) return done(state, false, more);
  const evidence = { ...evidenceOf(order, by), grant };
  return changedTree(
    state,
    { defaultGrant: grant },
    { type: 'grant.default', evidence },
    context,
    more,
  );
};
