import { encodeBase64Url } from './bytes.ts';

/** What the gateway signs with. ES256 is what Coinbase's older keys want. */
export type JwsAlgorithm = 'EdDSA' | 'ES256';

type Header = Readonly<Record<string, string>> & { readonly alg: JwsAlgorithm };

/** ECDSA of WebCrypto is r and s, 32 bytes each, as RFC 7518 section 3.4 wants it. */
const PARAMETERS = {
  EdDSA: 'Ed25519',
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
} as const;

const encoder = new TextEncoder();

/** A compact JWS (RFC 7515) over claims as JSON. Whoever reads one uses jose. */
export const signCompact = async (
  key: CryptoKey,
  header: Header,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> => {
  const parts = [header, claims].map((part) =>
    encodeBase64Url(encoder.encode(JSON.stringify(part))),
  );
  const input = parts.join('.');
  const signature = await crypto.subtle.sign(PARAMETERS[header.alg], key, encoder.encode(input));
  return `${input}.${encodeBase64Url(new Uint8Array(signature))}`;
};

/** RFC 7638 thumbprint of an Ed25519 key: its required members in the order of their names (RFC 8037 section 2). */
export const thumbprint = async (x: string): Promise<string> => {
  const members = JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x });
  const hash = await crypto.subtle.digest('SHA-256', encoder.encode(members));
  return encodeBase64Url(new Uint8Array(hash));
};
