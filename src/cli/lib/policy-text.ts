import { tokenOf } from '../../protocol/x402/tokens.ts';
import type { Network } from '../../protocol/account-id.ts';
import { ANY_PAYEE } from '../../policy/rules/payees.ts';
import { type Policy } from '../../policy/policy.ts';
import { type Condition } from '../../policy/condition.ts';
import { type Window } from '../../policy/window.ts';
import { dollars } from './amounts.ts';
import { exactly, isoTime } from './times.ts';
import { counted } from './text.ts';

/** One thing that a policy says, for people: what about, and what. */
export type Said = readonly [name: string, value: string];

/** A policy in words. What it does not speak of is not there. */
export const policyText = (policy: Policy): readonly Said[] => {
  const said: [string, string | undefined][] = [
    ['tools', listText(policy.tools)],
    ['payees', listText(policy.payees?.map((payee) => (payee === ANY_PAYEE ? 'anybody' : payee)))],
    ['assets', listText(policy.assets?.map(assetText))],
    ['per call', policy.perCall === undefined ? undefined : dollars(policy.perCall)],
    ...policy.windows.map((window): [string, string] => [
      windowText(window),
      dollars(window.limit),
    ]),
    ['lifetime', policy.lifetime === undefined ? undefined : dollars(policy.lifetime)],
    [
      'unsettled',
      policy.exposure === undefined ? undefined : `at most ${dollars(policy.exposure)}`,
    ],
    [
      'rate',
      policy.rate && `${counted(policy.rate.limit, 'call')} in ${exactly(policy.rate.seconds)}`,
    ],
    [
      'repeat',
      policy.repeat &&
        `${counted(policy.repeat.times, 'time')} in ${exactly(policy.repeat.seconds)}`,
    ],
    [
      'alert',
      policy.softPercent === undefined ? undefined : `at ${policy.softPercent} % of a limit`,
    ],
    [
      'proof',
      policy.maxValidity === undefined
        ? undefined
        : `good for ${exactly(policy.maxValidity)} at most`,
    ],
    ['binding', policy.binding],
    ['from', policy.validFrom === undefined ? undefined : isoTime(policy.validFrom)],
    ['until', policy.validUntil === undefined ? undefined : isoTime(policy.validUntil)],
    ...policy.deny.map((rule, at): [string, string] => [`deny ${at + 1}`, ruleText(rule)]),
    ...policy.require.map((rule, at): [string, string] => [`require ${at + 1}`, ruleText(rule)]),
  ];
  return said.filter((pair): pair is [string, string] => typeof pair[1] === 'string');
};

const listText = (list: readonly string[] | undefined): string | undefined =>
  list === undefined
    ? undefined
    : list.length === 0
      ? 'none'
      : list.map((item) => (item === '*' ? 'all' : item)).join(', ');

const assetText = (asset: string): string => {
  const [network = '', token = ''] = asset.split('/erc20:');
  return tokenOf(network as Network)?.address === token ? `USDC on ${network}` : asset;
};

const windowText = ({ every, asset }: Window): string =>
  `per ${typeof every === 'number' ? exactly(every) : every}${asset === undefined ? '' : ` of ${assetText(asset)}`}`;

const ruleText = ({ tools, param, op, value }: Condition): string =>
  [
    tools === undefined ? 'any tool' : tools.join(', '),
    ...(param === undefined ? [] : [`where ${param} ${op ?? ''} ${JSON.stringify(value)}`]),
  ].join(' ');

/** One line of what differs; `before` or `after` is missing where nothing is said. */
export type Difference = {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
};

/** What two policies say differently, in human units. */
export const differences = (
  before: Policy | undefined,
  after: Policy | undefined,
): readonly Difference[] => {
  const one = new Map(before === undefined ? [] : policyText(before));
  const other = new Map(after === undefined ? [] : policyText(after));
  return [...new Set([...one.keys(), ...other.keys()])]
    .map((name) => ({ name, before: one.get(name), after: other.get(name) }))
    .filter((line) => line.before !== line.after);
};
