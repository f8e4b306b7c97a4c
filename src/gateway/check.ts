import { accountId } from '../core/account-id.ts';
import type { Config } from '../config.ts';
import type { Seconds } from '../core/clock.ts';
import type { Reason } from '../core/reason.ts';
import { err, type Result } from '../core/result.ts';
import type { Checked } from './checked.ts';
import { checkIntent } from './check-intent.ts';
import { bindingRequired, checkPayment } from './check-payment.ts';
import type { Claim } from './claim.ts';
import type { Errand } from './errand.ts';

/**
 * Checks the proof of an errand, cheap to dear: what it says against what is asked, times, request binding, signature (design §3).
 *
 * @returns undefined where nothing was proved that this errand takes, so that the caller is told how.
 */
export const check = (
  config: Config,
  { tool, observed, topUp }: Errand,
  claimed: Claim,
  now: Seconds,
): Result<Checked, Reason> | undefined => {
  switch (claimed.kind) {
    case 'none':
      return undefined;
    case 'intent':
      // Credit cannot buy credit.
      return topUp === undefined
        ? checkIntent(config, tool, observed, claimed.signed, now)
        : undefined;
    case 'payment': {
      if (tool.settlement === 'free') return undefined;
      const checked = checkPayment(config, tool, observed, claimed.proof, now);
      return checked.ok && isForAnother(topUp, checked.value)
        ? err(bindingRequired(checked.value.version))
        : checked;
    }
  }
};

/**
 * Whether money would become another account's credit without the payer having signed so: whoever sees a vanilla payment on its way
 * could have it credited to himself.
 */
const isForAnother = (topUp: Errand['topUp'], { network, payer, binding }: Checked): boolean =>
  topUp?.to !== undefined && topUp.to !== accountId(network, payer) && binding === 'none';
