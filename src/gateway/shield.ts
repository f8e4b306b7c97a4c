import type { AccountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { payerKey, type PayerUse } from './client.ts';
import type { Gateway } from './gateway.ts';

/** How long a client that is over the limit should stay away, seconds. */
export const SHIELD_PAUSE = 10;

export const TOO_MANY: Reason = { reason: 'too_many_requests', retryAfter: SHIELD_PAUSE };

/** Whether there is room, and else whose limit it is that is full. */
export type Room = 'yes' | 'client_full' | 'payer_full';

/**
 * Whether the rate limiter lets a request on to something dear: its client first, so that one client cannot use up what the payer has;
 * then the payer, whose signature was verified, so that many clients cannot either.
 */
export const mayPass = async (
  { shield }: Pick<Gateway, 'shield'>,
  client: string,
  use: PayerUse,
  payer: AccountId | undefined,
): Promise<Room> => {
  if (!(await shield(client))) return 'client_full';
  return payer === undefined || (await shield(payerKey(use, payer))) ? 'yes' : 'payer_full';
};
