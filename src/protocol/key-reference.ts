import { err, ok, type Result } from '../core/result.ts';

/**
 * A secp256k1 key in a key management service, by the service's own full name. The name holds region and project: no other setting
 * chooses the host that a request with credentials goes to.
 */
export type KeyReference =
  | {
      readonly service: 'aws-kms';
      /** ARN of the key, never of an alias: an administrator can point an alias at another key. */
      readonly name: string;
      readonly region: string;
    }
  | {
      readonly service: 'google-kms';
      /** Name of one version of the key. Each version has its own key pair. */
      readonly name: string;
      readonly location: string;
    };

/** The longest name of a key, in characters. */
export const MAX_KEY_NAME = 512;

const AWS =
  /^arn:aws(?:-us-gov)?:kms:([a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}):[0-9]{12}:key\/(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/;
const GOOGLE =
  /^projects\/[a-z][a-z0-9-]{4,28}[a-z0-9]\/locations\/([a-z][a-z0-9-]{0,62})\/keyRings\/[A-Za-z0-9_-]{1,63}\/cryptoKeys\/[A-Za-z0-9_-]{1,63}\/cryptoKeyVersions\/[1-9][0-9]{0,8}$/;

export const KEY_REFERENCE_HINT =
  'must be the ARN of a key in AWS KMS, or projects/…/cryptoKeyVersions/<n> of Google Cloud KMS';

/**
 * Reads the name of a key: the ARN of a key in AWS KMS, or the resource name of a key version in Google Cloud KMS.
 *
 * @returns the reason of a refusal completes a sentence that begins with the field
 */
export const readKeyReference = (name: string): Result<KeyReference, string> => {
  if (name.length > MAX_KEY_NAME) return err(KEY_REFERENCE_HINT);
  const region = AWS.exec(name)?.[1];
  if (region !== undefined) return ok({ service: 'aws-kms', name, region });
  const location = GOOGLE.exec(name)?.[1];
  if (location === undefined) return err(KEY_REFERENCE_HINT);
  // Google offers EC_SIGN_SECP256K1_SHA256 with protection level HSM only, and no HSM in this location.
  return location === 'global'
    ? err('must be in a region: Google Cloud KMS has no secp256k1 key in the location global')
    : ok({ service: 'google-kms', name, location });
};
