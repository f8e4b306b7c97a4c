import { networkName } from '../../protocol/network-name.ts';
import type { ItemOf } from '../../client/management.ts';
import { timeOf } from './time.ts';

/** Seconds. A relayer asks its node at each read of its status. */
const OLD = 60;

/** States how old the balance of a relayer is if its node is silent; undefined for a current balance. */
export const oldBalance = (
  { network, state, balance_at: at }: Pick<ItemOf<'relayers'>, 'network' | 'state' | 'balance_at'>,
  now: number,
): string | undefined => {
  if (state !== 'ready' || (at !== undefined && now - at <= OLD)) return undefined;
  const known =
    at === undefined ? 'Its balance is not known.' : `Its balance is from ${timeOf(at)}.`;
  return `No node of ${networkName(network)} answers the relayer. ${known}`;
};
