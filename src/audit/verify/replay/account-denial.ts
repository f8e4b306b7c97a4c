import { amounts } from '../../../policy/rule.ts';
import { asksApproval } from '../../../policy/rules/approve-above.ts';
import { isFiat } from '../../../protocol/fiat-asset.ts';
import type { Json } from '../../../protocol/entry.ts';
import { broken, type Judgement, LEASED, LENT } from './acceptance.ts';
import { purseOf } from './account.ts';
import type { DeniedCall } from './denied-call.ts';
import { exposureCap } from './funding.ts';
import { isForbidden } from './screening.ts';
import { amountOf, isSameJson, objectOf } from './members.ts';

/* Denials by the account itself, after every policy allowed the call. */

const ON_CHAIN =
  'balances, allowances, code and nonces of payers are facts of the chain, which entries do not have';

const PROVED: Judgement = { verdict: 'proved' };
const bounded = (note: string): Judgement => ({ verdict: 'bounded', note });
const WRONG_LIMIT = broken('wrong_limit', 'outcome.limit');
const ALLOWED = broken('allowed', 'rule');

/** The most calls of one account that wait for a person (`durable-objects/account/call/park.ts`). */
const MAX_PARKED = 16;

/** Judges a denial by the funds of the account, or by a rule that no policy has. */
export const judgeByAccount = (denied: DeniedCall): Judgement => {
  const { account, entry, subject, binding } = denied;
  const purse = purseOf(account, subject.asset);
  const limit = entry.outcome?.['limit'];
  const isLimit = (of: object): boolean => isSameJson(limit, of as Json);
  switch (entry.rule) {
    case 'debt':
      if (purse.credit >= 0n) return ALLOWED;
      return isLimit(amounts('debt', 0n, -purse.credit, 0n)) ? PROVED : WRONG_LIMIT;
    case 'exposure':
      return judgeExposure(denied);
    case 'suspended': {
      const suspended = Object.values(account.purses).find(({ bounced }) => bounced > 0n);
      if (suspended === undefined) return ALLOWED;
      const { bounced, bouncedUntil } = suspended;
      const state = amounts('suspended', 0n, bounced, purse.upfrontHeld);
      return isLimit({ ...state, resetsAt: bouncedUntil }) ? PROVED : WRONG_LIMIT;
    }
    case 'balance':
    case 'allowance': {
      const promised = purse.deferredHeld + purse.upfrontHeld + purse.unsettled;
      const most = amountOf(objectOf(limit)?.['limit']) ?? 0n;
      if (!isLimit(amounts(entry.rule, most, 0n, promised))) return WRONG_LIMIT;
      return promised + subject.price > most ? bounded(ON_CHAIN) : ALLOWED;
    }
    case 'credit':
      return judgeCredit(denied);
    case 'approval':
    case 'approval_queue': {
      const isAsked =
        !subject.topUp &&
        [...binding.own, ...binding.ancestors].some(({ policy }) =>
          asksApproval(policy, subject.price),
        );
      if (!isAsked) return ALLOWED;
      return entry.rule === 'approval'
        ? subject.binding === 'none'
          ? PROVED
          : bounded('whether the account was known, or who may approve, is not in its entries')
        : Object.keys(account.parked).length >= MAX_PARKED
          ? PROVED
          : bounded('calls that wait are also counted at the root of the tree');
    }
    case 'asset': {
      if (!isFiat(subject.asset)) return ALLOWED;
      const isListed = [...binding.own, ...binding.ancestors].some(
        ({ origin, policy }) =>
          origin.kind === 'operator' && policy.assets?.includes(subject.asset) === true,
      );
      return isListed ? bounded(ON_CHAIN) : PROVED;
    }
    case 'screening':
      return isForbidden(account, account.account, entry.at) ? PROVED : ALLOWED;
    case 'validity':
    case 'nonce_used':
    case 'penniless':
      return bounded(ON_CHAIN);
    case 'unreachable':
      return bounded(LEASED);
    case 'failure_rate':
      return bounded('payments that may still move are counted until their authorizations end');
    case undefined:
    default:
      return ALLOWED;
  }
};

const judgeExposure = ({ account, entry, subject, binding }: DeniedCall): Judgement => {
  const { unsettled, deferredHeld } = purseOf(account, subject.asset);
  const stated = entry.outcome?.['limit'];
  const cap = exposureCap(binding.own);
  const limit = cap ?? amountOf(objectOf(stated)?.['limit']) ?? 0n;
  if (!isSameJson(stated, amounts('exposure', limit, unsettled, deferredHeld) as Json)) {
    return WRONG_LIMIT;
  }
  if (cap === undefined)
    return bounded('the default policy caps the exposure, and the entry does not name it');
  return subject.price > cap - unsettled - deferredHeld ? PROVED : bounded(ON_CHAIN);
};

const judgeCredit = ({ account, entry, subject, grant }: DeniedCall): Judgement => {
  if (subject.topUp) return bounded('the most that an account may hold is not in its entries');
  const { credit, creditHeld } = purseOf(account, subject.asset);
  const stated = objectOf(entry.outcome?.['limit']);
  const held = amountOf(stated?.['held']) ?? 0n;
  if (!isSameJson(stated, amounts('credit', credit, 0n, held) as Json)) return WRONG_LIMIT;
  if (account.lends ? held < creditHeld : held !== creditHeld) return WRONG_LIMIT;
  if (credit - held >= subject.price) return ALLOWED;
  if (account.lends) return bounded(LENT);
  return grant === undefined ? PROVED : bounded(LEASED);
};
