import { recent } from '../core/recent.ts';
import { encodeBase64Url, utf8 } from './bytes.ts';

/** What the gateway signs with. ES256 is what Coinbase's older keys want. */
export type JwsAlgorithm = 'EdDSA' | 'ES256';

type Header = Readonly<Record<string, string>> & { readonly alg: JwsAlgorithm };

/** ECDSA of WebCrypto is r and s, 32 bytes each, as RFC 7518 section 3.4 wants it. */
const PARAMETERS = {
  EdDSA: 'Ed25519',
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
} as const;

const KEPT_HEADERS = 64;

const part = (json: string): string => encodeBase64Url(utf8(json));

/** The header of every statement of one kind by one key is the same. */
const headerPart = recent(KEPT_HEADERS, (json: string) => json, part);

/** A compact JWS (RFC 7515) over claims as JSON. Whoever reads one uses jose. */
export const signCompact = async (
  key: CryptoKey,
  header: Header,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> => {
  const input = `${headerPart(JSON.stringify(header))}.${part(JSON.stringify(claims))}`;
  const signature = await crypto.subtle.sign(PARAMETERS[header.alg], key, utf8(input));
  return `${input}.${encodeBase64Url(new Uint8Array(signature))}`;
};

/** RFC 7638 thumbprint of an Ed25519 key: its required members in the order of their names (RFC 8037 section 2). */
export const thumbprint = async (x: string): Promise<string> => {
  const members = JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x });
  const hash = await crypto.subtle.digest('SHA-256', utf8(members));
  return encodeBase64Url(new Uint8Array(hash));
};
