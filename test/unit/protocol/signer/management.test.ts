import { describe, expect, test } from 'vitest';
import { enrolBody } from '../../../../src/protocol/signer/management.ts';

const jwk = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) };
const ARN = 'arn:aws:kms:eu-central-1:111122223333';
const VERSION = 'keyRings/r/cryptoKeys/k/cryptoKeyVersions/1';

/** Tells whether the signer accepts a key service's key for a new agent. */
const accepts = (key: string): boolean => {
  const { issues = [] } = enrolBody.safeParse({ agents: [{ jwk, key }], policy: {} }).error ?? {};
  return !issues.some(({ path }) => path.join('.') === 'agents.0.key');
};

describe('the key of an enrolment', () => {
  test.each([
    `${ARN}:key/1234abcd-12ab-34cd-56ef-1234567890ab`,
    `projects/shop-prod/locations/europe-west1/${VERSION}`,
  ])('is a full name: %s', (key) => expect(accepts(key)).toBe(true));

  test.each([
    ['an alias, which an administrator can point elsewhere', `${ARN}:alias/agents`],
    [
      'a key without a version',
      `projects/shop-prod/locations/europe-west1/keyRings/r/cryptoKeys/k`,
    ],
    ['a location without such keys', `projects/shop-prod/locations/global/${VERSION}`],
    ['a host', 'https://kms.example/key'],
  ])('is never %s', (_, key) => expect(accepts(key)).toBe(false));
});
