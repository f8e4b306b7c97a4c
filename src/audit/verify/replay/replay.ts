import { type Hex, ZERO_HASH } from '../../../core/hex.ts';
import { accountId, type AccountId } from '../../../protocol/account-id.ts';
import type { Status } from '../../../protocol/account/command.ts';
import type { Entry } from '../../../protocol/entry.ts';
import { delegationHash } from '../logged-text.ts';
import { type Accepted, judgeAcceptance } from './acceptance.ts';
import { newAccount, type ReplayedAccount, type TakenGrant } from './account.ts';
import { counterNames, linksOf, networkOf } from './binding.ts';
import * as callEntries from './call-entries.ts';
import { memberFaults } from './call-members.ts';
import { type ReplayedCall, startedCall } from './call.ts';
import { applyCredit } from './credit-entries.ts';
import { applyCutOff } from './cut-off.ts';
import { isSameJson, objectOf, textOf } from './members.ts';
import { hold } from './money.ts';
import * as paymentEntries from './payment-entries.ts';
import { applyScreening } from './screening.ts';
import type { CallEntry, Step, StepFault } from './step.ts';
import type { Texts } from './texts.ts';

/**
 * A replayed entry. `before` and `after`: the states of the account before and after the entry, both after the cut-off that it names
 * (`hasCutOff`). `call`: the state of the entry's call after it.
 */
export type Replayed = {
  readonly entry: Entry;
  readonly before: ReplayedAccount;
  readonly after: ReplayedAccount;
  readonly call: ReplayedCall | undefined;
  readonly faults: readonly StepFault[];
  readonly hasCutOff: boolean;
  /** Only for an accepted or parked call. */
  readonly accepted: Accepted | undefined;
};

/** Replays the entries of one account, in order, from the first one. */
export type Replay = {
  readonly take: (entry: Entry) => Replayed;
  /** Every call that was seen. */
  readonly calls: () => Iterable<ReplayedCall>;
};

const ABOUT_CALLS: Readonly<Partial<Record<Entry['type'], (about: CallEntry) => Step>>> = {
  'call.approved': callEntries.approved,
  'call.refused': callEntries.refused,
  'call.finished': callEntries.finished,
  'call.abandoned': callEntries.abandoned,
  'call.late': callEntries.late,
  'call.resolved': callEntries.resolved,
  'call.refunded': callEntries.refunded,
  'payment.settled': paymentEntries.paymentSettled,
  'payment.failed': paymentEntries.paymentFailed,
  'payment.released': paymentEntries.paymentReleased,
  'payment.bounced': paymentEntries.paymentBounced,
};

export const openReplay = (account: AccountId, texts: Texts): Replay => {
  const calls = new Map<Hex, ReplayedCall>();
  let state = newAccount(account);

  const stepOf = (entry: Entry): Step & { readonly accepted?: Accepted } => {
    const { type } = entry;
    if (type === 'call.accepted' || type === 'call.parked') {
      return start(state, calls.get(entry.call ?? '0x'), entry, texts);
    }
    if (type.startsWith('credit.')) return applyCredit(state, entry);
    if (type === 'account.screened') {
      const screened = applyScreening(state, entry);
      return {
        account: screened ?? state,
        faults: screened === undefined ? [WRONG_SCREENING] : [],
      };
    }
    const about = ABOUT_CALLS[type];
    if (about === undefined) {
      return { account: changed(state, entry, texts), faults: ancestorFaults(state, entry, texts) };
    }
    const call = calls.get(entry.call ?? '0x');
    if (call === undefined) {
      return {
        account: state,
        faults: [{ check: 'calls', reason: 'unknown_call', field: 'call' }],
      };
    }
    const step = about({ account: state, call, entry });
    return { ...step, faults: [...step.faults, ...memberFaults(call, entry)] };
  };

  return {
    calls: () => calls.values(),
    take(entry) {
      const { account: before, faults: wrong } = applyCutOff(state, entry, texts);
      const hasCutOff = before.cutOff > state.cutOff;
      state = before;
      const { account: after, call, faults, accepted } = stepOf(entry);
      state = after;
      if (call !== undefined) calls.set(call.id, call);
      return { entry, before, after, call, faults: [...wrong, ...faults], hasCutOff, accepted };
    },
  };
};

