import type { Hex } from '../../../core/hex.ts';
import { evaluate, type Verdict } from '../../../policy/evaluate.ts';
import { attributed, counterState, prefixOf } from '../../../policy/rule.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import type { Entry, Json } from '../../../protocol/entry.ts';
import { broken, type Judgement, LEASED, LENT, missingText, withoutPace } from './acceptance.ts';
import type { ReplayedAccount } from './account.ts';
import { judgeByAccount } from './account-denial.ts';
import type { DeniedCall } from './denied-call.ts';
import { bindingOf, isRightList, namedPolicies } from './binding.ts';
import { resumed } from './call-entries.ts';
import { amountOf, isSameJson, objectOf, textOf } from './members.ts';
import { isForbidden } from './screening.ts';
import { hasParams, subjectOf } from './subject.ts';
import type { Texts } from './texts.ts';

const PROVED: Judgement = { verdict: 'proved' };

/** Denials that the account may give before it has chosen a grant (docs/wire-format.md §16). */
const WITHOUT_GRANT = ['authority', 'expired', 'revoked'];

/**
 * Evaluates a denied call again, on the state of the account at its first evaluation: the denial must name the same rule with the same
 * limit (docs/audit-format.md, check `denials`).
 *
 * @param then the account after the entry that `outcome.after` names.
 */
