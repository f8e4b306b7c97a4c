import type { Seconds } from '../../core/clock.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { err, type Result, unreachable } from '../../core/result.ts';
import type { KeyReference } from '../../protocol/key-reference.ts';

/**
 * Signs with keys that never leave a key management service. The caller decides what may be signed; a backend only reads a digest.
 * Calls take 10 to 60 ms and can fail halfway: reserve the signature first, call outside the transaction, then record the outcome.
 */
export type KeyBackend = {
  /** Returns the Ethereum address of a key. A key of another curve or usage is a `mismatch`. */
  address(key: KeyReference): Promise<Result<Address, KeyFault>>;
  /**
   * Signs a digest of 32 bytes.
   *
   * @param expected the address that the key had when it was enrolled
   * @returns 65 bytes: r, low s, v 27 or 28. The signature was recovered to `expected`: a signature of any other key is a `mismatch`.
   */
  sign(key: KeyReference, digest: Hex, expected: Address): Promise<Result<Hex, KeyFault>>;
};

/** Why a service returned no address or no signature. Never contains text of the service: it names accounts and roles (CWE-209). */
export type KeyFault =
  /** The service rejects further requests for now. The backend has retried within its bounds. */
  | { readonly kind: 'throttled'; readonly retryAfter: Seconds }
  /** The credentials are rejected, or may not use the key. */
  | { readonly kind: 'denied'; readonly detail: string }
  /** The service has no key of this name. */
  | { readonly kind: 'missing' }
  /** The key is disabled, scheduled for deletion or not ready. */
  | { readonly kind: 'disabled' }
  /** The service did not answer in time, or its answer does not have the documented form. */
  | { readonly kind: 'unavailable'; readonly detail: string }
  /** The answer belongs to another key, or its signature does not recover to the expected address. */
  | { readonly kind: 'mismatch'; readonly detail: string };

/** @param detail the part of the answer that is wrong, e.g. `signatureCrc32c`, or the service's name of an error */
export const unavailable = (detail: string): Result<never, KeyFault> =>
  err({ kind: 'unavailable', detail });

/** @param detail the part of the answer that belongs to another key, e.g. `KeyId` */
export const mismatch = (detail: string): Result<never, KeyFault> =>
  err({ kind: 'mismatch', detail });

/** The reaction of the signer and of the operator to a fault. */
export type KeyFaultReaction = {
  /** Whether the same request may succeed later without a change by the operator. */
  readonly isTransient: boolean;
  /** Whether the signer must disable the key and alert: a retry could return a signature of an unknown key. */
  readonly disablesKey: boolean;
  /** The operator's next step, in one sentence. */
  readonly nextStep: string;
};

/** Returns how to react to a fault of a key management service. */
export const reactionTo = (fault: KeyFault): KeyFaultReaction => {
  switch (fault.kind) {
    case 'throttled':
      return transient('Wait, or ask the service for a higher quota of asymmetric signatures.');
    case 'unavailable':
      return transient('Check the status page of the service, then send the same request again.');
    case 'denied':
      return lasting('Give the signer valid credentials whose role may sign with this key.');
    case 'missing':
      return lasting('Check the name and the region of the key; enrol the agent with another key.');
    case 'disabled':
      return lasting('Enable the key in the service, or enrol the agent with another key.');
    case 'mismatch':
      return {
        isTransient: false,
        disablesKey: true,
        nextStep:
          'Find out who changed the key or the path to the service before you enrol the agent again.',
      };
    default:
      return unreachable(fault);
  }
};

const transient = (nextStep: string): KeyFaultReaction => ({
  isTransient: true,
  disablesKey: false,
  nextStep,
});

const lasting = (nextStep: string): KeyFaultReaction => ({
  isTransient: false,
  disablesKey: false,
  nextStep,
});
