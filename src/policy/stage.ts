import type { PolicyRule } from '../protocol/account/denial.ts';
import type { Seconds } from '../core/clock.ts';
import { amounts, attributed, meterState, prefixOf, rateState } from './limit.ts';
import { type LimitState } from '../protocol/limit.ts';
import { ANY_PAYEE, type Meter, type Source, type Subject } from './policy.ts';
import { admit } from './rate.ts';
import { countRepeat } from './repeat.ts';
import { refusedBy } from './rule.ts';
import { matchesTool } from './tool-pattern.ts';

export type Refusal = {
  readonly rule: PolicyRule;
  readonly meter?: Meter;
  readonly limit?: LimitState;
  /** Only where a later call can pass. */
  readonly retryAfter?: Seconds;
  /** The parameter that a rule is about. */
  readonly param?: string;
};

/** One question to one source: why it refuses, or undefined. */
export type Stage = (source: Source, subject: Subject, now: Seconds) => Refusal | undefined;

/** The rate with this call in it; undefined where it is not counted here. */
export const paced = ({ policy, arrival }: Source, now: Seconds) =>
  policy.rate === undefined || arrival === undefined ? undefined : admit(policy.rate, arrival, now);

/** As `paced`, of repeats. */
export const repeated = ({ policy, repeats }: Source, { request }: Subject, now: Seconds) =>
  policy.repeat === undefined || repeats === undefined
    ? undefined
    : countRepeat(policy.repeat, repeats, request, now);

const frozen: Stage = ({ status }) => (status === 'frozen' ? { rule: status } : undefined);

const paused: Stage = ({ status }) => (status === 'paused' ? { rule: status } : undefined);

const ended: Stage = ({ status, policy: { validFrom, validUntil } }, _, now) => {
  if (status === 'revoked') return { rule: status };
  if (validUntil !== undefined && validUntil <= now) return { rule: 'expired' };
  return validFrom !== undefined && validFrom > now
    ? { rule: 'not_yet', retryAfter: validFrom - now }
    : undefined;
};

const ruled = (
  { policy }: Source,
  kind: 'deny' | 'require',
  subject: Subject,
): Refusal | undefined => {
  const rule = refusedBy(policy[kind], kind, subject);
  if (rule === undefined) return undefined;
  return rule.param === undefined ? { rule: kind } : { rule: kind, param: rule.param };
};

const denied: Stage = (source, subject) => ruled(source, 'deny', subject);

const allowed: Stage = (source, subject, now) => {
  const { tools, payees, assets, binding, maxValidity } = source.policy;
  const pays = subject.price > 0n;
  if (tools !== undefined && !matchesTool(tools, subject.tool)) return { rule: 'tool' };
  if (
    pays &&
    payees !== undefined &&
    !payees.includes(subject.payTo) &&
    !payees.includes(ANY_PAYEE)
  ) {
    return { rule: 'payee' };
  }
  if (pays && assets !== undefined && !assets.includes(subject.asset)) return { rule: 'asset' };
  const required = ruled(source, 'require', subject);
  if (required !== undefined) return required;
  if (binding === 'intent' && subject.binding !== binding) return { rule: 'binding' };
  return maxValidity !== undefined && subject.validBefore - now > maxValidity
    ? { rule: 'validity' }
    : undefined;
};

const cheap: Stage = (source, { price }) => {
  const { perCall } = source.policy;
  return perCall !== undefined && price > perCall
    ? {
        rule: 'per_call',
        limit: attributed(source, amounts(`${prefixOf(source)}per_call`, perCall, 0n, 0n)),
      }
    : undefined;
};

const metered: Stage = (source, { price }, now) => {
  if (price === 0n) return undefined;
  const meter = source.meters.find(({ spent, held, limit }) => spent + held + price > limit);
  if (meter === undefined) return undefined;
  const { rule, limit, resetsAt } = meter;
  const refusal = { rule, meter, limit: attributed(source, meterState(meter, prefixOf(source))) };
  // A price above the whole limit never fits.
  return resetsAt === undefined || price > limit
    ? refusal
    : { ...refusal, retryAfter: Math.max(1, resetsAt - now) };
};

const inRate: Stage = (source, _, now) => {
  const { policy, arrival } = source;
  const rate = paced(source, now);
  if (rate?.admitted !== false || policy.rate === undefined || arrival === undefined)
    return undefined;
  const limit = rateState(policy.rate, arrival, now, prefixOf(source));
  return {
    rule: 'rate',
    limit: attributed(source, { ...limit, resetsAt: now + rate.retryAfter }),
    retryAfter: rate.retryAfter,
  };
};

const unlooped: Stage = (source, subject, now) => {
  const repeat = repeated(source, subject, now);
  return repeat?.admitted === false ? { rule: 'repeat', retryAfter: repeat.retryAfter } : undefined;
};

/** Money that only moves to credit spends nothing yet. */
export const TOP_UP_STAGES: readonly Stage[] = [frozen, paused, ended, inRate];
/** In the order of `evaluate`. */
export const STAGES: readonly Stage[] = [
  frozen,
  paused,
  ended,
  denied,
  allowed,
  cheap,
  metered,
  inRate,
  unlooped,
];
