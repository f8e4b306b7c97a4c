import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';

/** A new Ed25519 private key as JWK text; `kid` is its RFC 7638 thumbprint. */
export const newReceiptKey = async (): Promise<string> => {
  const { privateKey } = await generateKeyPair('Ed25519', { extractable: true });
  const jwk = await exportJWK(privateKey);
  return JSON.stringify({
    ...jwk,
    kid: await calculateJwkThumbprint(jwk),
    alg: 'EdDSA',
    use: 'sig',
  });
};
