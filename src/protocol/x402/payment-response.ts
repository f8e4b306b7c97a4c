import type { Network } from '../account-id.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { encodeBase64, utf8 } from '../../crypto/bytes.ts';
import { PAYMENT_RESPONSE_HEADER } from './headers.ts';
import { nameOfNetwork } from './networks.ts';

/** The outcome of a payment in the form of x402 (`SettleResponse`). `amount` in atomic units. */
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

/** The payer, network, amount and id of a paid call. */
export type PaidCall = {
  readonly payer: Address;
  readonly network: Network;
  readonly amount: bigint;
  /** The call id, which `GET /calls/<id>` takes. */
  readonly call: Hex;
};

/** A payment that the gateway accepted and settles later. */
export const acceptedPayment = (paid: PaidCall): PaymentResponse => ({
  success: true,
  payer: paid.payer,
  transaction: '',
  network: paid.network,
  amount: paid.amount,
  extra: { status: 'accepted', payment: paid.call },
});

/** A call that the payer's credit paid: the gateway drops the authorization that came with it. */
export const creditedPayment = (paid: PaidCall): PaymentResponse => ({
  ...acceptedPayment(paid),
  extra: { status: 'accepted', payment: paid.call, paidFrom: 'credit' },
});

/** A payment that has settled on the chain. */
export const settledPayment = (paid: PaidCall, transaction: Hex): PaymentResponse => ({
  ...acceptedPayment(paid),
  transaction,
  extra: { status: 'settled', payment: paid.call },
});

/** A payment that moved no money. `errorReason` is a code of x402 or of Countersign. */
export const refusedPayment = (paid: PaidCall, errorReason: string): PaymentResponse => ({
  success: false,
  errorReason,
  payer: paid.payer,
  transaction: '',
  network: paid.network,
  amount: paid.amount,
  extra: { status: 'refused', payment: paid.call },
});

/** Writes the response header for a client's x402 version: its name, and its value as base64 JSON. */
export const paymentResponseHeader = (
  version: 1 | 2,
  response: PaymentResponse,
): readonly [name: string, value: string] => {
  const network =
    version === 1 ? (nameOfNetwork(response.network) ?? response.network) : response.network;
  const wire = { ...response, network, amount: response.amount.toString() };
  return [PAYMENT_RESPONSE_HEADER[version], encodeBase64(utf8(JSON.stringify(wire)))];
};
