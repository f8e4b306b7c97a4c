import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { Result } from '../../core/result.ts';
import type { Authorization, Payment, Permit } from '../payment.ts';
import {
  type AuthorizationFault,
  checkAuthorization,
  transferWithAuthorizationDigest,
} from './authorization.ts';
import type { Requirement, RequirementFault } from './requirement.ts';

/** Checks what a payer signed under one scheme. Pure. */
export type SignedScheme = {
  /** Checks the signed fields against the requirement that the payer accepted. The only fault of time alone is `expired`. */
  readonly check: (
    requirement: Requirement,
    signed: Pick<Payment, 'token' | 'authorization' | 'permit'>,
    now: Seconds,
  ) => Result<unknown, RequirementFault | AuthorizationFault>;
  /** The digest that the payer signs (EIP-712). */
  readonly digest: (signed: Pick<Payment, 'token' | 'authorization' | 'permit'>) => Hex;
};

/** EIP-3009, the scheme `exact`. */
export const EIP3009_SCHEME: SignedScheme = {
  check: (requirement, { authorization }, now) =>
    checkAuthorization(requirement, authorization, now),
  digest: ({ token, authorization }) => transferWithAuthorizationDigest(token, authorization),
};

/** The fields of a permit on the wire, below `permit2Authorization`. */
const PERMIT_FIELDS: Readonly<Record<keyof Authorization, string>> = {
  from: 'from',
  to: 'witness.to',
  value: 'permitted.amount',
  validAfter: 'witness.validAfter',
  validBefore: 'deadline',
  nonce: 'nonce',
};

/** The path of a signed field below the payment header, as problems name it. */
export const signedField = (
  { permit }: { readonly permit?: Permit | undefined },
  field: keyof Authorization,
): string =>
  permit === undefined
    ? `payload.authorization.${field}`
    : `payload.permit2Authorization.${PERMIT_FIELDS[field]}`;
