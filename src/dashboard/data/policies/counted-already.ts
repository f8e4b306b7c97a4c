import type { Policy } from '../../../policy/policy.ts';
import { windowName } from '../../../policy/window.ts';
import type { Standing } from '../accounts/standing.ts';

type Limits = {
  readonly money: readonly {
    readonly asset: string;
    readonly limits: readonly Pick<
      Standing['money'][number]['limits'][number],
      'rule' | 'spent' | 'held'
    >[];
  }[];
};

/** The amount that a counter of an account holds already. The name of its rule is without an author: `window:day`. */
export type Counted = { readonly rule: string; readonly asset: string; readonly counted: bigint };

/** The counters of a policy. `only`: the asset of a window that counts only one. */
const countersOf = ({
  windows,
  lifetime,
}: Policy): readonly { readonly rule: string; readonly only: string | undefined }[] => [
  ...windows.map(({ every, asset }) => ({ rule: `window:${windowName(every)}`, only: asset })),
  ...(lifetime === undefined ? [] : [{ rule: 'lifetime', only: undefined }]),
];

/**
 * The amounts that the limits of a new policy have counted when it is saved. An account has one counter for each length of time, whoever
 * limits it (docs/policy.md), so a limit continues the count of another policy; limits of grants count separately.
 */
export const countedAlready = (policy: Policy, { money }: Limits): readonly Counted[] =>
  countersOf(policy).flatMap(({ rule, only }) =>
    money.flatMap(({ asset, limits }) => {
      const found = limits.find((limit) => limit.rule === rule || limit.rule === `owner:${rule}`);
      const counted = found === undefined ? 0n : BigInt(found.spent) + BigInt(found.held);
      return counted === 0n || (only ?? asset) !== asset ? [] : [{ rule, asset, counted }];
    }),
  );
