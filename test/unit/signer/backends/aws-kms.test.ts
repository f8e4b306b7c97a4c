import { p256 } from '@noble/curves/nist.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { awsFault, createFakeAwsKms } from '../../../../dev/stack/fake-aws-kms.ts';
import { spkiOf } from '../../../../dev/stack/fake-kms-key.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { encodeBase64 } from '../../../../src/crypto/bytes.ts';
import { verifyStrict } from '../../../../src/crypto/verifier.ts';
import { readKeyReference } from '../../../../src/protocol/key-reference.ts';
import { openAwsKms } from '../../../../src/signer/backends/aws-kms.ts';
import { addressOf, AWS_CREDENTIALS, AWS_NAME, DIGEST, keyOf, testClock } from './key.ts';

const KEY = keyOf(AWS_NAME);
const OTHER = keyOf(AWS_NAME.replace('1234abcd', '2345bcde'), 0x22);
const DISABLED = { ...keyOf(AWS_NAME.replace('1234abcd', '3456cdef')), isDisabled: true };

const reference = (name = AWS_NAME) => {
  const read = readKeyReference(name);
  if (!read.ok) throw new Error(read.error);
  return read.value;
};

/** A backend that calls the fake at the region's host. */
const world = (credentials = AWS_CREDENTIALS) => {
  const clock = testClock();
  const keys = [KEY, OTHER, DISABLED];
  const fake = createFakeAwsKms({
    ...{ credentials: AWS_CREDENTIALS, region: 'eu-central-1', keys, now: clock.now },
  });
  const hosts = new Set<string>();
  vi.stubGlobal('fetch', async (input: string, init: RequestInit) => {
    const request = new Request(input, init);
    hosts.add(new URL(request.url).origin);
    return await fake.handle(request);
  });
  return { fake, clock, hosts, kms: openAwsKms(credentials, clock, undefined) };
};
afterEach(() => vi.unstubAllGlobals());

