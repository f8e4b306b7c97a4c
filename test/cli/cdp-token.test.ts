import { exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { expect, it } from 'vitest';
import { encodeBase64 } from '../../src/crypto/bytes.ts';
import { openCdpTokens } from '../../src/settlement/backends/cdp-token.ts';

/** `doctor` reads the Worker's secret. Unlike workerd, Node does not accept an ECPrivateKey as PKCS#8. */
it('reads an ECDSA key of the platform in Node', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  const [d, x, y] = [jwk.d, jwk.x, jwk.y].map((text) => Buffer.from(text ?? '', 'base64url'));
  const der = Buffer.concat([
    Buffer.from('30770201010420', 'hex'),
    d ?? Buffer.alloc(0),
    Buffer.from('a00a06082a8648ce3d030107a14403420004', 'hex'),
    x ?? Buffer.alloc(0),
    y ?? Buffer.alloc(0),
  ]);
  const secret = `-----BEGIN EC PRIVATE KEY-----\n${encodeBase64(der)}\n-----END EC PRIVATE KEY-----\n`;
  const opened = await openCdpTokens({ id: 'id', secret });
  if (!opened.ok) throw new Error(opened.error);
  const token = await opened.value.token('GET', 'https://api.test/supported', 1_790_000_000);
  const currentDate = new Date(1_790_000_001_000);
  const { payload } = await jwtVerify(token, publicKey, { currentDate });
  expect(payload['uris']).toEqual(['GET api.test/supported']);
});
