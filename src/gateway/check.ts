import type { Config } from '../config.ts';
import type { Seconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { accountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { checkIntent } from './check-intent.ts';
import { checkPayment } from './check-payment.ts';
import type { CheckedProof, PaidRequest, PaidRequestWithBody } from './paid-request.ts';
import { bindingRequired, type NoProof, type Proof } from './proof.ts';

/** Returns the proof of a request if it can pay for it; otherwise undefined, and the caller gets an offer or a challenge. */
export const usableProof = (
  { tool, topUp }: PaidRequest,
  proof: Proof | NoProof,
): Proof | undefined => {
  switch (proof.kind) {
    case 'none':
      return undefined;
    case 'intent':
      // Credit cannot buy credit.
      return topUp === undefined ? proof : undefined;
    case 'payment':
      return tool.settlement === 'free' ? undefined : proof;
  }
};

/**
 * Checks a proof, cheapest check first: schema, match with the offer, times, binding to the request, signature. Pure: a failed check
 * burns no call id.
 */
export const check = (
  config: Config,
  { tool, received, topUp }: PaidRequestWithBody,
  proof: Proof,
  now: Seconds,
): Result<CheckedProof, Reason> => {
  switch (proof.kind) {
    case 'intent':
      return withSecret(proof, checkIntent(config, tool, received, proof.signed, now));
    case 'payment': {
      const paid = checkPayment(config, tool, received, proof.payload, now);
      const checked = withSecret(proof, paid);
      return checked.ok && isForAnother(topUp, checked.value)
        ? err(bindingRequired(checked.value.version, 'beneficiary'))
        : checked;
    }
  }
};

/** Adds `showsSecret`, which counts only once the proof itself is valid. */
const withSecret = (
  { showsSecret }: Proof,
  checked: Result<CheckedProof, Reason>,
): Result<CheckedProof, Reason> =>
  checked.ok && showsSecret ? ok({ ...checked.value, showsSecret }) : checked;

/**
 * True if the money would become another account's credit and the payer has not signed that. Attack: a third party that captures a
 * vanilla payment in transit could have it credited to its own account.
 */
const isForAnother = (
  topUp: PaidRequest['topUp'],
  { network, payer, binding }: CheckedProof,
): boolean =>
  topUp?.to !== undefined && topUp.to !== accountId(network, payer) && binding === 'none';
