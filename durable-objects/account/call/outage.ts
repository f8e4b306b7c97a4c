import type { Seconds } from '../../../src/core/clock.ts';
import type { Call, Evidence } from '../../../src/protocol/account/call.ts';
import { freeCredit, purseOf } from '../purse.ts';
import type { AccountState } from '../state.ts';
import { creditRecovery } from '../tree/recovery.ts';
import { mayDefer } from './exposure.ts';
import { type Backing, lenderOf } from './funds.ts';

/**
 * Decides whether an outage ends a call before it costs a request to another account or to the chain: only a settlement could pay for such
 * a call, whatever the chain shows about its payer. Returns the seconds to wait; undefined if the call may continue. A call that is refused
 * anyway must cost neither a look (law 12) nor a share of an ancestor's limit.
 */
export const haltedAtOnce = (
  state: AccountState,
  call: Call,
  { outage }: Evidence,
  { exposure, grant, progress }: Pick<Backing, 'exposure' | 'grant' | 'progress'>,
  now: Seconds,
): Seconds | undefined => {
  if (outage === undefined || call.payment === undefined) return undefined;
  if (call.settlement !== 'upfront' && call.settlement !== 'deferred') return undefined;
  const purse = purseOf(state, call.asset);
  // Its payer must learn of the debt: waiting does not clear it.
  if (purse.credit < 0n && call.topUp?.to !== state.account) return undefined;
  const isCovered =
    call.topUp === undefined &&
    (freeCredit(purse) >= call.price ||
      lenderOf(grant, progress) !== undefined ||
      (creditRecovery(purse, call.price) !== 'never' && progress.recalls === 0));
  return isCovered || mayDefer(state, call, exposure, now) ? undefined : outage.retryAfter;
};
