import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createFakeGoogleKms,
  createFakeServiceAccount,
  type FakeServiceAccount,
  googleFault,
} from '../../../../dev/stack/fake-google-kms.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { verifyStrict } from '../../../../src/crypto/verifier.ts';
import { readKeyReference } from '../../../../src/protocol/key-reference.ts';
import { readGoogleCredentials } from '../../../../src/signer/backends/credentials.ts';
import { openGoogleKms } from '../../../../src/signer/backends/google-kms.ts';
import { addressOf, DIGEST, GOOGLE_NAME, keyOf, testClock } from './key.ts';

const KEY = keyOf(GOOGLE_NAME);
const OTHER = keyOf(GOOGLE_NAME.replace('agent-1', 'agent-2'), 0x22);
const DISABLED = { ...keyOf(GOOGLE_NAME.replace('agent-1', 'agent-3')), isDisabled: true };

let account: FakeServiceAccount;
let stranger: FakeServiceAccount;
beforeAll(async () => {
  [account, stranger] = await Promise.all([createFakeServiceAccount(), createFakeServiceAccount()]);
});
afterEach(() => vi.unstubAllGlobals());

const reference = (name = GOOGLE_NAME) => {
  const read = readKeyReference(name);
  if (!read.ok) throw new Error(read.error);
  return read.value;
};

const world = (file = account.file) => {
  const clock = testClock();
  const fake = createFakeGoogleKms({ account, keys: [KEY, OTHER, DISABLED], now: clock.now });
  const tokens = new Set<string | null>();
  const origins = new Set<string>();
  vi.stubGlobal('fetch', async (input: string, init: RequestInit) => {
    const request = new Request(input, init);
    tokens.add(request.headers.get('authorization'));
    origins.add(new URL(request.url).origin);
    return await fake.handle(request);
  });
  const credentials = readGoogleCredentials(file);
  if (!credentials.ok) throw new Error(credentials.error);
  return { fake, clock, tokens, origins, kms: openGoogleKms(credentials.value, clock, undefined) };
};

