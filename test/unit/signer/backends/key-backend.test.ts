import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createFakeAwsKms } from '../../../../dev/stack/fake-aws-kms.ts';
import {
  createFakeGoogleKms,
  createFakeServiceAccount,
  type FakeServiceAccount,
} from '../../../../dev/stack/fake-google-kms.ts';
import { readKeyReference } from '../../../../src/protocol/key-reference.ts';
import {
  readAwsCredentials,
  readGoogleCredentials,
} from '../../../../src/signer/backends/credentials.ts';
import { openKeyBackend } from '../../../../src/signer/backends/key-backend.ts';
import { addressOf, AWS_CREDENTIALS, AWS_NAME, GOOGLE_NAME, keyOf, testClock } from './key.ts';

let account: FakeServiceAccount;
beforeAll(async () => {
  account = await createFakeServiceAccount();
});
afterEach(() => vi.unstubAllGlobals());

const reference = (name: string) => {
  const read = readKeyReference(name);
  if (!read.ok) throw new Error(read.error);
  return read.value;
};

describe('the key management services of a signer', () => {
  it('serve each key by the service that its name tells, at an origin on this machine', async () => {
    const clock = testClock();
    const aws = createFakeAwsKms({
      ...{ credentials: AWS_CREDENTIALS, region: 'eu-central-1', keys: [keyOf(AWS_NAME)] },
      now: clock.now,
    });
    const google = createFakeGoogleKms({
      ...{ account, keys: [keyOf(GOOGLE_NAME, 0x22)], now: clock.now },
    });
    vi.stubGlobal('fetch', async (input: string, init: RequestInit) => {
      const request = new Request(input, init);
      const { origin } = new URL(input);
      if (origin === 'http://127.0.0.1:7001') return await aws.handle(request);
      if (origin === 'http://localhost:7002') return await google.handle(request);
      throw new Error(`no server at ${origin}`);
    });
    const opened = await openKeyBackend(
      {
        AWS_KMS_CREDENTIALS: JSON.stringify(AWS_CREDENTIALS),
        AWS_KMS_ENDPOINT: 'http://127.0.0.1:7001',
        GOOGLE_KMS_CREDENTIALS: account.file,
        GOOGLE_KMS_ENDPOINT: 'http://localhost:7002',
      },
      clock,
    );
    if (!opened.ok) throw new Error(opened.error.reason);
    expect(await opened.value.address(reference(AWS_NAME))).toEqual({
      ok: true,
      value: addressOf(keyOf(AWS_NAME)),
    });
    expect(await opened.value.address(reference(GOOGLE_NAME))).toEqual({
      ok: true,
      value: addressOf(keyOf(GOOGLE_NAME, 0x22)),
    });
  });

  it('deny keys of a service without credentials', async () => {
    const opened = await openKeyBackend({ AWS_KMS_CREDENTIALS: '' }, testClock());
    if (!opened.ok) throw new Error(opened.error.reason);
    for (const name of [AWS_NAME, GOOGLE_NAME]) {
      expect(await opened.value.address(reference(name))).toMatchObject({
        error: { kind: 'denied' },
      });
    }
  });

  it.each(['https://evil.example', 'http://127.0.0.1.evil.example', 'nonsense'])(
    'refuse the endpoint %s',
    async (endpoint) => {
      for (const field of ['AWS_KMS_ENDPOINT', 'GOOGLE_KMS_ENDPOINT']) {
        expect(await openKeyBackend({ [field]: endpoint }, testClock())).toMatchObject({
          ok: false,
          error: { field },
        });
      }
    },
  );

  it('name the setting that cannot be read, and no part of it', async () => {
    const secret = AWS_CREDENTIALS.secretAccessKey;
    const faulty = await openKeyBackend(
      { AWS_KMS_CREDENTIALS: JSON.stringify({ accessKeyId: 'a', secretAccessKey: `${secret} ` }) },
      testClock(),
    );
    expect(faulty).toMatchObject({ ok: false, error: { field: 'AWS_KMS_CREDENTIALS' } });
    expect(JSON.stringify(faulty)).not.toContain(secret);
  });
});

describe('credentials', () => {
  it('of AWS need no session token', () => {
    const { sessionToken: _, ...lasting } = AWS_CREDENTIALS;
    expect(readAwsCredentials(JSON.stringify(lasting))).toEqual({
      ok: true,
      value: { ...lasting, sessionToken: undefined },
    });
  });

  it.each([
    ['not JSON', () => 'x'],
    ['too long', () => account.file + ' '.repeat(5_000)],
    ['of a user instead of a service account', () => edited({ type: 'authorized_user' })],
    ['of another universe, whose host differs', () => edited({ universe_domain: 'evil.example' })],
    ['with an address of another domain', () => edited({ client_email: 'a@evil.example' })],
    ['with an unknown member', () => edited({ token: 'x' })],
    ['with a key in PKCS#1', () => edited({ private_key: '-----BEGIN RSA PRIVATE KEY-----\n' })],
  ])('of Google are refused: %s', (_, file) => {
    expect(readGoogleCredentials(file()).ok).toBe(false);
  });

  const edited = (members: object) =>
    JSON.stringify({ ...(JSON.parse(account.file) as object), ...members });
});
