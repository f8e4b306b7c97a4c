import { secp256k1 } from '@noble/curves/secp256k1.js';
import { recoverAddress } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeAwsKms } from '../../dev/stack/fake-aws-kms.ts';
import { createFakeGoogleKms, createFakeServiceAccount } from '../../dev/stack/fake-google-kms.ts';
import type { FakeKms } from '../../dev/stack/fake-kms.ts';
import type { FakeKmsKey } from '../../dev/stack/fake-kms-key.ts';
import { type RunningServer, serveLoopback } from '../../dev/stack/loopback.ts';
import { SYSTEM_CLOCK } from '../../src/core/clock.ts';
import { hexOf } from '../../src/crypto/bytes.ts';
import { readKeyReference } from '../../src/protocol/key-reference.ts';
import type { KeyBackend } from '../../src/signer/backends/backend.ts';
import { openKeyBackend } from '../../src/signer/backends/key-backend.ts';

const AWS: FakeKmsKey = {
  name: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  privateKey: secp256k1.utils.randomSecretKey(),
};
const GOOGLE: FakeKmsKey = {
  name: 'projects/shop-prod/locations/europe-west1/keyRings/agents/cryptoKeys/a/cryptoKeyVersions/1',
  privateKey: secp256k1.utils.randomSecretKey(),
};
const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

let servers: readonly RunningServer[];
let aws: FakeKms;
let backend: KeyBackend;
beforeAll(async () => {
  const account = await createFakeServiceAccount();
  aws = createFakeAwsKms({
    ...{ credentials: { ...credentials, sessionToken: undefined }, region: 'eu-central-1' },
    keys: [AWS],
  });
  const google = createFakeGoogleKms({ account, keys: [GOOGLE] });
  servers = await Promise.all(
    [aws, google].map(async ({ handle }) => await serveLoopback({ handler: handle })),
  );
  const [atAws, atGoogle] = servers.map(({ url }) => url);
  const opened = await openKeyBackend(
    {
      AWS_KMS_CREDENTIALS: JSON.stringify(credentials),
      AWS_KMS_ENDPOINT: atAws ?? '',
      GOOGLE_KMS_CREDENTIALS: account.file,
      GOOGLE_KMS_ENDPOINT: atGoogle ?? '',
    },
    SYSTEM_CLOCK,
  );
  if (!opened.ok) throw new Error(opened.error.reason);
  backend = opened.value;
});
afterAll(async () => {
  await Promise.all(servers.map(async ({ stop }) => await stop()));
});

test.each([
  ['AWS KMS', AWS],
  ['Google Cloud KMS', GOOGLE],
] as const)('signs over HTTP with %s, so that viem recovers the address', async (_, key) => {
  const reference = readKeyReference(key.name);
  if (!reference.ok) throw new Error(reference.error);
  const address = privateKeyToAddress(hexOf(key.privateKey));
  const expected = address.toLowerCase() as `0x${string}`;
  expect(await backend.address(reference.value)).toEqual({ ok: true, value: expected });
  for (let count = 0; count < 20; count += 1) {
    const hash = hexOf(crypto.getRandomValues(new Uint8Array(32)));
    const signed = await backend.sign(reference.value, hash, expected);
    if (!signed.ok) throw new Error(JSON.stringify(signed.error));
    expect(await recoverAddress({ hash, signature: signed.value })).toBe(address);
  }
});

test('gives up on a service that answers too late', async () => {
  const reference = readKeyReference(AWS.name);
  if (!reference.ok) throw new Error(reference.error);
  aws.delayAnswers(15_000);
  const answers = aws.answered.length;
  expect(await backend.address(reference.value)).toEqual({
    ok: false,
    error: { kind: 'unavailable', detail: 'timeout' },
  });
  expect(aws.answered).toHaveLength(answers);
  aws.delayAnswers(0);
  expect((await backend.address(reference.value)).ok).toBe(true);
});