describe('AWS KMS', () => {
  it('gives the address and signs each form of a signature so that the chain accepts it', async () => {
    const { kms, hosts, fake } = world();
    expect(await kms.address(reference())).toEqual({ ok: true, value: addressOf(KEY) });
    for (let byte = 1; byte <= 12; byte += 1) {
      const digest: Hex = `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;
      const signed = await kms.sign(reference(), digest, addressOf(KEY));
      if (!signed.ok) throw new Error(JSON.stringify(signed.error));
      expect(verifyStrict(addressOf(KEY), digest, signed.value).ok).toBe(true);
    }
    expect([...hosts]).toEqual(['https://kms.eu-central-1.amazonaws.com']);
    expect(fake.answered).toEqual([
      'TrentService.GetPublicKey 200',
      ...Array.from({ length: 12 }, () => 'TrentService.Sign 200'),
    ]);
  });

  it.each(['ThrottlingException', 'com.amazonaws.kms#ThrottlingException', 'Throttling:http://x'])(
    'repeats after %s, which has status 400',
    async (type) => {
      const { kms, fake, clock } = world();
      fake.answerNext(() => awsFault(type));
      fake.answerNext(() => awsFault(type));
      expect((await kms.sign(reference(), DIGEST, addressOf(KEY))).ok).toBe(true);
      expect(fake.answered).toHaveLength(3);
      expect(clock.pauses).toHaveLength(2);
    },
  );

  it('gives up after three repeats, and within three seconds', async () => {
    const { kms, fake, clock } = world();
    for (let count = 0; count < 9; count += 1)
      fake.answerNext(() => awsFault('ThrottlingException'));
    const began = clock.now();
    expect(await kms.sign(reference(), DIGEST, addressOf(KEY))).toEqual({
      ok: false,
      error: { kind: 'throttled', retryAfter: 1 },
    });
    expect(fake.answered).toHaveLength(4);
    expect(clock.now() - began).toBeLessThanOrEqual(3_000);
  });

  it.each([
    ['AccessDeniedException', 400, { kind: 'denied', detail: 'AccessDeniedException' }],
    ['ExpiredTokenException', 403, { kind: 'denied', detail: 'ExpiredTokenException' }],
    ['NotFoundException', 400, { kind: 'missing' }],
    ['DisabledException', 400, { kind: 'disabled' }],
    ['KMSInvalidStateException', 400, { kind: 'disabled' }],
    ['InvalidKeyUsageException', 400, { kind: 'mismatch', detail: 'InvalidKeyUsageException' }],
  ])('never repeats after %s', async (type, status, error) => {
    const { kms, fake } = world();
    fake.answerNext(() => awsFault(type, status));
    expect(await kms.sign(reference(), DIGEST, addressOf(KEY))).toEqual({ ok: false, error });
    expect(fake.answered).toHaveLength(1);
  });

  it.each([
    ['KMSInternalException', () => awsFault('KMSInternalException', 500)],
    ['KeyUnavailableException', () => awsFault('KeyUnavailableException', 500)],
    ['an unknown error', () => awsFault('constructor')],
    ['a page of a proxy', () => new Response('<html>', { status: 502 })],
    ['an endless answer', () => new Response('x'.repeat(20_000))],
    ['an answer of another form', () => Response.json({ Signature: 7 })],
    ['a redirect', () => Response.redirect('https://evil.example/', 307)],
    ['no connection', () => Promise.reject(new TypeError('network'))],
  ])('counts %s as unavailable and repeats', async (_, answer) => {
    const { kms, fake } = world();
    fake.answerNext(answer);
    expect((await kms.sign(reference(), DIGEST, addressOf(KEY))).ok).toBe(true);
    for (let count = 0; count < 4; count += 1) fake.answerNext(answer);
    const refused = await kms.sign(reference(), DIGEST, addressOf(KEY));
    expect(refused).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
    // The service's error texts name accounts.
    expect(JSON.stringify(refused)).not.toContain('111122223333');
  });

  it('is denied with another secret key, another key id or no session token', async () => {
    const denied = { ok: false, error: { kind: 'denied' } };
    const variants = [
      { secretAccessKey: 'AAAArXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
      { accessKeyId: 'AKIAIOSFODNN7EXAMPLF' },
      { sessionToken: 'other' },
    ];
    for (const variant of variants) {
      const { kms, fake } = world({ ...AWS_CREDENTIALS, ...variant });
      expect(await kms.sign(reference(), DIGEST, addressOf(KEY))).toMatchObject(denied);
      expect(fake.answered).toEqual(['TrentService.Sign 403']);
    }
  });

  it('refuses a signature of another key, and an answer about another key', async () => {
    const { kms, fake } = world();
    expect(await kms.sign(reference(OTHER.name), DIGEST, addressOf(KEY))).toEqual({
      ok: false,
      error: { kind: 'mismatch', detail: 'signature' },
    });
    fake.alterNext((members) => ({ ...members, KeyId: OTHER.name }));
    expect(await kms.sign(reference(), DIGEST, addressOf(KEY))).toEqual({
      ok: false,
      error: { kind: 'mismatch', detail: 'KeyId' },
    });
    fake.alterNext((members) => ({ ...members, KeyId: OTHER.name }));
    expect(await kms.address(reference())).toEqual({
      ok: false,
      error: { kind: 'mismatch', detail: 'KeyId' },
    });
  });

  it('refuses a key of another curve or usage', async () => {
    const { kms, fake } = world();
    const point = p256.getPublicKey(KEY.privateKey, false);
    const spki = Uint8Array.of(...spkiOf(KEY).subarray(0, 23), ...point);
    spki.set([0x07], 15);
    const changes = [
      { KeySpec: 'ECC_NIST_P256' },
      { KeyUsage: 'KEY_AGREEMENT' },
      { PublicKey: encodeBase64(spki) },
      { PublicKey: 'AAAA' },
    ];
    for (const change of changes) {
      fake.alterNext((members) => ({ ...members, ...change }));
      expect(await kms.address(reference())).toMatchObject({ error: { kind: 'mismatch' } });
    }
  });

  it('tells a disabled and a missing key apart', async () => {
    const { kms } = world();
    const missing = AWS_NAME.replace('1234abcd', 'ffffffff');
    expect(await kms.address(reference(DISABLED.name))).toMatchObject({
      error: { kind: 'disabled' },
    });
    expect(await kms.address(reference(missing))).toMatchObject({ error: { kind: 'missing' } });
  });
});
