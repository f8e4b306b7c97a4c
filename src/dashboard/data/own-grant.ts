import { CountersignError } from '../../client/errors.ts';
import type { Hex } from '../../core/hex.ts';
import { useQuery } from './query.ts';

const MINUTE = 60;

/** The grant that calls of an account use, of which its own grants are a part; undefined for an owner. */
export const useOwnGrant = (account: string): Hex | undefined =>
  useQuery(
    `own grant of ${account}`,
    async (management, signal): Promise<Hex | undefined> => {
      try {
        const { body } = await management.call('account.get', { params: { account }, signal });
        const used = body.grants.find((grant) => grant.is_default && grant.status === 'active');
        return used?.hash as Hex | undefined;
      } catch (thrown) {
        // An owner that has made no call yet has no account.
        if (thrown instanceof CountersignError && thrown.response?.status === 404) return undefined;
        throw thrown;
      }
    },
    MINUTE,
  ).data;
