import { err, ok, type Result } from '../core/result.ts';
import { hexOf } from '../crypto/bytes.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { FLEET, fleetPath } from './fleet-seed.ts';

/**
 * Encrypts a seed to an age recipient (X25519). The only form in which a seed leaves the signer: the holder of the recipient's identity
 * controls every wallet of the fleet.
 *
 * @returns an armored age file of `{v, owner, fleet, path, seed}`, the seed as hex for any BIP-32 library
 */
export const sealBackup = async (
  owner: AccountId,
  seed: Uint8Array,
  recipient: string,
): Promise<Result<string, string>> => {
  const { armor, Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  try {
    encrypter.addRecipient(recipient);
  } catch {
    return err('must be an age recipient with a valid checksum: age1…');
  }
  const path = fleetPath(0).replace(/0'$/, "<agent>'");
  const text = JSON.stringify({ v: 1, owner, fleet: FLEET, path, seed: hexOf(seed) });
  return ok(armor.encode(await encrypter.encrypt(text)));
};
