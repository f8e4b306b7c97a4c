import type { SignedAuthorization } from '../../dev/stack/authorization.ts';
import { people } from '../../dev/stack/people.ts';
import { usdc } from '../../dev/stack/chain-access.ts';

/** Standard base64 of JSON, as in the headers of x402. */
export const base64Json = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64');

/** A signed authorization as the `payload` of an x402 payment: integers are decimal strings. */
export const payloadOf = ({ authorization, signature }: SignedAuthorization) => ({
  signature,
  authorization: {
    ...authorization,
    value: authorization.value.toString(),
    validAfter: authorization.validAfter.toString(),
    validBefore: authorization.validBefore.toString(),
  },
});

/** Builds the header `PAYMENT-SIGNATURE` (x402 v2) of a payment to a local stack's payee, without requesting its 402 first. */
export const paymentHeader = (
  signed: SignedAuthorization,
  maxTimeoutSeconds: number,
  extensions: object,
): string =>
  base64Json({
    x402Version: 2,
    accepted: {
      scheme: 'exact',
      network: usdc.network,
      amount: signed.authorization.value.toString(),
      asset: usdc.address,
      payTo: people.payTo,
      maxTimeoutSeconds,
      extra: { name: usdc.name, version: usdc.version },
    },
    payload: payloadOf(signed),
    extensions,
  });