describe('Google Cloud KMS', () => {
  it('gives the address and signs each form of a signature so that the chain accepts it', async () => {
    const { kms, fake, tokens, origins } = world();
    expect(await kms.address(reference())).toEqual({ ok: true, value: addressOf(KEY) });
    for (let byte = 1; byte <= 12; byte += 1) {
      const digest: Hex = `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;
      const signed = await kms.sign(reference(), digest, addressOf(KEY));
      if (!signed.ok) throw new Error(JSON.stringify(signed.error));
      expect(verifyStrict(addressOf(KEY), digest, signed.value).ok).toBe(true);
    }
    expect([...origins]).toEqual(['https://cloudkms.googleapis.com']);
    expect(fake.answered).toEqual([
      'GET publicKey 200',
      ...Array.from({ length: 12 }, () => 'POST asymmetricSign 200'),
    ]);
    expect(tokens.size).toBe(1);
  });

  it('makes a new token before the old one ends', async () => {
    const { kms, clock, tokens } = world();
    for (let minute = 0; minute < 120; minute += 20) {
      expect((await kms.address(reference())).ok).toBe(true);
      await clock.sleep(20 * 60_000);
    }
    expect(tokens.size).toBe(2);
  });

  it('is denied with the key of another service account', async () => {
    const { kms, fake } = world(stranger.file);
    expect(await kms.sign(reference(), DIGEST, addressOf(KEY))).toEqual({
      ok: false,
      error: { kind: 'denied', detail: 'UNAUTHENTICATED' },
    });
    expect(fake.answered).toEqual(['POST asymmetricSign 401']);
  });

  it.each([
    ['of the signature', { signatureCrc32c: '1' }],
    ['that the service did not see', { verifiedDigestCrc32c: false }],
    ['that is missing', { signatureCrc32c: undefined }],
  ])('discards a signature with a wrong checksum %s, and asks again', async (_, change) => {
    const { kms, fake } = world();
    fake.alterNext((members) => ({ ...members, ...change }));
    expect((await kms.sign(reference(), DIGEST, addressOf(KEY))).ok).toBe(true);
    expect(fake.answered).toHaveLength(2);
    for (let count = 0; count < 4; count += 1) {
      fake.alterNext((members) => ({ ...members, ...change }));
    }
    expect(await kms.sign(reference(), DIGEST, addressOf(KEY))).toMatchObject({
      error: { kind: 'unavailable' },
    });
  });

  it('discards a public key with a wrong checksum', async () => {
    const { kms, fake } = world();
    for (let count = 0; count < 4; count += 1) {
      fake.alterNext((members) => ({ ...members, pemCrc32c: '1' }));
    }
    expect(await kms.address(reference())).toEqual({
      ok: false,
      error: { kind: 'unavailable', detail: 'pemCrc32c' },
    });
  });

  it('sends a checksum with which the service finds a damaged digest', async () => {
    const { kms, fake } = world();
    const { fetch } = globalThis;
    let damage = true;
    vi.stubGlobal('fetch', async (input: string, init: RequestInit) => {
      const body = (init.body as string).replace('"sha256":"B', '"sha256":"C');
      const sent = damage ? { ...init, body } : init;
      damage = false;
      return await fetch(input, sent);
    });
    expect((await kms.sign(reference(), DIGEST, addressOf(KEY))).ok).toBe(true);
    expect(fake.answered).toEqual(['POST asymmetricSign 400', 'POST asymmetricSign 200']);
  });

  it('refuses an answer about another key, another version or another algorithm', async () => {
    const { kms, fake } = world();
    const mismatch = (detail: string) => ({ ok: false, error: { kind: 'mismatch', detail } });
    const renamed = { name: GOOGLE_NAME.replace('Versions/1', 'Versions/2') };
    fake.alterNext((members) => ({ ...members, ...renamed }));
    expect(await kms.sign(reference(), DIGEST, addressOf(KEY))).toEqual(mismatch('name'));
    fake.alterNext((members) => ({ ...members, ...renamed }));
    expect(await kms.address(reference())).toEqual(mismatch('name'));
    fake.alterNext((members) => ({ ...members, algorithm: 'EC_SIGN_P256_SHA256' }));
    expect(await kms.address(reference())).toEqual(mismatch('algorithm'));
    expect(await kms.sign(reference(OTHER.name), DIGEST, addressOf(KEY))).toEqual(
      mismatch('signature'),
    );
    fake.answerNext(() => googleFault(400, 'INVALID_ARGUMENT'));
    for (let count = 0; count < 3; count += 1) {
      fake.answerNext(() => googleFault(400, 'INVALID_ARGUMENT'));
    }
    expect(await kms.address(reference())).toEqual(mismatch('purpose'));
  });

  it.each([
    [403, 'PERMISSION_DENIED', { kind: 'denied', detail: 'PERMISSION_DENIED' }],
    [401, 'UNAUTHENTICATED', { kind: 'denied', detail: 'UNAUTHENTICATED' }],
    [404, 'NOT_FOUND', { kind: 'missing' }],
    [400, 'FAILED_PRECONDITION', { kind: 'disabled' }],
  ])('never repeats after %i %s', async (code, status, error) => {
    const { kms, fake } = world();
    fake.answerNext(() => googleFault(code, status));
    expect(await kms.sign(reference(), DIGEST, addressOf(KEY))).toEqual({ ok: false, error });
    expect(fake.answered).toHaveLength(1);
  });

  it('repeats when it is throttled or unavailable, and waits as long as the service asks', async () => {
    const { kms, fake, clock } = world();
    fake.answerNext(() => googleFault(429, 'RESOURCE_EXHAUSTED', { 'retry-after': '2' }));
    fake.answerNext(() => googleFault(503, 'UNAVAILABLE'));
    expect((await kms.sign(reference(), DIGEST, addressOf(KEY))).ok).toBe(true);
    expect(clock.pauses[0]).toBe(2_000);
    fake.answerNext(() => googleFault(429, 'RESOURCE_EXHAUSTED', { 'retry-after': '60' }));
    const error = { kind: 'throttled', retryAfter: 60 };
    expect(await kms.sign(reference(), DIGEST, addressOf(KEY))).toEqual({ ok: false, error });
    expect(fake.answered).toHaveLength(4);
  });

  it('tells a disabled and a missing key apart', async () => {
    const { kms } = world();
    expect(await kms.address(reference(DISABLED.name))).toMatchObject({
      error: { kind: 'disabled' },
    });
    expect(await kms.address(reference(GOOGLE_NAME.replace('agent-1', 'none')))).toMatchObject({
      error: { kind: 'missing' },
    });
  });
});
