import { expect, test } from 'vitest';
import { signSigV4 } from '../../../src/vault/sigv4.ts';

/** Vectors of the AWS Signature Version 4 test suite. */
const SUITE = {
  ...{ region: 'us-east-1', service: 'service', accessKeyId: 'AKIDEXAMPLE' },
  ...{ secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', sessionToken: undefined },
  ...{ now: Date.parse('2015-08-30T12:36:00Z'), body: new Uint8Array(0) },
};

test.each<readonly [name: string, method: string, target: string, signature: string]>([
  ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'get-vanilla-query-order-key-case',
    'GET',
    '/?Param2=value2&Param1=value1',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  [
    'post-vanilla-query',
    'POST',
    '/?Param1=value1',
    '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
  ],
])('signs %s of the suite', async (_, method, target, signature) => {
  const url = new URL(`https://example.amazonaws.com${target}`);
  const headers = await signSigV4({ ...SUITE, method, url });
  expect(headers).toEqual({
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
      `SignedHeaders=host;x-amz-date, Signature=${signature}`,
  });
});

test('signs the example of the Amazon S3 API reference, with the digest of the body as a header', async () => {
  const headers = await signSigV4({
    ...{ ...SUITE, service: 's3', method: 'GET', accessKeyId: 'AKIAIOSFODNN7EXAMPLE' },
    url: new URL('https://examplebucket.s3.amazonaws.com/?lifecycle'),
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    now: Date.parse('2013-05-24T00:00:00Z'),
  });
  expect(headers['authorization']).toContain(
    'Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  );
});

test('signs further headers in the order of their names, as aws4fetch 1.0.20 does', async () => {
  const body = JSON.stringify({
    KeyId: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    Message: 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=',
    MessageType: 'DIGEST',
    SigningAlgorithm: 'ECDSA_SHA_256',
  });
  const headers = await signSigV4({
    ...{ method: 'POST', url: new URL('https://kms.eu-central-1.amazonaws.com/') },
    ...{
      region: 'eu-central-1',
      service: 'kms',
      body: new Uint8Array(new TextEncoder().encode(body)),
    },
    headers: { 'x-amz-target': 'TrentService.Sign' },
    ...{ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', sessionToken: undefined },
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    now: Date.parse('2026-11-27T00:00:00Z'),
  });
  expect(headers['authorization']).toContain(
    'SignedHeaders=host;x-amz-date;x-amz-target, ' +
      'Signature=2de25fe62402842d870a3f85515d21b1e4a8d82cb0f1a974e48ff04885c8f331',
  );
  expect(headers).not.toHaveProperty('x-amz-target');
});
