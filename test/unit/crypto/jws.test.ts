import {
  calculateJwkThumbprint,
  compactVerify,
  CompactSign,
  exportJWK,
  generateKeyPair,
} from 'jose';
import { expect, test } from 'vitest';
import { signCompact } from '../../../src/crypto/signer.ts';
import { thumbprint } from '../../../src/crypto/thumbprint.ts';

const claims = { iss: 'https://gateway.example', text: 'Geld über Grenzen 🦀', n: 1_800_000_000 };

test('signCompact makes the same bytes as jose with Ed25519', async () => {
  const { privateKey } = await generateKeyPair('EdDSA');
  const header = { alg: 'EdDSA', typ: 'agent-receipt+jwt', kid: 'k' } as const;
  const theirs = await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader(header)
    .sign(privateKey);
  expect(await signCompact(privateKey, header, claims)).toBe(theirs);
});

test.for(['EdDSA', 'ES256'] as const)('jose verifies a JWS signed with %s', async (alg) => {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  const token = await signCompact(privateKey, { alg, kid: 'k' }, claims);
  const { payload, protectedHeader } = await compactVerify(token, publicKey);
  expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(claims);
  expect(protectedHeader).toEqual({ alg, kid: 'k' });
  await expect(compactVerify(`${token.slice(0, -4)}AAAA`, publicKey)).rejects.toThrow(
    'signature verification failed',
  );
});

test('thumbprint agrees with jose and with the example of RFC 8037', async () => {
  const { publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = await exportJWK(publicKey);
  expect(await thumbprint(jwk.x ?? '')).toBe(await calculateJwkThumbprint(jwk));
  expect(await thumbprint('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo')).toBe(
    'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  );
});
