import { err, ok, type Result } from '../core/result.ts';
import { type EgressReach, readEgressUrl } from '../protocol/egress-url.ts';

/** The origins of the issuer and the card vault. Only a local stack and tests use others. */
const HOSTS = {
  CARD_ISSUER_URL: 'https://api.stripe.com',
  CARD_VAULT_URL: 'https://api.basistheory.com',
} as const;

/** The setting that holds the secret of the issuer's webhook endpoint: a Worker secret, or a binding of the Secrets Store. */
export const WEBHOOK_SECRET = 'CARD_WEBHOOK_SECRET';

/** Reads the origin of a card service. A fault continues a sentence that begins with the name of the setting. */
export const cardServiceUrl = (
  env: object,
  name: keyof typeof HOSTS,
  reach: EgressReach,
): Result<string, string> => {
  const set: unknown = Reflect.get(env, name);
  if (set !== undefined && set !== '' && typeof set !== 'string') return err('must be a URL');
  const url = readEgressUrl(set || HOSTS[name], reach);
  if (!url.ok) return err(url.error);
  return url.value.pathname === '/' && url.value.search === ''
    ? ok(url.value.origin)
    : err('must be an origin, without a path');
};
