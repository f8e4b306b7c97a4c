import type { Condition } from '../../policy/rules/conditions.ts';
import type { Policy } from '../../policy/policy.ts';
import { ANY_PAYEE } from '../../policy/rules/payees.ts';
import type { Window } from '../../policy/window.ts';
import { isFiat } from '../../protocol/fiat-asset.ts';
import { decimalOf, symbolOf } from './amount.ts';
import { periodName } from './rule-name.ts';
import { momentOf } from './time.ts';

/** A rule of a policy: what it limits, and its value. */
export type PolicyLine = readonly [name: string, value: string];

/** The money that a policy allows. Each window without an asset counts USDC and USD by themselves. */
const unitOf = ({ assets = [] }: Pick<Policy, 'assets'>, both: string): string =>
  assets.some(isFiat) ? (assets.every(isFiat) ? 'USD' : both) : 'USDC';

const listed = (texts: readonly string[]): string =>
  texts.length === 0 ? 'none' : texts.map((text) => (text === '*' ? 'all' : text)).join(', ');

const windowLine = ({ every, limit, asset }: Window, unit: string): PolicyLine => [
  `${typeof every === 'number' ? periodName(every) : `per ${every}`}${asset === undefined ? '' : ` in ${isFiat(asset) ? symbolOf(asset) : asset}`}`,
  `${decimalOf(limit)} ${asset === undefined ? unit : symbolOf(asset)}`,
];

const conditionText = ({ tools, param, op, value }: Condition): string => {
  const where = param === undefined ? '' : ` where ${param} ${op ?? ''} ${JSON.stringify(value)}`;
  return (tools === undefined ? 'any tool' : tools.join(', ')) + where;
};

/** A policy in words and amounts, one rule a line, the most used first. */
export const policyLines = (policy: Policy): readonly PolicyLine[] => {
  const { perCall, approveAbove, windows, lifetime, exposure, rate, repeat } = policy;
  const { tools, payees, assets, softPercent, maxValidity, binding, validFrom, validUntil } =
    policy;
  const each = unitOf(policy, 'USDC, and as many USD');
  const price = (amount: bigint): string => `${decimalOf(amount)} ${unitOf(policy, 'USDC or USD')}`;
  const lines: readonly (readonly [name: string, value: string | undefined])[] = [
    ['per call', perCall === undefined ? undefined : price(perCall)],
    ...windows.map((window) => windowLine(window, each)),
    ['in total', lifetime === undefined ? undefined : `${decimalOf(lifetime)} ${each}`],
    ['needs approval above', approveAbove === undefined ? undefined : price(approveAbove)],
    [
      'not settled yet, at most',
      exposure === undefined ? undefined : `${decimalOf(exposure)} USDC`,
    ],
    ['tools', tools && listed(tools)],
    ['payees', payees && listed(payees.map((payee) => (payee === ANY_PAYEE ? 'any' : payee)))],
    ['assets', assets && listed(assets)],
    ['calls', rate && `${rate.limit} ${periodName(rate.seconds)}`],
    ['same request', repeat && `${repeat.times} times ${periodName(repeat.seconds)}`],
    ['warns at', softPercent === undefined ? undefined : `${softPercent} % of a limit`],
    ['proof valid for', maxValidity === undefined ? undefined : `${maxValidity} seconds at most`],
    ['proofs', binding === undefined ? undefined : 'bound to their request only'],
    ['valid from', validFrom === undefined ? undefined : momentOf(validFrom)],
    ['valid until', validUntil === undefined ? undefined : momentOf(validUntil)],
    ...policy.deny.map((each, at): PolicyLine => [`denies (${at + 1})`, conditionText(each)]),
    ...policy.require.map((each, at): PolicyLine => [`requires (${at + 1})`, conditionText(each)]),
  ];
  return lines.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
};

/** A rule that two policies do not share. `before` or `after` is undefined if that policy sets no such rule. */
export type PolicyDifference = {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
};

/** The rules that two policies do not share; no policy is one without rules. */
export const policyDifferences = (
  before: Policy | undefined,
  after: Policy | undefined,
): readonly PolicyDifference[] => {
  const old = new Map(before === undefined ? [] : policyLines(before));
  const now = new Map(after === undefined ? [] : policyLines(after));
  return [...new Set([...now.keys(), ...old.keys()])]
    .map((name) => ({ name, before: old.get(name), after: now.get(name) }))
    .filter((line) => line.before !== line.after);
};
