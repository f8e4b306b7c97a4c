import { countsCalls } from '../../protocol/account/denial.ts';
import type { AnswerOf } from '../../client/management.ts';

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
