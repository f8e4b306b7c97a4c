import * as z from 'zod/mini';
import { err, ok, type Result } from '../../core/result.ts';
import { schemaFault, type WireFault, type WireReason } from '../fault.ts';
import { address, uint256 } from '../wire-fields.ts';
import {
  exact,
  extra,
  networkName,
  type PaymentPayload,
  requirement,
  timeout,
} from './payload-schema.ts';
import { readPaymentPayload } from './payment-payload.ts';
import type { Requirement } from './requirement.ts';

/** The body of `POST /verify` and `/settle`: a payment, and the requirements of the server that received it (x402 v2 §7, v1 §6). */
export type Exchange = { readonly requirement: Requirement; readonly payload: PaymentPayload };

const ROOT = 'body';

const envelope = z.strictObject(
  {
    x402Version: z.number('must be 1 or 2'),
    paymentPayload: z.unknown(),
    paymentRequirements: z.unknown(),
  },
  'must be an object with x402Version, paymentPayload and paymentRequirements',
);

const text = z.nullish(z.string('must be a string').check(z.maxLength(4_096, 'is too long')));

/** `PaymentRequirements` of x402 v1. The texts describe the resource and decide nothing. */
const requirement1 = z.strictObject(
  {
    scheme: exact,
    network: networkName,
    maxAmountRequired: uint256,
    asset: address,
    payTo: address,
    maxTimeoutSeconds: timeout,
    resource: text,
    description: text,
    mimeType: text,
    outputSchema: z.nullish(z.unknown()),
    extra,
  },
  'must be an offer: an object with scheme, network, maxAmountRequired, asset, payTo, maxTimeoutSeconds',
);

const REASONS: Readonly<Record<string, WireReason>> = {
  scheme: 'unsupported_scheme',
  network: 'unsupported_network',
};

const readRequirement = (version: 1 | 2, json: unknown): Result<Requirement, WireFault> => {
  const root = `${ROOT}.paymentRequirements`;
  if (version === 1) {
    const read = requirement1.safeParse(json);
    if (!read.success) return err(schemaFault(root, read.error.issues, REASONS));
    const { scheme, network, maxAmountRequired: amount, asset, payTo } = read.data;
    const { maxTimeoutSeconds, extra: own } = read.data;
    return ok({ scheme, network, amount, asset, payTo, maxTimeoutSeconds, extra: own ?? {} });
  }
  const read = requirement.safeParse(json);
  return read.success
    ? ok({ ...read.data, extra: read.data.extra ?? {} })
    : err(schemaFault(root, read.error.issues, REASONS));
};

/** Reads the JSON of the body. Never throws: every value yields an exchange, or a fault that names the field. */
export const readExchange = (json: unknown): Result<Exchange, WireFault> => {
  const read = envelope.safeParse(json);
  if (!read.success) return err(schemaFault(ROOT, read.error.issues, {}));
  const { x402Version: version, paymentPayload, paymentRequirements } = read.data;
  if (version !== 1 && version !== 2) {
    const field = `${ROOT}.x402Version`;
    return err({ reason: 'unsupported_version', field, hint: 'must be 1 or 2' });
  }
  const demanded = readRequirement(version, paymentRequirements);
  if (!demanded.ok) return demanded;
  const payload = readPaymentPayload(version, `${ROOT}.paymentPayload`, paymentPayload);
  return payload.ok ? ok({ requirement: demanded.value, payload: payload.value }) : payload;
};
