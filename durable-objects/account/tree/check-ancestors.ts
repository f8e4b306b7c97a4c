import type { Ledger } from '../ledger.ts';
import { unchanged } from '../decision.ts';
import { NO_PROGRESS } from '../call/progress.ts';
import { type LeaseNeed, leaseNeeds } from './lease-need.ts';
import type { LeaseRequests } from './lease-requests.ts';

/**
 * Asks the ancestors of every held grant whether it still lives, before the account grants on it, takes another one, or shows it.
 *
 * @returns whether all of them answered.
 */
export const checkAncestors = async (ledger: Ledger, requests: LeaseRequests): Promise<boolean> => {
  const needs = await ledger.submit<readonly LeaseNeed[]>((state, { now }) => {
    const all = state.held.flatMap((held) => leaseNeeds(state, held, 0n, now));
    return unchanged(state, [...new Map(all.map((ask) => [ask.link.hash, ask])).values()]);
  }, []);
  // A dry run: a lease taken here would be held, and be of another asset than the calls'.
  const { unreachable } = await requests.rehearse(NO_PROGRESS, needs, 'eip155:0/erc20:0x');
  return unreachable === undefined;
};
