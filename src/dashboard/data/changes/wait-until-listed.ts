import type { Management } from '../../../client/management.ts';
import { gatewayNow } from '../gateway/gateway-clock.ts';

const PAUSE_MS = 1_000;
/** An account exports its entries within twenty seconds (docs/management.md §5). */
const MOST_PAUSES = 30;

/**
 * Waits until the lists show everything that an account has decided before now: they follow it by some seconds.
 *
 * @throws Error if they are further behind; CountersignError
 */
export const waitUntilListed = async (management: Management, account: string): Promise<void> => {
  const since = gatewayNow();
  for (let pause = 0; pause < MOST_PAUSES; pause += 1) {
    const { body } = await management.call('account.entries', {
      params: { account },
      query: { limit: 1 },
    });
    // The list contains everything before `as_of`, and a decision of this second is not before it.
    if (body.as_of !== undefined && body.as_of > since) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error('The lists of the gateway are behind.');
};
