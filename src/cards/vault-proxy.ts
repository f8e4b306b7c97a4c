import type { Tool } from '../catalog/tool.ts';
import { decodeUtf8 } from '../crypto/bytes.ts';
import type { FieldFault } from '../protocol/fault.ts';
import type { SecretFetcher } from '../vault/egress.ts';
import {
  type CardCall,
  chargedAnswer,
  checkPlaces,
  draftOf,
  freeAnswer,
  malformed,
} from './card-call.ts';
import { scrubAnyCard } from './card-digits.ts';
import type { CardPart, ProxiedCard } from './card-terms.ts';
import { filterAnswer } from './filter-answer.ts';

/** Names of the parts of a card in the vault (developers.basistheory.com/docs/api/tokens/token-types). */
const MEMBERS: Readonly<Record<CardPart, string>> = {
  number: 'number',
  cvc: 'cvc',
  exp_month: 'expiration_month',
  exp_year: 'expiration_year',
};

/** The placements that make the vault fill in a card: its key, and an expression around the secret token for each part. */
export const vaultPlacements = ({ key, token, places }: ProxiedCard): Tool['secrets'] => [
  { in: 'header', secret: key, name: 'bt-api-key' },
  ...places.map(({ pointer, part }) => ({
    ...{ in: 'json', secret: token, pointer },
    ...{ prefix: '{{ token: ', suffix: ` | json: '$.${MEMBERS[part]}' }}` },
  })),
];

/**
 * Starts an expression, which the vault evaluates anywhere in a request. Attack: a caller reads any token of the operator, or the card,
 * reversed or cut.
 */
const EXPRESSION = /\{[{%#]/;
const NO_EXPRESSION = 'must not hold {{, {% or {#';

/** Attack: another charset could hide an expression from the gateway. In UTF-7, `+AHsAew-` is `{{`. */
const OTHER_CHARSET = /charset(?!\s*=\s*"?utf-8"?\s*(?:;|$))/i;

/** Returns why the vault must not get the headers of a request. */
const headerFault = (headers: Headers): FieldFault | undefined => {
  for (const [field, value] of headers) {
    if (EXPRESSION.test(value)) return { field, reason: NO_EXPRESSION };
  }
  return OTHER_CHARSET.test(headers.get('content-type') ?? '')
    ? { field: 'content-type', reason: 'must be UTF-8' }
    : undefined;
};

/** Statuses that leave open whether the merchant has charged: its own errors, those of the vault, timeouts, a running request, redirects. */
const isUnknown = (status: number): boolean =>
  status >= 500 ||
  status < 200 ||
  (status >= 300 && status < 400) ||
  status === 408 ||
  status === 409;

/**
 * Returns the fetcher of one call through the operator's card vault (developers.basistheory.com/docs/api/proxies/ephemeral-proxy). The
 * gateway never has the number, and cannot ask an issuer. So after an unclear answer the fetcher throws, and the account keeps the amount
 * until an operator resolves the call.
 *
 * @param vault carries the key and the token, bound to the vault's host
 */
export const openVaultProxy = (
  {
    card,
    vault,
    origin,
  }: {
    readonly card: ProxiedCard;
    readonly vault: SecretFetcher;
    readonly origin: string;
  },
  call: CardCall,
): SecretFetcher => ({
  fetch: async (url, init) => {
    const draft = draftOf(call, url, init);
    const checked = await checkPlaces(draft, card);
    if (!checked.ok) return checked.error;
    // The body with dummies in its places, parsed and written again, because `\u007b\u007b` is an expression too.
    const written = checked.value.body === null ? '' : decodeUtf8(checked.value.body);
    if (written === undefined || EXPRESSION.test(written)) {
      return await malformed('body', NO_EXPRESSION);
    }
    const { headers, method, body } = draft;
    for (const name of [...headers.keys()]) if (name.startsWith('bt-')) headers.delete(name);
    headers.set('bt-proxy-url', url);
    const fault = headerFault(headers);
    if (fault !== undefined) return await malformed(fault.field, fault.reason);
    const response = await vault.fetch(`${origin}/proxy`, { ...init, method, headers, body });
    const { status } = response;
    if (isUnknown(status)) {
      await response.body?.cancel().catch(() => undefined);
      throw new Error(`the merchant answers ${status}: what was charged is unknown`);
    }
    const filtered = await filterAnswer(response, card.answer, scrubAnyCard);
    return filtered.status === 200
      ? chargedAnswer(filtered.body, call.price)
      : freeAnswer(filtered.status, filtered.body);
  },
});
