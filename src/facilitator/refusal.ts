import type { Address } from '../core/hex.ts';

/**
 * Why the facilitator does not accept a payment, in the words of x402: those of the specification (v2 §9), and those that `@x402/evm` 2.27
 * emits for `exact` with EIP-3009. Servers compare them, so no other text may be added.
 */
export type RefusalReason =
  | 'invalid_x402_version'
  | 'unsupported_scheme'
  | 'invalid_network'
  | 'invalid_payload'
  | 'invalid_payment_requirements'
  | 'invalid_exact_evm_network_mismatch'
  | 'invalid_exact_evm_eip3009_not_supported'
  | 'invalid_exact_evm_missing_eip712_domain'
  | 'invalid_exact_evm_token_name_mismatch'
  | 'invalid_exact_evm_token_version_mismatch'
  | 'invalid_exact_evm_recipient_mismatch'
  | 'invalid_exact_evm_payload_authorization_value_mismatch'
  | 'invalid_exact_evm_payload_authorization_valid_after'
  | 'invalid_exact_evm_payload_authorization_valid_before'
  | 'invalid_exact_evm_payload_undeployed_smart_wallet'
  | 'invalid_exact_evm_signature'
  | 'invalid_exact_evm_nonce_already_used'
  | 'invalid_exact_evm_insufficient_balance'
  | 'invalid_exact_evm_transaction_simulation_failed';

export type Refusal = {
  readonly reason: RefusalReason;
  /** A sentence for the people who operate the server. */
  readonly message: string;
  /** Only after its signature verified, or for a fault that the payer's signature cannot change. */
  readonly payer?: Address;
};

export const nonceUsed = (payer: Address): Refusal => ({
  reason: 'invalid_exact_evm_nonce_already_used',
  message: 'The payer has used or cancelled this nonce.',
  payer,
});
