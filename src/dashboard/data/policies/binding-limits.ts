import type { Policy } from '../../../policy/policy.ts';
import type { Window } from '../../../policy/window.ts';
import { addressIn, shortened } from '../../format/text.ts';
import { isFiat, USD } from '../../../protocol/fiat-asset.ts';
import { readPolicy } from '../../../policy/read-policy.ts';
import type { MoneyRow } from './policy-rows.ts';
import type { Standing } from '../accounts/standing.ts';
import type { PolicySlot } from './stored-policy.ts';

type Source = Standing['policies'][number];
type Sources = {
  readonly policies: readonly Pick<Source, 'kind' | 'account' | 'hash' | 'policy'>[];
  readonly grants: readonly Pick<Standing['grants'][number], 'hash' | 'is_default'>[];
};

/** A limit that binds in addition to the one that a person edits. */
export type BindingLimit = {
  readonly row: MoneyRow;
  readonly amount: bigint;
  /** The source of the limit: "its default grant". */
  readonly by: string;
  /** The change that raises it, as the end of a sentence. */
  readonly raisedBy: string;
  /** Whether it binds calls that name no grant. */
  readonly isUsual: boolean;
};

const LENGTHS = { 3600: 'hour', 86400: 'day', hour: 'hour', day: 'day', month: 'month' } as const;
const IN_DOLLARS = { hour: 'usdHour', day: 'usdDay', month: 'usdMonth' } as const;

const isLength = (every: Window['every']): every is keyof typeof LENGTHS => every in LENGTHS;

/** The row that a window limits; undefined if the form has none of its length or asset. */
const rowOf = ({ every, asset }: Window, isFiatOnly: boolean): MoneyRow | undefined => {
  const length = isLength(every) ? LENGTHS[every] : undefined;
  if (length === undefined) return undefined;
  if (asset === USD || (asset === undefined && isFiatOnly)) return IN_DOLLARS[length];
  return asset === undefined ? length : undefined;
};

/** The limits of a policy by row. A policy that only allows dollars on the card, such as a grant in dollars, limits no token. */
const amountsIn = ({
  assets,
  perCall,
  lifetime,
  windows,
}: Policy): readonly (readonly [row: MoneyRow, amount: bigint])[] => {
  const isFiatOnly = assets !== undefined && assets.length > 0 && assets.every(isFiat);
  const rows: readonly (readonly [MoneyRow | undefined, bigint | undefined])[] = [
    ['perCall', isFiatOnly ? undefined : perCall],
    ['lifetime', isFiatOnly ? undefined : lifetime],
    ...windows.map((window) => [rowOf(window, isFiatOnly), window.limit] as const),
  ];
  return rows.flatMap(([row, amount]) =>
    row === undefined || amount === undefined ? [] : [[row, amount] as const],
  );
};

const authorOf = (
  { kind, account, hash }: Sources['policies'][number],
  self: string,
  grants: Sources['grants'],
): Omit<BindingLimit, 'row' | 'amount'> => {
  const whose = shortened(addressIn(account));
  if (account !== self && kind !== 'default') {
    const what = kind === 'grant' ? 'grant' : `${kind}’s policy`;
    const by = `the ${what} of ${whose}, above it`;
    return { by, raisedBy: `a change for ${whose}, which is above this agent`, isUsual: true };
  }
  if (kind === 'default') {
    const raisedBy = 'a policy of the operator for this agent';
    return { by: 'the default policy of the gateway', raisedBy, isUsual: true };
  }
  if (kind !== 'grant') {
    const by = `the ${kind}’s policy`;
    return { by, raisedBy: `the ${kind}, who can change that policy`, isUsual: true };
  }
  const isUsual = grants.find((grant) => grant.hash === hash)?.is_default === true;
  return {
    by: isUsual ? 'its default grant' : `its grant ${shortened(hash)}`,
    raisedBy: 'a new grant in its place (Grants, Replace)',
    isUsual,
  };
};

/**
 * Every limit that binds an account besides the policy of a slot, lowest first. The operator's policy takes the place of the default
 * policy.
 */
export const bindingLimits = (
  { policies, grants }: Sources,
  { account: self, role }: PolicySlot,
): readonly BindingLimit[] =>
  policies
    .filter(({ kind, account }) => kind !== role || account !== self)
    .filter(({ kind }) => kind !== 'default' || role !== 'operator')
    .flatMap((source) => {
      const policy = readPolicy(source.policy);
      const author = authorOf(source, self, grants);
      const amounts = policy === undefined ? [] : amountsIn(policy);
      return amounts.map(([row, amount]) => ({ row, amount, ...author }));
    })
    .toSorted((one, other) => (one.amount < other.amount ? -1 : one.amount > other.amount ? 1 : 0));

/** The lowest limit of a row that is below an amount, so that the amount itself changes nothing. */
export const tighterLimit = (
  limits: readonly BindingLimit[],
  row: MoneyRow,
  amount: bigint | undefined,
): BindingLimit | undefined =>
  amount === undefined
    ? undefined
    : limits.find((limit) => limit.row === row && limit.isUsual && limit.amount < amount);
