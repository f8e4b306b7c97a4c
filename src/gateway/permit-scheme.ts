/** The scheme `upto`: how its payments are parsed and checked. The first such payment loads this. */
import type { Seconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { verifyStrict } from '../crypto/verifier.ts';
import type { WireFault } from '../protocol/fault.ts';
import type { Payment } from '../protocol/payment.ts';
import { checkAuthorization, SETTLE_MARGIN } from '../protocol/x402/authorization.ts';
import { GAS_SPONSORING_EXTENSION } from '../protocol/x402/permit2.ts';
import { PAYMENT_HEADER } from '../protocol/x402/headers.ts';
import { parsePayload, type PaymentPayload } from '../protocol/x402/payload-schema.ts';
import { PAYMENT_HEADERS } from '../protocol/x402/payment-payload.ts';
import { isPermitPayload, parsePermitPayload } from '../protocol/x402/permit-payload.ts';
import { approvalDigest, permitDigest } from '../protocol/x402/permit.ts';
import { facilitatorOf, type RequirementFault } from '../protocol/x402/requirement.ts';
import { type SignedScheme, signedField } from '../protocol/x402/signed-scheme.ts';
import { readJsonHeader } from '../protocol/strict-json.ts';

/** Reads a `PAYMENT-SIGNATURE` of the scheme `upto`. Never throws. */
export const parsePermitSignature = (text: string): Result<PaymentPayload, WireFault> => {
  const json = readJsonHeader(PAYMENT_HEADERS[2], text);
  if (!json.ok) return json;
  return isPermitPayload(json.value)
    ? parsePermitPayload(PAYMENT_HEADER[2], json.value)
    : parsePayload(2, PAYMENT_HEADER[2], json.value);
};

type Signed = Parameters<SignedScheme['digest']>[0];

/**
 * Checks a permit by the rules of `checkAuthorization`. They are a second stricter than the proxy, which also accepts a transfer in the
 * second of `validAfter`, and Permit2, which accepts one in the second of the deadline.
 *
 * Attack: a permit for another sender is worthless, because the proxy accepts only a transaction of `witness.facilitator`.
 */
const check: SignedScheme['check'] = (requirement, signed, now) => {
  const { authorization, permit } = signed;
  const sender = facilitatorOf(requirement);
  if (sender === undefined || permit?.facilitator !== sender) {
    return err({
      reason: 'requirement_mismatch',
      field: 'payload.permit2Authorization.witness.facilitator',
      expected: sender ?? 'nothing',
      got: permit?.facilitator ?? 'nothing',
    });
  }
  const checked = checkAuthorization(requirement, authorization, now, (field) =>
    signedField(signed, field),
  );
  // An expired payment only looks its call up. By then its approval has ended, too.
  return checked.ok ? checkApproval(signed, now) : checked;
};

const INFO = `extensions.${GAS_SPONSORING_EXTENSION}.info`;

/**
 * Checks the EIP-2612 approval that a permit carries. Only the payer's key can give it: the proxy takes `v`, `r` and `s`, so a contract
 * account cannot. Whether the token has used its nonce since shows only on the chain, where the transfer then needs an allowance.
 */
const checkApproval = (
  { token, authorization, permit }: Pick<Payment, 'token' | 'authorization' | 'permit'>,
  now: Seconds,
): Result<true, RequirementFault> => {
  const approval = permit?.approval;
  if (approval === undefined) return ok(true);
  const wrong = (field: string, expected: string, got: string): Result<true, RequirementFault> =>
    err({ reason: 'requirement_mismatch', field: `${INFO}.${field}`, expected, got });
  const earliest = BigInt(now) + SETTLE_MARGIN;
  if (BigInt(approval.deadline) <= earliest) {
    return wrong('deadline', `> ${earliest}`, approval.deadline);
  }
  const digest = approvalDigest(token, authorization, approval);
  const verified = verifyStrict(authorization.from, digest, approval.signature);
  return verified.ok
    ? ok(true)
    : wrong('signature', "the payer's over this approval of Permit2", verified.error.reason);
};

const digest = ({ token, authorization, permit }: Signed) => {
  if (permit === undefined) throw new TypeError('not a permit');
  return permitDigest(token, authorization, permit);
};

export const PERMIT_SCHEME: SignedScheme = { check, digest };
