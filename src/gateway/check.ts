import { accountId } from '../protocol/account-id.ts';
import type { Config } from '../config.ts';
import type { Seconds } from '../core/clock.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Checked } from './checked.ts';
import { checkIntent } from './check-intent.ts';
import { bindingRequired } from './check-mark.ts';
import { checkPayment } from './check-payment.ts';
import type { Claim, ShownProof } from './claim.ts';
import type { Errand, ObservedErrand } from './errand.ts';

/** The proof that a request sent; undefined where it sent none that this errand takes, so that the caller is told how. */
export const proofFor = ({ tool, topUp }: Errand, claimed: Claim): ShownProof | undefined => {
  switch (claimed.kind) {
    case 'none':
      return undefined;
    case 'intent':
      // Credit cannot buy credit.
      return topUp === undefined ? claimed : undefined;
    case 'payment':
      return tool.settlement === 'free' ? undefined : claimed;
  }
};

/** Checks the proof of an errand, cheap to dear: what it says against what is asked, times, request binding, signature (design §3). */
export const check = (
  config: Config,
  { tool, observed, topUp }: ObservedErrand,
  claimed: ShownProof,
  now: Seconds,
): Result<Checked, Reason> => {
  switch (claimed.kind) {
    case 'intent':
      return withSecret(claimed, checkIntent(config, tool, observed, claimed.signed, now));
    case 'payment': {
      const paid = checkPayment(config, tool, observed, claimed.proof, now);
      const checked = withSecret(claimed, paid);
      return checked.ok && isForAnother(topUp, checked.value)
        ? err(bindingRequired(checked.value.version, 'beneficiary'))
        : checked;
    }
  }
};

/** What was shown besides the proof counts only once the proof itself is right. */
const withSecret = (
  { showsSecret }: ShownProof,
  checked: Result<Checked, Reason>,
): Result<Checked, Reason> =>
  checked.ok && showsSecret ? ok({ ...checked.value, showsSecret }) : checked;

/**
 * Whether money would become another account's credit without the payer having signed so: whoever sees a vanilla payment on its way
 * could have it credited to himself.
 */
const isForAnother = (topUp: Errand['topUp'], { network, payer, binding }: Checked): boolean =>
  topUp?.to !== undefined && topUp.to !== accountId(network, payer) && binding === 'none';
