import { memoize } from '../../core/bounded-map.ts';
import type { Seconds } from '../../core/clock.ts';
import { type Hex, ZERO_ADDRESS } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import {
  addressWord,
  bytes32Word,
  stringWord,
  structHash,
  typedDataDigest,
  uintWord,
  type Word,
} from '../../crypto/typed-data.ts';
import { chainIdOf } from '../account-id.ts';
import type { Authorization, Token } from '../payment.ts';
import type { Requirement } from './requirement.ts';

/** Why an authorization does not pay the requirement. */
export type AuthorizationFault = {
  readonly reason:
    | 'wrong_payer'
    | 'recipient_mismatch'
    | 'value_mismatch'
    | 'not_yet_valid'
    | 'valid_too_long'
    /** Correct except for time: it may look up the outcome of its call, never execute. */
    | 'expired';
  /** A path below the payment header. */
  readonly field: string;
  readonly expected: string;
  readonly got: string;
};

/** Seconds of validity that facilitators require to get a transaction into a block. */
export const SETTLE_MARGIN = 6n;
/** Seconds that a client's clock may be ahead of ours when it adds `maxTimeoutSeconds`. */
const CLOCK_LEAD = 60n;

/**
 * Checks the signed authorization against the cost of the call. The token contract (EIP-3009) also enforces `to`, `value` and
 * `validAfter < now`. The bounds `now + 6 < validBefore <= now + maxTimeoutSeconds + 60` are stricter than the contract's: facilitators
 * require the lower one, and the gateway the upper one. An attacker could replay an authorization with a later `validBefore` after the
 * account pruned its nonce (CWE-294).
 *
 * @param pathOf the path of a signed field, for faults.
 */
export const checkAuthorization = (
  requirement: Requirement,
  authorization: Authorization,
  now: Seconds,
  pathOf: (field: keyof Authorization) => string = (field) => `payload.authorization.${field}`,
): Result<Authorization, AuthorizationFault> => {
  const fault = (
    reason: AuthorizationFault['reason'],
    field: keyof Authorization,
    expected: string,
  ): Result<Authorization, AuthorizationFault> =>
    err({
      reason,
      field: pathOf(field),
      expected,
      got: authorization[field].toString(),
    });

  const at = BigInt(now);
  const earliest = at + SETTLE_MARGIN;
  const latest = at + BigInt(requirement.maxTimeoutSeconds) + CLOCK_LEAD;
  if (authorization.from === ZERO_ADDRESS) return fault('wrong_payer', 'from', 'a nonzero address');
  if (authorization.to !== requirement.payTo) {
    return fault('recipient_mismatch', 'to', requirement.payTo);
  }
  if (authorization.value !== requirement.amount) {
    return fault('value_mismatch', 'value', requirement.amount.toString());
  }
  if (authorization.validAfter >= at) return fault('not_yet_valid', 'validAfter', `< ${at}`);
  if (authorization.validBefore > latest) {
    return fault('valid_too_long', 'validBefore', `<= ${latest}`);
  }
  // Checked last, so that `expired` implies that everything else is correct.
  if (authorization.validBefore <= earliest)
    return fault('expired', 'validBefore', `> ${earliest}`);
  return ok(authorization);
};

const KEPT_DOMAINS = 256;

// Type hashes are precomputed: an isolate would hash them before its first request. Tests compare every digest with viem's.
/** `EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)` */
const CONTRACT_DOMAIN: Word = '8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f';
/** `TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)` */
const TRANSFER_WITH_AUTHORIZATION: Word =
  '7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267';
/** Keccak-256 of the names and versions in the table of tokens. */
const DOMAIN_STRINGS: ReadonlyMap<string, Word> = new Map([
  ['USDC', 'd6aca1be9729c13d677335161321649cccae6a591554772516700f986f942eaa'],
  ['USD Coin', '52878b207aaddbfc15ea7bebcda681eb8ccd306e2227b61cef68505c8c056341'],
  ['2', 'ad7c5bef027816a800da1736444fb58a807ef4c9603b7848673f7e3a68eb14a5'],
]);
const domainStringWord = (text: string): Word => DOMAIN_STRINGS.get(text) ?? stringWord(text);

const makeDomain = (token: Token): Word => {
  const chainId = chainIdOf(token.network);
  if (chainId === undefined) throw new RangeError(`not an EVM network: ${token.network}`);
  return structHash(
    CONTRACT_DOMAIN,
    domainStringWord(token.name),
    domainStringWord(token.version),
    uintWord(BigInt(chainId)),
    addressWord(token.address),
  );
};

const keptDomain = memoize(
  KEPT_DOMAINS,
  (token: Token) => JSON.stringify([token.network, token.address, token.name, token.version]),
  makeDomain,
);

/**
 * The domain separator of a token, equal to its `DOMAIN_SEPARATOR()` on the chain. Name and version come from the pinned table,
 * never from a client.
 */
export const tokenDomainSeparator = (token: Token): Hex => `0x${keptDomain(token)}`;

/** The digest that the payer signs for an EIP-3009 `TransferWithAuthorization`. */
export const transferWithAuthorizationDigest = (token: Token, authorization: Authorization): Hex =>
  typedDataDigest(
    bytes32Word(tokenDomainSeparator(token)),
    structHash(
      TRANSFER_WITH_AUTHORIZATION,
      addressWord(authorization.from),
      addressWord(authorization.to),
      uintWord(authorization.value),
      uintWord(authorization.validAfter),
      uintWord(authorization.validBefore),
      bytes32Word(authorization.nonce),
    ),
  );
