import { createPrivateKey, createPublicKey, type JsonWebKeyInput } from 'node:crypto';
import { createSigner, createVerifier, httpbis } from 'http-message-signatures';
import { beforeAll, expect, it } from 'vitest';
import { thumbprint } from '../../src/crypto/thumbprint.ts';
import { utf8 } from '../../src/crypto/bytes.ts';
import {
  type RequestKey,
  signedHeaders,
  verifySignature,
} from '../../src/protocol/http-signature.ts';

/** The key from RFC 9421 §B.1.4. */
const JWK = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
  x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
} as const;
const { d: _, ...PUBLIC } = JWK;
const native = (key: Readonly<Record<string, string>>): JsonWebKeyInput => ({
  key: { ...key },
  format: 'jwk',
});

const FIELDS = ['@method', '@target-uri', 'content-digest', 'content-type'];
const PARAMETERS = ['created', 'expires', 'nonce', 'keyid', 'tag'];
const body = utf8('{"jsonrpc":"2.0","id":1,"method":"eth_accounts","params":[]}');
const request = {
  method: 'POST',
  targetUri: `https://signer.example/rpc/eip155:8453:0x${'ab'.repeat(20)}`,
  contentType: 'application/json',
  body,
};

let key: RequestKey;
let now: number;

beforeAll(async () => {
  now = Math.floor(Date.now() / 1000);
  key = {
    keyId: await thumbprint(JWK.x),
    privateKey: await crypto.subtle.importKey('jwk', JWK, 'Ed25519', false, ['sign']),
  };
});

it('signs requests that http-message-signatures verifies', async () => {
  const headers = { ...(await signedHeaders(request, key, now)) };
  const verify = createVerifier(createPublicKey(native(PUBLIC)), 'ed25519');
  const config = {
    keyLookup: async () => ({ id: key.keyId, algs: ['ed25519'], verify }),
    requiredFields: FIELDS,
    requiredParams: PARAMETERS,
    all: true,
  };
  const message = { method: 'POST', url: request.targetUri, headers };
  await expect(httpbis.verifyMessage(config, message)).resolves.toBe(true);
  const changed = { ...message, method: 'PUT' };
  await expect(httpbis.verifyMessage(config, changed)).resolves.toBe(false);
});

it('verifies requests that http-message-signatures signed', async () => {
  const { 'content-digest': digest } = await signedHeaders(request, key, now);
  const signed = await httpbis.signMessage(
    {
      key: createSigner(createPrivateKey(native(JWK)), 'ed25519', key.keyId),
      fields: FIELDS,
      params: PARAMETERS,
      paramValues: {
        created: new Date(now * 1000),
        expires: new Date((now + 60) * 1000),
        nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
        tag: 'countersign-signer',
      },
    },
    {
      method: 'POST',
      url: request.targetUri,
      headers: { 'content-type': 'application/json', 'content-digest': digest },
    },
  );
  const publicKey = await crypto.subtle.importKey('jwk', PUBLIC, 'Ed25519', false, ['verify']);
  const headers = new Headers(signed.headers as Record<string, string>);
  const verified = await verifySignature(
    { ...request, headers },
    { keyOf: (keyId) => (keyId === key.keyId ? publicKey : undefined), now },
  );
  expect(verified).toMatchObject({ ok: true, value: { keyId: key.keyId } });
});
