import type { Ledger } from '../ledger.ts';
import { unchanged } from '../decision.ts';
import { NO_PROGRESS } from '../call/progress.ts';
import { type LeaseNeed, leaseNeeds } from './lease-need.ts';
import type { LeaseRequests } from './lease-requests.ts';

/**
 * Requests the status of every held grant from its ancestors, before the account issues a grant under it, takes another, or reports it.
 *
 * @returns whether all of them answered.
 */
export const checkAncestors = async (ledger: Ledger, requests: LeaseRequests): Promise<boolean> => {
  const needs = await ledger.submit<readonly LeaseNeed[]>((state, { now }) => {
    const all = state.held.flatMap((held) => leaseNeeds(state, held, 0n, now));
    return unchanged(state, [...new Map(all.map((ask) => [ask.link.hash, ask])).values()]);
  }, []);
  // A dry run, because a real lease would hold a share, in another asset than that of the calls.
  const { unreachable } = await requests.rehearse(NO_PROGRESS, needs, 'eip155:0/erc20:0x');
  return unreachable === undefined;
};
