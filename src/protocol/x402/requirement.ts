import type { Network } from '../account-id.ts';
import type { Address } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { checksummed, parseAddress } from '../../crypto/address.ts';
import type { Token } from '../payment.ts';

/** The JSON object in `extra`. */
export type Extra = { readonly [key: string]: unknown };

/** The price of a call on one network (x402 v2 `PaymentRequirements`). `amount` in atomic units: with `upto`, the most that is charged. */
export type Requirement = {
  readonly scheme: 'exact' | 'upto';
  readonly network: Network;
  readonly amount: bigint;
  readonly asset: Address;
  readonly payTo: Address;
  readonly maxTimeoutSeconds: Seconds;
  readonly extra: Extra;
};

/** How long the gateway may take to settle: a deferred tool settles after the call, an upfront tool before it. */
export const DEFERRED_TIMEOUT: Seconds = 3600;
export const UPFRONT_TIMEOUT: Seconds = 300;

/** The requirement for a price in a token. */
export const requirementOf = (
  token: Token,
  payTo: Address,
  amount: bigint,
  maxTimeoutSeconds: Seconds,
): Requirement => ({
  scheme: 'exact',
  network: token.network,
  amount,
  asset: token.address,
  payTo,
  maxTimeoutSeconds,
  extra: { name: token.name, version: token.version },
});

/** The requirement for a maximum in a token, by a Permit2 permit that only the transactions of `facilitator` can use. */
export const uptoRequirementOf = (
  token: Token,
  payTo: Address,
  amount: bigint,
  maxTimeoutSeconds: Seconds,
  facilitator: Address,
): Requirement => {
  const exact = requirementOf(token, payTo, amount, maxTimeoutSeconds);
  const facilitatorAddress = checksummed(facilitator);
  const extra = { ...exact.extra, assetTransferMethod: 'permit2', facilitatorAddress };
  return { ...exact, scheme: 'upto', extra };
};

/** The only sender that an `upto` requirement allows; undefined for `exact`. */
export const facilitatorOf = ({ scheme, extra }: Requirement): Address | undefined =>
  scheme === 'upto' ? parseAddress(String(extra['facilitatorAddress'])) : undefined;

/** The first difference between the accepted and the offered requirement. `field` is a path below the payment header. */
export type RequirementFault = {
  readonly reason: 'requirement_mismatch';
  readonly field: string;
  readonly expected: string;
  readonly got: string;
};

const isRecord = (value: unknown): value is Extra =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shown = (value: unknown): string =>
  (typeof value === 'bigint' ? value.toString() : (JSON.stringify(value) ?? 'nothing')).slice(
    0,
    128,
  );

/** The first path at which `got` does not contain `expected`. Objects may have more keys; all other values must be equal. */
const missing = (
  expected: unknown,
  got: unknown,
  path: string,
): { path: string; expected: unknown; got: unknown } | undefined => {
  if (isRecord(expected) && isRecord(got)) {
    for (const [key, value] of Object.entries(expected)) {
      const own = Object.hasOwn(got, key) ? got[key] : undefined;
      const fault = missing(value, own, `${path}.${key}`);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  if (Array.isArray(expected) && Array.isArray(got) && expected.length === got.length) {
    for (const [at, value] of expected.entries()) {
      const equal =
        missing(value, got[at], '') === undefined && missing(got[at], value, '') === undefined;
      if (!equal) return { path, expected, got };
    }
    return undefined;
  }
  return expected === got ? undefined : { path, expected, got };
};

const CORE = ['scheme', 'network', 'asset', 'payTo', 'amount', 'maxTimeoutSeconds'] as const;

const difference = (offered: Requirement, accepted: Requirement): RequirementFault | undefined => {
  for (const field of CORE) {
    if (offered[field] === accepted[field]) continue;
    return {
      reason: 'requirement_mismatch',
      field: `accepted.${field}`,
      expected: shown(offered[field]),
      got: shown(accepted[field]),
    };
  }
  const fault = missing(offered.extra, accepted.extra, 'accepted.extra');
  if (fault === undefined) return undefined;
  return {
    reason: 'requirement_mismatch',
    field: fault.path,
    expected: shown(fault.expected),
    got: shown(fault.got),
  };
};

/**
 * Finds the requirement that a client accepted, by the rule of the x402 reference server: all fields are equal, and the accepted
 * `extra` contains the offered one. The fault names the first difference from the requirement on the same network, if possible of the same
 * scheme.
 */
export const matchRequirement = (
  offered: readonly Requirement[],
  accepted: Requirement,
): Result<Requirement, RequirementFault> => {
  let nearest: RequirementFault | undefined;
  for (const requirement of offered) {
    if (requirement.network !== accepted.network) continue;
    const fault = difference(requirement, accepted);
    if (fault === undefined) return ok(requirement);
    if (requirement.scheme === accepted.scheme) nearest = fault;
    else nearest ??= fault;
  }
  return err(nearest ?? notOffered(offered, 'accepted.network', accepted.network));
};

/** Finds the requirement of a version 1 payload, which names only its network: version 1 has no scheme but `exact`. */
export const requirementOn = (
  offered: readonly Requirement[],
  on: Network,
): Result<Requirement, RequirementFault> => {
  const onNetwork = offered.filter(({ network }) => network === on);
  const requirement = onNetwork.find(({ scheme }) => scheme === 'exact');
  if (requirement !== undefined) return ok(requirement);
  const [other] = onNetwork;
  return err(
    other === undefined
      ? notOffered(offered, 'network', on)
      : { reason: 'requirement_mismatch', field: 'scheme', expected: other.scheme, got: 'exact' },
  );
};

const notOffered = (
  offered: readonly Requirement[],
  field: string,
  got: Network,
): RequirementFault => ({
  reason: 'requirement_mismatch',
  field,
  expected: offered.map((each) => each.network).join(' or '),
  got,
});
