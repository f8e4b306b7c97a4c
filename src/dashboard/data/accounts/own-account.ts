import type { AnswerOf } from '../../../client/management.ts';
import type { Hex } from '../../../core/hex.ts';
import type { OwnGrant } from '../grants/grant-parent.ts';

/** The facts about the own account that matter to a person who grants budgets. */
export type OwnAccount = {
  /** The grants that it holds; none for an owner. */
  readonly held: readonly OwnGrant[];
  /** Whether it has credit, which pays for the calls of its agents. */
  readonly hasCredit: boolean;
};

export const ownAccountOf = ({
  grants,
  money,
}: Pick<AnswerOf<'account.get'>, 'grants' | 'money'>): OwnAccount => ({
  held: grants.map(({ hash, status, is_default: isDefault, policy }) => ({
    hash: hash as Hex,
    isActive: status === 'active',
    isDefault,
    assets: policy?.assets,
  })),
  hasCredit: money.some(({ credit }) => credit !== '0'),
});

/** Whether an account has no credit, and no parent whose credit could pay. */
export const lacksCredit = ({ hasCredit, held }: Pick<OwnAccount, 'hasCredit' | 'held'>): boolean =>
  !hasCredit && held.length === 0;
