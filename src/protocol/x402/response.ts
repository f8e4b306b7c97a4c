import type { Network } from '../account-id.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { encodeBase64, utf8 } from '../../crypto/bytes.ts';
import { nameOfNetwork } from './networks.ts';

/** What became of a payment, as x402 writes it (`SettleResponse`). `amount` in atomic units. */
export type PaymentResponse = {
  readonly success: boolean;
  readonly errorReason?: string;
  readonly payer: Address;
  /** Empty until the payment is on the chain. */
  readonly transaction: Hex | '';
  readonly network: Network;
  readonly amount: bigint;
  readonly extra?: Readonly<Record<string, string>>;
};

/** Who paid how much for which call. */
export type PaidCall = {
  readonly payer: Address;
  readonly network: Network;
  readonly amount: bigint;
  /** The call id: the name under which the payment can be asked for. */
  readonly call: Hex;
};

/** A payment that was accepted and settles later (design §4.8). */
export const acceptedPayment = (paid: PaidCall): PaymentResponse => ({
  success: true,
  payer: paid.payer,
  transaction: '',
  network: paid.network,
  amount: paid.amount,
  extra: { status: 'accepted', payment: paid.call },
});

/** A call paid from the payer's credit: the authorization it came with is dropped (design §4.4). */
export const creditedPayment = (paid: PaidCall): PaymentResponse => ({
  ...acceptedPayment(paid),
  extra: { status: 'accepted', payment: paid.call, paidFrom: 'credit' },
});

/** A payment that the chain has. */
export const settledPayment = (paid: PaidCall, transaction: Hex): PaymentResponse => ({
  ...acceptedPayment(paid),
  transaction,
  extra: { status: 'settled', payment: paid.call },
});

/** A payment that moved nothing; `errorReason` is an x402 code or one of ours. */
export const refusedPayment = (paid: PaidCall, errorReason: string): PaymentResponse => ({
  success: false,
  errorReason,
  payer: paid.payer,
  transaction: '',
  network: paid.network,
  amount: paid.amount,
  extra: { status: 'refused', payment: paid.call },
});

const RESPONSE_HEADER = { 1: 'X-PAYMENT-RESPONSE', 2: 'PAYMENT-RESPONSE' } as const;

/** The header that tells a client of a version what became of its payment: name and base64 JSON value. */
export const paymentResponseHeader = (
  version: 1 | 2,
  response: PaymentResponse,
): readonly [name: string, value: string] => {
  const network =
    version === 1 ? (nameOfNetwork(response.network) ?? response.network) : response.network;
  const wire = { ...response, network, amount: response.amount.toString() };
  return [RESPONSE_HEADER[version], encodeBase64(utf8(JSON.stringify(wire)))];
};