/** A call starts, or a parked one that a person approved runs. */
const start = (
  before: ReplayedAccount,
  known: ReplayedCall | undefined,
  entry: Entry,
  texts: Texts,
): Step & { readonly accepted?: Accepted } => {
  const call = startedCall(entry);
  if (call === undefined) {
    return { account: before, faults: [{ check: 'calls', reason: 'malformed', field: 'payment' }] };
  }
  const faults: StepFault[] = [];
  let account = before;
  const isApproval = entry.type === 'call.accepted' && entry.rule === 'approval';
  if (known?.state === 'parked' && isApproval) {
    if (!known.isApproved) faults.push(WRONG_START);
    account = callEntries.resumed(account, known);
  } else if (known !== undefined) {
    return { account, call: known, faults: [{ ...WRONG_START, reason: 'accepted_twice' }] };
  } else if (isApproval) faults.push(WRONG_START);
  const decision =
    entry.type === 'call.parked' ? 'parked' : call.paidBy === 'upfront' ? 'settle' : 'go';
  if (entry.decision !== decision) faults.push({ ...WRONG_START, field: 'decision' });
  if (known !== undefined && (known.price !== call.price || known.asset !== call.asset)) {
    faults.push({ check: 'payments', reason: 'wrong_amount', field: 'amounts.price' });
  }
  const accepted = judgeAcceptance(account, call, entry, texts);
  const names = call.creditTo === undefined ? counterNames(accepted.binding.own, call.asset) : [];
  const held = hold({ ...account, ...accepted.pace }, call, names, entry.at);
  const isBlind = account.isBlind || accepted.binding.isOwnMissing;
  const next = { ...held.account, isBlind };
  return {
    account:
      call.state === 'parked'
        ? { ...next, parked: { ...next.parked, [call.id]: held.call } }
        : next,
    call: held.call,
    faults,
    accepted,
  };
};

const WRONG_SCREENING: StepFault = {
  check: 'calls',
  reason: 'wrong_transition',
  field: 'outcome.passes',
};

const WRONG_START: StepFault = { check: 'calls', reason: 'wrong_transition', field: 'type' };

/** Entries about the account itself and its place in a tree. */
const changed = (account: ReplayedAccount, entry: Entry, texts: Texts): ReplayedAccount => {
  const { decision, outcome, evidence } = entry;
  const type: string = entry.type;
  switch (type) {
    case 'account.policy': {
      const hash = textOf(outcome?.['hash']) as Hex | undefined;
      if (decision === 'operator') return { ...account, operator: hash };
      return decision === 'owner' ? { ...account, owner: hash } : account;
    }
    case 'account.status': {
      const status = textOf(outcome?.['status']);
      return status === undefined ? account : { ...account, status: status as Status };
    }
    case 'grant.issued':
      return { ...account, lends: true };
    case 'grant.taken': {
      const named = outcome?.['above'];
      const isRead = Array.isArray(named) && named.every((each) => typeof each === 'string');
      const above = isRead ? (named as AccountId[]) : [];
      return taken({ ...account, above, cutOff: 0 }, delegationHash(entry), texts);
    }
    case 'grant.revoked': {
      const revocation = objectOf(evidence?.['revocation']);
      if (textOf(revocation?.['epoch']) !== '0') return account;
      const id = textOf(revocation?.['id']);
      return {
        ...account,
        grants: account.grants.map((each) =>
          each.delegation.id === id && each.status === 'active'
            ? { ...each, status: 'revoked' }
            : each,
        ),
      };
    }
    default:
      return account;
  }
};

/** The ancestors of the account from now on: the issuers of its grant and of the grants above it. Commands of these accounts bind it. */
const ancestorFaults = (
  { account }: ReplayedAccount,
  { type, evidence, outcome }: Entry,
  texts: Texts,
): readonly StepFault[] => {
  if (type !== 'grant.taken') return [];
  const links = linksOf(textOf(evidence?.['grant']) as Hex | undefined, texts);
  // No file has the text of a parent grant, so nothing shows its issuer.
  if (links.at(-1)?.parent !== ZERO_HASH) return [];
  const above = links.map(({ issuer }) => accountId(networkOf(account), issuer));
  return isSameJson(outcome?.['above'], above)
    ? []
    : [{ check: 'calls', reason: 'wrong_grant', field: 'outcome.above' }];
};

/** An account that takes a grant of another issuer leaves its former issuer. */
const taken = (account: ReplayedAccount, hash: Hex | undefined, texts: Texts): ReplayedAccount => {
  const delegation = hash === undefined ? undefined : texts.delegation(hash);
  if (hash === undefined || delegation === undefined) {
    return { ...account, isGoverned: true, isBlind: true };
  }
  const last = account.grants.at(-1);
  const moves = last !== undefined && last.delegation.issuer !== delegation.issuer;
  const kept = account.grants
    .filter((each) => each.hash !== hash)
    .map((each): TakenGrant =>
      moves && each.status === 'active' ? { ...each, status: 'superseded' } : each,
    );
  return {
    ...account,
    isGoverned: true,
    grants: [...kept, { hash, delegation, status: 'active' }],
  };
};
