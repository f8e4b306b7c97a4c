import type { Hex } from '../../src/core/account-id.ts';
import { setPolicy } from './account-policy.ts';
import { setStatus } from './account-status.ts';
import { takeAlert } from './alerts.ts';
import { type Context, type Decision, unchanged } from './decision.ts';
import { putDocument } from './documents.ts';
import { type Hear, issue, take } from './enrolment.ts';
import { setLabel } from './label.ts';
import { noteLetter } from './letter.ts';
import type { Memory } from './memory.ts';
import { evidenceOf, once, type Ordered, refusalOf, roomOf } from './ordered.ts';
import { documentHash, mismatch } from './precondition.ts';
import type { CallRecord } from './record.ts';
import { revoke } from './revoke.ts';
import type { AccountState } from './state.ts';
import { changedTree, done, refused } from './tree-change.ts';
import type { Governed, TreeOrder } from './tree-contract.ts';
import { redrive, writeOff } from './payment-order.ts';
import { resolve } from './resolve.ts';

/** The account's calls, as far as orders concern them. */
export type Calls = {
  readonly load: (id: Hex) => CallRecord | undefined;
  readonly live: Memory['live'];
};

const NO_CALLS: Calls = { load: () => undefined, live: new Map() };

/**
 * Takes an order that concerns the account's place in a tree, or what its operator and its owner have a say in. Pure, and idempotent:
 * each may come twice.
 *
 * @param hasHeard whether those above were asked just now; an order that needs their word asks for it when all else is right.
 */
export const govern = (
  state: AccountState,
  order: TreeOrder,
  context: Context,
  hasHeard = false,
  calls: Calls = NO_CALLS,
): Decision<Governed | Hear> => {
  const ordered = (given: Ordered, decide: () => Decision<Governed>): Decision<Governed> => {
    const fault = refusalOf(state, given);
    if (fault !== undefined) return refused(state, fault);
    // What changes nothing may be asked again.
    if (given.kind === 'policy' && given.dryRun === true) return decide();
    const answers = { used: USED, unavailable: UNAVAILABLE };
    return once(state, given.order, context, answers, decide, roomOf(state, given.by));
  };
  switch (order.kind) {
    case 'issue':
      return issue(state, order, context, hasHeard);
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
    case 'letter':
      return ordered(order, () => noteLetter(state, order, context));
    case 'alert':
      return takeAlert(state, order, context);
    // A newer Worker may know kinds that this object does not.
    default:
      return unchanged(state, UNAVAILABLE);
  }
};

const USED: Governed = { verdict: 'refused', fault: { reason: 'already_used' } };
const UNAVAILABLE: Governed = { verdict: 'unavailable' };

/** Calls that run now; from storage, because memory does not keep what they were accepted for. */
const runningIn = ({ live, load }: Calls): readonly CallRecord[] =>
  [...live].flatMap(([id, { record }]) => {
    const running = record.state === 'held' ? load(id) : undefined;
    return running?.state === 'held' ? [running] : [];
  });

const setDefault = (
  state: AccountState,
  { grant, by, expected, order }: Extract<TreeOrder, { readonly kind: 'default' }>,
  context: Context,
): Decision<Governed> => {
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
