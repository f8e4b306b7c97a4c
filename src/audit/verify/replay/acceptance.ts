import type { Hex } from '../../../core/hex.ts';
import { evaluate, type Source } from '../../../policy/evaluate.ts';
import type { Subject } from '../../../policy/rule.ts';
import type { Entry } from '../../../protocol/entry.ts';
import type { Pace, ReplayedAccount } from './account.ts';
import { approvalFault } from './approval.ts';
import {
  authorityOf,
  type Binding,
  bindingOf,
  isRightList,
  linksOf,
  namedPolicies,
} from './binding.ts';
import type { ReplayedCall } from './call.ts';
import { fundingFault } from './funding.ts';
import { isAcceptedForbidden } from './screening.ts';
import { hasParams, subjectOf } from './subject.ts';
import type { Texts } from './texts.ts';

/** The judgement of a check on one decision. */
export type Judgement =
  | { readonly verdict: 'proved' }
  | { readonly verdict: 'bounded'; readonly note: string }
  | { readonly verdict: 'unchecked'; readonly note: string }
  /** The statement depends on ancestors or descendants, whose chains may be in the files. */
  | { readonly verdict: 'pending' }
  | { readonly verdict: 'broken'; readonly reason: string; readonly field: string };

export const broken = (reason: string, field: string): Judgement => ({
  verdict: 'broken',
  reason,
  field,
});

export const missingText = (hash: Hex): Judgement => ({
  verdict: 'unchecked',
  note: `the text of policy or grant ${hash} is not in the files`,
});

export const LENT = 'limits of an account that lends to children count what they had then';
export const LEASED =
  'an ancestor decided it from what it had lent and spent at that moment, which no entry states';

/** An acceptance with the state on which the account decided it. */
export type Accepted = {
  readonly judgement: Judgement;
  readonly binding: Binding;
  /** The counts of calls after it. */
  readonly pace: { readonly base: Pace; readonly ownerPace: Pace };
};

/**
 * Decides an accepted or parked call again, by the function that decided it. For an approved call, `account` no longer has the call's hold,
 * and rate and repeats were counted when the call was parked.
 */
export const judgeAcceptance = (
  account: ReplayedAccount,
  call: ReplayedCall,
  entry: Entry,
  texts: Texts,
): Accepted => {
  const isApproved = entry.rule === 'approval' && entry.type === 'call.accepted';
  const named = namedPolicies(account, entry);
  const all = bindingOf(account, named, call.asset, entry.at, texts);
  const binding = isApproved ? { ...all, own: all.own.map(withoutPace) } : all;
  const subject = subjectOf(entry);
  const pace =
    subject === undefined || isApproved ? account : paceAfter(account, binding, subject, entry.at);
  const { base, ownerPace } = pace;
  const judge = (): Judgement => {
    if (subject === undefined) return broken('malformed', 'payment');
    const grant = grantFault(account, call, entry, texts);
    if (grant !== undefined) return grant;
    if (binding.missing !== undefined) return missingText(binding.missing);
    if (!isRightList(account, named, call.grant, texts)) {
      return broken('wrong_policies', 'evidence.policies');
    }
    const sources = [...binding.own, ...binding.ancestors];
    if (
      !hasParams(
        entry,
        sources.map(({ policy }) => policy),
      )
    ) {
      return broken('wrong_params', 'evidence.params');
    }
    const verdict = evaluate(sources, subject, entry.at);
    if (!verdict.allowed) return broken(verdict.rule, 'decision');
    const approval = approvalFault(entry, call, sources);
    if (approval !== undefined) return broken('approval', approval);
    const fault = fundingFault(account, call, entry, binding.own);
    if (fault !== undefined) return broken(fault, 'payment.paidBy');
    if (isAcceptedForbidden(account, call, entry, texts)) return broken('screening', 'decision');
    return certainty(account, call, binding);
  };
  return { judgement: judge(), binding, pace: { base, ownerPace } };
};

/** A parked call was counted towards rates and repeats when it was parked. */
export const withoutPace = ({
  policy: { rate: _, repeat: __, ...policy },
  ...source
}: Source): Source => ({ ...source, policy });

/** The account must hold the grant, and the caller must have signed it. A governed account calls by a grant only (law 8). */
const grantFault = (
  account: ReplayedAccount,
  { grant, paidBy }: ReplayedCall,
  entry: Entry,
  texts: Texts,
): Judgement | undefined => {
  const lender = entry.payment?.['lender'];
  const isLender =
    paidBy === 'lent'
      ? linksOf(grant, texts).some(({ hash }) => hash === lender)
      : lender === undefined;
  if (!isLender) return broken('wrong_grant', 'payment.lender');
  const signed = authorityOf(entry);
  if (signed !== undefined && signed !== grant) return broken('wrong_grant', 'payment.grant');
  if (grant === undefined) {
    return account.isGoverned ? broken('wrong_grant', 'payment.grant') : undefined;
  }
  const held = account.grants.find(({ hash }) => hash === grant);
  if (held?.status !== 'active' || held.isCutOff === true)
    return broken('wrong_grant', 'payment.grant');
  // A grant for one origin of the gateway allows nothing at another one.
  return held.delegation.audience === entry.evidence?.['audience']
    ? undefined
    : broken('wrong_grant', 'evidence.audience');
};

const certainty = (account: ReplayedAccount, call: ReplayedCall, { own }: Binding): Judgement => {
  if (call.price === 0n || call.creditTo !== undefined) return { verdict: 'proved' };
  const counts = own.some(({ counters }) => counters.length > 0) || call.paidBy === 'credit';
  return call.grant !== undefined || (account.lends && counts)
    ? { verdict: 'pending' }
    : { verdict: 'proved' };
};

/** The counts of calls after this one, of the account's own policies. */
const paceAfter = (
  account: ReplayedAccount,
  { own }: Binding,
  subject: Subject,
  at: number,
): Pick<ReplayedAccount, 'base' | 'ownerPace'> => {
  const verdict = evaluate(own, subject, at);
  if (!verdict.allowed) return account;
  const after = (key: 'base' | 'owner', { arrival, repeats }: Pace): Pace => ({
    arrival: verdict.arrivals[key] ?? arrival,
    repeats: verdict.repeats[key] ?? repeats,
  });
  return { base: after('base', account.base), ownerPace: after('owner', account.ownerPace) };
};
