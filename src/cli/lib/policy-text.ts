import type { Condition } from '../../policy/rules/conditions.ts';
import { type Policy, POLICY_OPTIONS } from '../../policy/policy.ts';
import type { PolicyOption } from '../../policy/rule.ts';
import { ANY_PAYEE } from '../../policy/rules/payees.ts';
import type { Window } from '../../policy/window.ts';
import type { Network } from '../../protocol/account-id.ts';
import { isFiat } from '../../protocol/fiat-asset.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';
import type { Output } from './output.ts';
import { proseWidth } from './print.ts';
import { counted, fields, printable, widthOf, wrapped } from './text.ts';
import { dollars, exactly, isoTime } from './units.ts';

type Line = readonly [name: string, value: string];

/** The rules of a policy in human units, one a line. */
const linesOf = (policy: Policy): readonly Line[] => {
  const values: Readonly<Record<string, unknown>> = policy;
  const windows = policy.windows.map((each): Line => [windowText(each), dollars(each.limit)]);
  const firstWindow = POLICY_OPTIONS.find(({ kind }) => kind === 'window');
  const byOption = POLICY_OPTIONS.flatMap((option): readonly Line[] => {
    const { flags, field, kind } = option;
    if (kind === 'window') return option === firstWindow ? windows : [];
    const value = values[field];
    const label = flags.replace(/^--| .*$/g, '').replaceAll('-', ' ');
    return value === undefined ? [] : [[label, PRINT[kind](value)]];
  });
  const { assets, maxValidity, deny, require } = policy;
  return [
    ...byOption,
    ...(assets === undefined ? [] : [['assets', listText(assets.map(assetText))] as const]),
    ...(maxValidity === undefined
      ? []
      : [['proof', `valid for at most ${exactly(maxValidity)}`] as const]),
    ...deny.map((each, at): Line => [`deny ${at + 1}`, conditionText(each)]),
    ...require.map((each, at): Line => [`require ${at + 1}`, conditionText(each)]),
  ];
};

/** How a field of a rule with an option is printed, by the option's kind. */
const PRINT: Readonly<Record<Exclude<PolicyOption['kind'], 'window'>, (value: unknown) => string>> =
  {
    list: (value) => listText(value as readonly string[]),
    payees: (value) =>
      listText((value as readonly string[]).map((payee) => (payee === ANY_PAYEE ? 'any' : payee))),
    money: (value) => dollars(value as bigint),
    frequency: (value) => {
      const { times, limit, seconds } = value as Partial<Repeat> & Rate;
      const count = times === undefined ? counted(limit, 'call') : counted(times, 'time');
      return `${count} in ${exactly(seconds)}`;
    },
    percent: (value) => `at ${value as number} % of a limit`,
    time: (value) => isoTime(value as number),
    text: String,
  };

type Rate = NonNullable<Policy['rate']>;
type Repeat = NonNullable<Policy['repeat']>;

const listText = (list: readonly string[]): string =>
  list.length === 0 ? 'none' : list.map((item) => (item === '*' ? 'all' : item)).join(', ');

const assetText = (asset: string): string => {
  if (isFiat(asset)) return 'US dollars (cards)';
  const [network = '', token = ''] = asset.split('/erc20:');
  return tokenOf(network as Network)?.address === token ? `USDC on ${network}` : asset;
};

const windowText = ({ every, asset }: Window): string =>
  `per ${typeof every === 'number' ? exactly(every) : every}${asset === undefined ? '' : ` of ${assetText(asset)}`}`;

const conditionText = ({ tools, param, op, value }: Condition): string =>
  [
    tools === undefined ? 'any tool' : tools.join(', '),
    ...(param === undefined ? [] : [`where ${param} ${op ?? ''} ${JSON.stringify(value)}`]),
  ].join(' ');

export const policyLines = (out: Output, policy: Policy): string => {
  const lines = linesOf(policy);
  return fields(lines.length === 0 ? [['limits', 'none']] : lines, out.style.dim, proseWidth(out));
};

/** A line that two policies do not share; `before` or `after` is undefined if a policy lacks it. */
export type Difference = {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
};

export const differences = (
  before: Policy | undefined,
  after: Policy | undefined,
): readonly Difference[] => {
  const old = new Map(before === undefined ? [] : linesOf(before));
  const now = new Map(after === undefined ? [] : linesOf(after));
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((name) => ({ name, before: old.get(name), after: now.get(name) }))
    .filter((line) => line.before !== line.after);
};

/** `+` added, `-` removed, `~` changed. */
export const differenceLines = (out: Output, lines: readonly Difference[]): string => {
  const label = Math.max(0, ...lines.map(({ name }) => widthOf(name)));
  return lines
    .map(({ name, before, after }) => {
      const [mark, paint] =
        before === undefined
          ? (['+', out.style.good] as const)
          : after === undefined
            ? (['-', out.style.bad] as const)
            : (['~', out.style.warn] as const);
      const value = [before, after].filter((text) => text !== undefined).join(' → ');
      const head = `${paint(mark)} ${name.padEnd(label)}  `;
      return head + wrapped(printable(value), proseWidth(out), ' '.repeat(label + 4));
    })
    .join('\n');
};
