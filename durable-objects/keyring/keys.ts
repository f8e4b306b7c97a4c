import type { Hex, Address } from '../../src/core/hex.ts';
import { err, ok, type Result } from '../../src/core/result.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { KeyReference } from '../../src/protocol/key-reference.ts';
import { type KeyBackend, type KeyFault, reactionTo } from '../../src/signer/backends/backend.ts';
import {
  type FleetKeys,
  makeSeed,
  openFleet,
  openSeed,
  readSignerKeys,
  rewrapSeed,
  type SealedSeed,
} from '../../src/signer/fleet-seed.ts';
import type { CommandFault } from '../../src/signer/keyring-contract.ts';
import type { WalletKey } from './agent.ts';

/** Why a key did not sign. */
export type SignFault =
  | { readonly fault: 'misconfigured' }
  | {
      readonly fault: KeyFault['kind'];
      readonly isTransient: boolean;
      readonly disables: boolean;
      readonly retryAfter?: number;
    };

/** A seed with its open keys. */
export type OpenSeed = { readonly sealed: SealedSeed; readonly fleet: FleetKeys };

/** The wallet keys of one owner. Private keys stay in the memory of this object. */
export type Keys = {
  /** Opens the stored seed under the current settings, or makes one. The result may be newly encrypted, so the caller must store it. */
  open(stored: SealedSeed | undefined): Promise<Result<OpenSeed, CommandFault>>;
  /** Decrypts the seed for its backup. */
  seed(stored: SealedSeed): Promise<Result<Uint8Array, CommandFault>>;
  address(reference: KeyReference): Promise<Result<Address, KeyFault>>;
  sign(
    stored: SealedSeed | undefined,
    key: WalletKey,
    digest: Hex,
    address: Address,
  ): Promise<Result<Hex, SignFault>>;
};

/**
 * Opens the keys of an owner.
 *
 * @param openBackend opens the key services that the operator has configured
 */
export const openKeys = (
  owner: AccountId,
  env: Readonly<Record<string, unknown>>,
  openBackend: () => Promise<Result<KeyBackend, { readonly field: string }>>,
): Keys => {
  let known: OpenSeed | undefined;

  let services: KeyBackend | undefined;

  /** Opened once, because later requests reuse a token that the service may have issued. */
  const backend = async (): Promise<Result<KeyBackend, KeyFault>> => {
    if (services !== undefined) return ok(services);
    const opened = await openBackend();
    if (!opened.ok) return err({ kind: 'denied', detail: `${opened.error.field} is malformed` });
    services = opened.value;
    return opened;
  };

  const misconfigured = (name: string, reason: string): Result<never, CommandFault> =>
    err({ reason: 'misconfigured', faults: [{ name, reason }] });

  const unsealed = async (stored: SealedSeed): Promise<Result<Uint8Array, CommandFault>> => {
    const keys = await readSignerKeys(env);
    if (!keys.ok) return misconfigured(keys.error.name, keys.error.reason);
    const seed = await openSeed(owner, stored, keys.value);
    return seed.ok
      ? seed
      : misconfigured(
          'SIGNER_KEY',
          seed.error === 'locked'
            ? 'is not the key of the stored seed'
            : 'opens no seed: the stored one was altered',
        );
  };

  const fleetOf = async (stored: SealedSeed): Promise<Result<FleetKeys, CommandFault>> => {
    if (known?.sealed.body === stored.body) return ok(known.fleet);
    const seed = await unsealed(stored);
    if (!seed.ok) return seed;
    known = { sealed: stored, fleet: openFleet(seed.value) };
    return ok(known.fleet);
  };

  return {
    async open(stored) {
      const keys = await readSignerKeys(env);
      if (!keys.ok) return misconfigured(keys.error.name, keys.error.reason);
      const sealed =
        stored === undefined
          ? ok(await makeSeed(owner, keys.value))
          : await rewrapSeed(owner, stored, keys.value);
      if (!sealed.ok) return misconfigured('SIGNER_KEY', 'is not the key of the stored seed');
      const fleet = await fleetOf(sealed.value);
      return fleet.ok ? ok({ sealed: sealed.value, fleet: fleet.value }) : fleet;
    },
    seed: unsealed,
    async address(reference) {
      const opened = await backend();
      return opened.ok ? opened.value.address(reference) : opened;
    },
    async sign(stored, key, digest, address) {
      if ('service' in key) {
        const opened = await backend();
        const signed = opened.ok ? await opened.value.sign(key.service, digest, address) : opened;
        if (signed.ok) return signed;
        const { isTransient, disablesKey: disables } = reactionTo(signed.error);
        const retryAfter = signed.error.kind === 'throttled' ? signed.error.retryAfter : 5;
        return err({
          fault: signed.error.kind,
          isTransient,
          disables,
          ...(isTransient ? { retryAfter } : {}),
        });
      }
      const fleet = stored === undefined ? undefined : await fleetOf(stored);
      if (fleet?.ok !== true) return err({ fault: 'misconfigured' });
      // A seed that was replaced in storage would sign for wallets that hold nothing.
      return fleet.value.address(key.child) === address
        ? ok(fleet.value.sign(key.child, digest))
        : err({ fault: 'misconfigured' });
    },
  };
};
