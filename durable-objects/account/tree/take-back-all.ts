import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Shares } from '../../../src/protocol/account/lease.ts';
import type { Acknowledged } from '../../../src/protocol/account/rpc.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { unchanged } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import { leaseOf } from './issued-lease.ts';
import { takeBack } from './merge-report.ts';

/** Takes back what a descendant returns by each of its grants. Unavailable if any of it was not committed. */
export const takeBackAll = async (
  ledger: Ledger,
  child: AccountId,
  branches: Readonly<Record<Hex, Shares>>,
): Promise<Acknowledged> => {
  const all = await Promise.all(
    Object.entries(branches).map(([issued, shares]) =>
      ledger.submit<Acknowledged>(
        (state, context) => {
          const lease = leaseOf(context.read, child, issued as Hex);
          return lease === undefined
            ? unchanged(state, { verdict: 'ok' })
            : takeBack(state, lease, shares, context);
        },
        { verdict: 'unavailable' },
      ),
    ),
  );
  return all.find(({ verdict }) => verdict === 'unavailable') ?? { verdict: 'ok' };
};