export const judgeDenial = (then: ReplayedAccount, entry: Entry, texts: Texts): Judgement => {
  const { rule = '', outcome = {}, call = '0x' } = entry;
  const subject = subjectOf(entry);
  if (subject === undefined) return broken('malformed', 'payment');
  const waiting = then.parked[call];
  const account = waiting === undefined ? then : resumed(then, waiting);
  const named = namedPolicies(account, entry);
  const all = bindingOf(account, named, subject.asset, entry.at, texts);
  if (account.isBlind || all.missing !== undefined) return missingText(all.missing ?? '0x');
  const binding = waiting === undefined ? all : { ...all, own: all.own.map(withoutPace) };
  const grant = grantOf(named, account);
  if (!isRightList(account, named, grant, texts)) {
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
  if (outcome['authority'] !== (grant ?? outcome['grant'])) {
    return broken('wrong_grant', 'outcome.authority');
  }
  const given = { account, entry, subject, binding, grant };
  const verdict = evaluate(sources, subject, entry.at);
  const isOwn = outcome['account'] === account.account;
  if (!verdict.allowed && isNamed(verdict, rule, outcome['account'])) {
    return judgeLimit(given, verdict);
  }
  if (grant === undefined && WITHOUT_GRANT.includes(rule)) return judgeChoice(given);
  if (!isOwn) return judgeAncestor(given, verdict);
  if (CAN_COME_FIRST.includes(rule)) return { verdict: 'bounded', note: FLOOD };
  const counts = rule === 'window' || rule === 'lifetime';
  if (counts && account.lends && (verdict.allowed || verdict.counter !== undefined)) {
    return judgeLent(given);
  }
  return verdict.allowed ? judgeByAccount(given) : broken('wrong_rule', 'rule');
};

/** The grant among the named policies of the account itself. */
const grantOf = (
  named: ReturnType<typeof namedPolicies>,
  { account }: ReplayedAccount,
): Hex | undefined => named.find((each) => each.kind === 'grant' && each.account === account)?.hash;

/** In a flood of denials each one names the rate of denied calls instead of its own rule. Entries do not show how many there were. */
const CAN_COME_FIRST = ['denial_rate'];
const FLOOD = 'the rate of denied calls counts dry runs, which write no entry';

type Denied = Extract<Verdict, { readonly allowed: false }>;

const isNamed = (verdict: Denied, rule: string, account: Json | undefined): boolean =>
  verdict.rule === rule && verdict.source.origin.account === account;

/** The limit that a denial names must be the one of the evaluation, to the unit. */
const judgeLimit = (denied: DeniedCall, verdict: Denied): Judgement => {
  const { account, entry } = denied;
  const { kind, hash } = verdict.source.origin;
  if (entry.outcome?.['grant'] !== (kind === 'grant' ? hash : undefined)) {
    return broken('wrong_grant', 'outcome.grant');
  }
  if (entry.outcome?.['param'] !== verdict.param) return broken('wrong_params', 'outcome.param');
  if (verdict.counter !== undefined && account.lends) return judgeLent(denied);
  return isSameJson(entry.outcome?.['limit'], verdict.limit as Json | undefined)
    ? PROVED
    : broken('wrong_limit', 'outcome.limit');
};

/**
 * A counter of a lending account has at least the amount that the account itself used, and the stated amount must leave too little for the
 * price.
 */
const judgeLent = ({ entry, subject, binding }: DeniedCall): Judgement => {
  const stated = objectOf(entry.outcome?.['limit']) ?? {};
  const used = usedOf(stated);
  const isRight = binding.own.some((source) =>
    source.counters.some((counter) => {
      const known = attributed(source, counterState(counter, prefixOf(source)));
      const isSame = (['rule', 'limit', 'account', 'resetsAt', 'window'] as const).every(
        (each) => known[each] === stated[each],
      );
      return isSame && used >= counter.spent + counter.held;
    }),
  );
  if (!isRight) return broken('wrong_limit', 'outcome.limit');
  return used + subject.price > (amountOf(stated['limit']) ?? 0n)
    ? { verdict: 'bounded', note: LENT }
    : broken('allowed', 'outcome.limit');
};

const usedOf = (limit: { readonly [key: string]: Json }): bigint =>
  (amountOf(limit['spent']) ?? 0n) + (amountOf(limit['held']) ?? 0n);

/** An ancestor refused: its status, its limits, its credit. Its answers are not in the account's entries. */
const judgeAncestor = ({ account, entry }: DeniedCall, verdict: Verdict): Judgement => {
  const { rule = '', outcome = {}, at } = entry;
  if (STATUSES.includes(rule)) return { verdict: 'bounded', note: LEASED };
  if (!verdict.allowed) return broken('wrong_rule', 'rule');
  if (rule === 'screening') {
    const of = textOf(outcome['account']) as AccountId | undefined;
    const isRight = of !== undefined && isForbidden(account, of, at);
    return isRight ? PROVED : broken('allowed', 'rule');
  }
  return ANCESTORS.includes(rule)
    ? { verdict: 'bounded', note: LEASED }
    : broken('allowed', 'rule');
};

const STATUSES = ['frozen', 'paused', 'revoked'];
const ANCESTORS = ['window', 'lifetime', 'credit', 'unreachable', 'approval', 'approval_queue'];

/** The account had no grant for the call (`chooseGrant`). */
const judgeChoice = ({ account, entry, subject }: DeniedCall): Judgement => {
  const { rule, outcome = {} } = entry;
  const signed = textOf(objectOf(entry.evidence?.['intent'])?.['authority']);
  const audience = textOf(entry.evidence?.['audience']);
  const isHere = (grant: ReplayedAccount['grants'][number]): boolean =>
    audience === undefined || grant.delegation.audience === audience;
  const usable = account.grants.filter(({ status }) => status !== 'superseded');
  const denied = usable.find(({ hash }) => hash === outcome['grant']);
  switch (rule) {
    case 'authority': {
      const named = usable.find(({ hash }) => hash === signed);
      const isRight =
        denied === undefined ? named === undefined || hasEnded(named, entry.at) : !isHere(denied);
      return isRight ? PROVED : broken('allowed', 'rule');
    }
    case 'revoked':
      return denied?.status === 'revoked' ? PROVED : broken('allowed', 'rule');
    case undefined:
    default: {
      const live = usable.some((each) => each.status === 'active' && !hasEnded(each, entry.at));
      const isStill = account.isGoverned && !live;
      return isStill || subject.topUp ? PROVED : broken('allowed', 'rule');
    }
  }
};

/** The account forgets a grant an hour after its end. */
const hasEnded = (
  { delegation: { validUntil } }: ReplayedAccount['grants'][number],
  at: number,
): boolean => BigInt(at) >= validUntil;
