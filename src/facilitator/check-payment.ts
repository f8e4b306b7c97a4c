import type { Config } from '../config/config.ts';
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { checkSignature } from '../gateway/verify-signature.ts';
import { bindingMarkOf } from '../protocol/intent/binding.ts';
import type { Payment, Token } from '../protocol/payment.ts';
import {
  checkAuthorization,
  transferWithAuthorizationDigest,
} from '../protocol/x402/authorization.ts';
import type { Exchange } from '../protocol/x402/exchange.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { DEFERRED_TIMEOUT, type Requirement } from '../protocol/x402/requirement.ts';
import type { Refusal, RefusalReason } from './refusal.ts';

/** A payment for another seller that passed every check which needs no network access. */
export type CheckedPayment = {
  readonly version: 1 | 2;
  readonly payment: Payment;
  readonly digest: Hex;
  /** False: only the payer's contract could accept the signature (ERC-1271). */
  readonly signedByKey: boolean;
  /** Correct except for time: it is looked up on the chain, and never presented. */
  readonly isExpired: boolean;
};

/**
 * The smallest payment, $0.001. Anyone may send requirements that name a listed address, so the caller chooses the amount: smaller payments
 * would spend more of the operator's gas than they move.
 */
export const LEAST_AMOUNT = 1_000n;

/** The longest validity: the relayer keeps a payment for this long, and searches of the chain cover as much. */
export const LONGEST_VALIDITY: Seconds = DEFERRED_TIMEOUT;

/**
 * Checks a payment against the requirements of the server that presents it, cheapest check first, in the order of the specification.
 * Pure: an address that the operator has not listed causes no request to a node and no call of an object (law 12).
 */
export const checkPayment = (
  { facilitates }: Pick<Config, 'facilitates'>,
  { requirement, payload }: Exchange,
  now: Seconds,
): Result<CheckedPayment, Refusal> => {
  const { version, authorization, signature } = payload;
  const { network, payTo, amount } = requirement;
  const listed = facilitates.get(network);
  const token = tokenOf(network);
  if (listed === undefined || token === undefined) {
    return refuse('invalid_network', `This facilitator does not settle on ${network}.`);
  }
  if (!listed.includes(payTo)) {
    return refuse('invalid_payment_requirements', `This facilitator does not serve ${payTo}.`);
  }
  if (payload.network !== network) {
    return refuse(
      'invalid_exact_evm_network_mismatch',
      `The payment is for ${payload.network}, the requirements are for ${network}.`,
    );
  }
  if (amount < LEAST_AMOUNT) {
    return refuse('invalid_payment_requirements', `The least amount is ${LEAST_AMOUNT}.`);
  }
  if (!FLOWS.has(requirement.extra['paymentFlow'])) {
    return refuse('invalid_payment_requirements', 'The payment flow must be "authorization".');
  }
  const domain = domainFault(token, requirement);
  if (domain !== undefined) return err(domain);
  if (bindingMarkOf(authorization.validAfter) !== 'none') return bound;

  // The server's own timeout only bounds what its clients sign: the facilitator needs a bound for its relayer.
  const bounded = { ...requirement, maxTimeoutSeconds: LONGEST_VALIDITY };
  const timed = checkAuthorization(bounded, authorization, now);
  const isExpired = !timed.ok && timed.error.reason === 'expired';
  if (!timed.ok && !isExpired) {
    const { field, expected, reason } = timed.error;
    return refuse(REASON_OF[reason], `${field} must be ${expected}.`);
  }
  const digest = transferWithAuthorizationDigest(token, authorization);
  const signed = checkSignature(authorization.from, digest, signature, 'payload.signature');
  if (!signed.ok) {
    return signed.error.reason === 'unsupported_signature'
      ? refuse(
          'invalid_exact_evm_payload_undeployed_smart_wallet',
          'The signature is of a wallet that is not deployed (ERC-6492).',
        )
      : invalidSignature;
  }
  const maxTimeoutSeconds = Math.min(requirement.maxTimeoutSeconds, LONGEST_VALIDITY);
  return ok({
    version,
    payment: { token, authorization, signature, maxTimeoutSeconds },
    digest,
    signedByKey: signed.value,
    isExpired,
  });
};

/**
 * The payment flows of x402 in which a server verifies before it settles; absent means `authorization`.
 *
 * Attack: anyone can read a settled payment from the chain and send it again. `/verify` refuses it. `/settle` gives the same answer again, so
 * a server that settles without verifying (`upfront`) would serve every copy.
 */
const FLOWS: ReadonlySet<unknown> = new Set([undefined, 'authorization']);

const refuse = (reason: RefusalReason, message: string): Result<never, Refusal> =>
  err({ reason, message });

export const invalidSignature = refuse(
  'invalid_exact_evm_signature',
  "The signature is not the payer's over this authorization.",
);

/**
 * A bound payment pays one request of one gateway, which its intent names. A facilitator does not see the request, so it cannot tell
 * whether a server presents the payment for that request or for another one (CWE-757). It is refused with or without its intent, and by
 * `/settle` too, because a server whose payment flow is `upfront` never calls `/verify`.
 */
const bound = refuse(
  'invalid_exact_evm_payload_authorization_valid_after',
  'This validAfter marks a payment that is bound to one request of a Countersign gateway; only that gateway may settle it.',
);

type AuthorizationFault = Extract<
  ReturnType<typeof checkAuthorization>,
  { readonly ok: false }
>['error']['reason'];

const REASON_OF: Readonly<Record<AuthorizationFault, RefusalReason>> = {
  wrong_payer: 'invalid_payload',
  recipient_mismatch: 'invalid_exact_evm_recipient_mismatch',
  value_mismatch: 'invalid_exact_evm_payload_authorization_value_mismatch',
  not_yet_valid: 'invalid_exact_evm_payload_authorization_valid_after',
  valid_too_long: 'invalid_exact_evm_payload_authorization_valid_before',
  expired: 'invalid_exact_evm_payload_authorization_valid_before',
};

/** The token and the EIP-712 domain must be those of the gateway's table: no caller chooses the domain of a signature. */
const domainFault = (token: Token, { asset, extra }: Requirement): Refusal | undefined => {
  const { name, version } = extra;
  if (asset !== token.address) {
    return {
      reason: 'invalid_exact_evm_eip3009_not_supported',
      message: `The token must be ${token.address}.`,
    };
  }
  if (name === undefined || version === undefined) {
    return {
      reason: 'invalid_exact_evm_missing_eip712_domain',
      message: 'extra must hold the name and the version of the token.',
    };
  }
  if (name !== token.name) {
    return {
      reason: 'invalid_exact_evm_token_name_mismatch',
      message: `extra.name must be ${token.name}.`,
    };
  }
  return version === token.version
    ? undefined
    : {
        reason: 'invalid_exact_evm_token_version_mismatch',
        message: `extra.version must be ${token.version}.`,
      };
};
