import type { AnswerOf } from '../../../client/management.ts';
import type { Hex } from '../../../core/hex.ts';
import type { OwnGrant } from '../grants/grant-parent.ts';
import { isUnknownAccount } from '../problem.ts';
import { type Read, useQuery } from '../query.ts';

const MINUTE = 60;

/** What a person who grants budgets has to know of the own account. */
export type OwnAccount = {
  /** The grants that it holds; none for an owner. */
  readonly held: readonly OwnGrant[];
  /** Whether it has credit, which pays for the calls of its agents. */
  readonly hasCredit: boolean;
};

const ownAccountOf = ({
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

/** The account of the person who grants. */
export const useOwnAccount = (account: string): Read<OwnAccount> =>
  useQuery(
    `own account ${account}`,
    async (management, signal): Promise<OwnAccount> => {
      try {
        const { body } = await management.call('account.get', { params: { account }, signal });
        return ownAccountOf(body);
      } catch (thrown) {
        // An owner that has paid and granted nothing yet has no account.
        if (isUnknownAccount(thrown)) return ownAccountOf({ grants: [], money: [] });
        throw thrown;
      }
    },
    MINUTE,
  );
