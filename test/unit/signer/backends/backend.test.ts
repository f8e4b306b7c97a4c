import { describe, expect, it } from 'vitest';
import { readKeyReference } from '../../../../src/protocol/key-reference.ts';
import { type KeyFault, reactionTo } from '../../../../src/signer/backends/backend.ts';

const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const VERSION =
  'projects/shop-prod/locations/europe-west1/keyRings/agents/cryptoKeys/agent-1/cryptoKeyVersions/1';

describe('the name of a key', () => {
  it('takes service and region from the name alone', () => {
    expect(readKeyReference(ARN)).toEqual({
      ok: true,
      value: { service: 'aws-kms', name: ARN, region: 'eu-central-1' },
    });
    expect(readKeyReference(VERSION)).toEqual({
      ok: true,
      value: { service: 'google-kms', name: VERSION, location: 'europe-west1' },
    });
    expect(
      readKeyReference(`arn:aws:kms:us-east-1:111122223333:key/mrk-${'a1'.repeat(16)}`).ok,
    ).toBe(true);
  });

  it.each([
    ['an alias, which can be pointed at another key', ARN.replace(/key\/.*/, 'alias/agents')],
    ['an id without its account and region', '1234abcd-12ab-34cd-56ef-1234567890ab'],
    ['another service of AWS', ARN.replace(':kms:', ':iam:')],
    ['a region that would move the host', ARN.replace('eu-central-1', 'evil.example/x-1')],
    ['a key without a version', VERSION.replace(/\/cryptoKeyVersions.*/, '')],
    ['a path that leaves the key', VERSION.replace('agent-1', '..')],
    ['a query behind the name', `${VERSION}?alt=media`],
    ['the location global, which has no HSM', VERSION.replace('europe-west1', 'global')],
    ['text behind the name', `${ARN}\n`],
  ])('refuses %s', (_, name) => {
    expect(readKeyReference(name).ok).toBe(false);
  });
});

describe('the reaction to a fault of the service', () => {
  const faults: readonly KeyFault[] = [
    { kind: 'throttled', retryAfter: 1 },
    { kind: 'unavailable', detail: 'timeout' },
    { kind: 'denied', detail: 'AccessDeniedException' },
    { kind: 'missing' },
    { kind: 'disabled' },
    { kind: 'mismatch', detail: 'address' },
  ];

  it('disables the key for a mismatch only, and retries what may pass', () => {
    const kinds = (of: 'disablesKey' | 'isTransient') =>
      faults.filter((fault) => reactionTo(fault)[of]).map(({ kind }) => kind);
    expect(kinds('disablesKey')).toEqual(['mismatch']);
    expect(kinds('isTransient')).toEqual(['throttled', 'unavailable']);
  });

  it('names a different next step for each fault', () => {
    expect(new Set(faults.map((fault) => reactionTo(fault).nextStep)).size).toBe(faults.length);
  });
});
