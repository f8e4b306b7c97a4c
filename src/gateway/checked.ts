import type { Binding } from '../protocol/account/call.ts';
import type { Network } from '../protocol/account-id.ts';
import type { Address, Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { AgentIntent } from '../protocol/intent/agent-intent.ts';
import type { Payment, Token } from '../protocol/payment.ts';

/** A proof that is right in everything that can be checked without asking anybody. */
export type Checked = {
  readonly kind: 'payment' | 'intent';
  readonly version: 1 | 2;
  /** Our origin that the request came to; what we sign about the call names it. */
  readonly audience: string;
  readonly network: Network;
  readonly payer: Address;
  readonly payTo: Address;
  readonly token: Token;
  /** What is reserved, atomic units: the price of the tool, or what the intent allows of a variable one. */
  readonly price: bigint;
  /** §4.6: the intent digest, or the EIP-3009 nonce: one namespace. */
  readonly call: Hex;
  readonly binding: Binding;
  readonly validBefore: Seconds;
  /** False for a proof whose time is over and that is right in all else: it may look up, never execute. */
  readonly execute: boolean;
  /** What was signed, and by what; a contract account is asked with the same two. */
  readonly digest: Hex;
  readonly signature: Hex;
  readonly signatureField: string;
  /** The key of `payer` signed. False: only a contract account can still vouch for it. */
  readonly signedByKey: boolean;
  readonly payment?: Payment;
  readonly intent?: AgentIntent;
  /** The caller showed the secret that the intent's nonce commits to. */
  readonly showsSecret?: boolean;
  /** Of a payment without intent: the x402 `payment-identifier`, a secret of client and gateway. */
  readonly paymentIdentifier?: string;
};
