import * as z from 'zod/mini';
import type { Address, Hex } from '../../core/hex.ts';
import { isObject } from '../../core/json-object.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { uintWord } from '../../crypto/typed-data.ts';
import { schemaFault, type WireFault } from '../fault.ts';
import type { Approval } from '../payment.ts';
import { address, signature, uint256 } from '../wire-fields.ts';
import {
  extendedBy,
  PAYLOAD_HINT,
  PAYLOAD_REASONS,
  type PaymentPayload,
  requirement,
  version2Members,
} from './payload-schema.ts';
import { GAS_SPONSORING_EXTENSION, PERMIT2, UPTO_PROXY } from './permit2.ts';

/** A Permit2 permit of the scheme `upto`: exactly these keys, integers as decimal strings. */
const permit2Authorization = z.strictObject(
  {
    from: address,
    permitted: z.strictObject(
      { token: address, amount: uint256 },
      'must be an object with token, amount',
    ),
    spender: address,
    nonce: uint256,
    deadline: uint256,
    witness: z.strictObject(
      { to: address, facilitator: address, validAfter: uint256 },
      'must be an object with to, facilitator, validAfter',
    ),
  },
  'must be an object with from, permitted, spender, nonce, deadline, witness',
);

const payloadSchema = z.strictObject(
  {
    ...version2Members,
    accepted: z.extend(requirement, { scheme: z.literal('upto', 'must be "upto"') }),
    payload: z.strictObject(
      { signature, permit2Authorization },
      'must be a Permit2 payload: an object with signature and permit2Authorization',
    ),
  },
  PAYLOAD_HINT,
);

/** What a payer adds to the extension that the offer declares. A payer with an allowance only echoes the declaration. */
const sponsoringSchema = z.looseObject(
  {
    info: z.looseObject(
      {
        from: address,
        asset: address,
        spender: address,
        amount: uint256,
        nonce: uint256,
        deadline: uint256,
        signature,
      },
      'must be an object with from, asset, spender, amount, nonce, deadline, signature',
    ),
  },
  'must be an object with info',
);

const isRequested = (extension: unknown): boolean => {
  const info = isObject(extension) ? extension['info'] : undefined;
  return extension !== undefined && (!isObject(info) || 'signature' in info || 'from' in info);
};

/** Whether the JSON of a version 2 payload states that it pays by `upto`. */
export const isPermitPayload = (json: unknown): boolean =>
  isObject(json) && isObject(json['accepted']) && json['accepted']['scheme'] === 'upto';

/** Reads the JSON of a payload of the scheme `upto`. Parameters and result are those of `readPaymentPayload`. */
export const parsePermitPayload = (
  root: string,
  json: unknown,
): Result<PaymentPayload, WireFault> => {
  const parsed = payloadSchema.safeParse(json);
  if (!parsed.success) return err(schemaFault(root, parsed.error.issues, PAYLOAD_REASONS));
  const { accepted, extensions, payload } = parsed.data;
  const { from, permitted, spender, nonce, deadline, witness } = payload.permit2Authorization;
  const field = `${root}.payload.permit2Authorization`;
  if (spender !== UPTO_PROXY) return mismatch(`${field}.spender`, UPTO_PROXY);
  if (permitted.token !== accepted.asset)
    return mismatch(`${field}.permitted.token`, accepted.asset);
  const signed = { payer: from, token: permitted.token, value: permitted.amount };
  const approval = readApproval(root, extensions?.[GAS_SPONSORING_EXTENSION], signed);
  if (!approval.ok) return approval;
  return ok({
    version: 2,
    network: accepted.network,
    accepted: { ...accepted, extra: accepted.extra ?? {} },
    authorization: {
      from,
      to: witness.to,
      value: permitted.amount,
      validAfter: witness.validAfter,
      validBefore: deadline,
      nonce: bytesOfNonce(nonce),
    },
    permit: {
      facilitator: witness.facilitator,
      ...(approval.value === undefined ? {} : { approval: approval.value }),
    },
    signature: payload.signature,
    ...extendedBy(extensions),
  });
};

const bytesOfNonce = (nonce: bigint): Hex => `0x${uintWord(nonce)}`;

const mismatch = (field: string, expected: string): Result<never, WireFault> =>
  err({ reason: 'malformed_field', field, hint: `must be ${expected}` });

/** Reads the EIP-2612 approval of Permit2, which must approve exactly what the permit spends: the proxy reverts for another amount. */
const readApproval = (
  root: string,
  extension: unknown,
  { payer, token, value }: { payer: Address; token: Address; value: bigint },
): Result<Approval | undefined, WireFault> => {
  if (!isRequested(extension)) return ok(undefined);
  const path = `${root}.extensions.${GAS_SPONSORING_EXTENSION}`;
  const parsed = sponsoringSchema.safeParse(extension);
  if (!parsed.success) return err(schemaFault(path, parsed.error.issues, {}));
  const { from, asset, spender, amount, nonce, deadline, signature: signed } = parsed.data.info;
  if (from !== payer) return mismatch(`${path}.info.from`, payer);
  if (asset !== token) return mismatch(`${path}.info.asset`, token);
  if (spender !== PERMIT2) return mismatch(`${path}.info.spender`, PERMIT2);
  if (amount !== value) return mismatch(`${path}.info.amount`, value.toString());
  return ok({ nonce: nonce.toString(), deadline: deadline.toString(), signature: signed });
};
