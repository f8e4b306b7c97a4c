import { countsCalls } from '../../../policy/rule-name.ts';
import type { AnswerOf } from '../../../client/management.ts';
import type { Policy } from '../../../policy/policy.ts';
import { isFiat } from '../../../protocol/fiat-asset.ts';
import { windowName } from '../../../policy/window.ts';
import type { Standing } from './standing.ts';
import { readPolicy } from '../../../policy/read-policy.ts';

type Money = Pick<AnswerOf<'account.get'>, 'money'>;
export type NamedLimit = Money['money'][number]['limits'][number] & { readonly asset: string };

/** The limit on money of which the largest share is used: spent or held. Undefined if no limit on money binds the account. */
export const tightestLimit = ({ money }: Money): NamedLimit | undefined =>
  money
    .flatMap(({ asset, limits }) => limits.map((limit) => ({ ...limit, asset })))
    .filter(({ rule }) => !countsCalls(rule) && !rule.endsWith('per_call'))
    .reduce<NamedLimit | undefined>(
      (tightest, limit) =>
        tightest === undefined || isTighter(limit, tightest) ? limit : tightest,
      undefined,
    );

/** Compares used shares without dividing: 1/3 and 2/6 are equal. A limit of zero is used up. */
const isTighter = (one: NamedLimit, other: NamedLimit): boolean => {
  const used = ({ spent, held }: NamedLimit): bigint => BigInt(spent) + BigInt(held);
  const [a, b] = [BigInt(one.limit), BigInt(other.limit)];
  if (a === 0n || b === 0n) return a === 0n && b !== 0n;
  return used(one) * b > used(other) * a;
};

/** A limit as a policy states it, without what was spent of it. */
export type StatedLimit = {
  readonly rule: string;
  readonly amount: bigint;
  readonly asset: string;
};

/** The asset of a policy that allows only one, such as a grant; empty for the token of the network. */
const assetOf = ({ assets = [] }: Policy): string =>
  assets.every(isFiat) ? (assets[0] ?? '') : '';

const stated = (rule: string, amount: bigint | undefined, asset: string): readonly StatedLimit[] =>
  amount === undefined ? [] : [{ rule, amount, asset }];

/**
 * The lowest limit on money that the policies of an account state: of a period, else in total, else of one call. Shown for an account
 * without counted spend, so that it does not look unlimited. Undefined if no policy limits money.
 */
export const statedLimit = ({
  policies,
}: {
  readonly policies: readonly Pick<Standing['policies'][number], 'policy'>[];
}): StatedLimit | undefined => {
  const read = policies.flatMap(({ policy }) => readPolicy(policy) ?? []);
  const kinds = [
    read.flatMap((policy) =>
      policy.windows.flatMap(({ every, limit, asset = assetOf(policy) }) =>
        stated(`window:${windowName(every)}`, limit, asset),
      ),
    ),
    read.flatMap((policy) => stated('lifetime', policy.lifetime, assetOf(policy))),
    read.flatMap((policy) => stated('per_call', policy.perCall, assetOf(policy))),
  ];
  const [first] = kinds.filter(({ length }) => length > 0);
  return first?.reduce((lowest, limit) => (limit.amount < lowest.amount ? limit : lowest));
};
