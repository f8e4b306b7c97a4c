import { parseList, type Item } from 'structured-headers';

/** What is left of one limit of the account, as the gateway told it. Money in atomic units, calls counted. */
export type Limit = {
  /** E.g. `per_call`, `window`, `rate`, `credit`. */
  readonly rule: string;
  readonly limit?: bigint;
  readonly remaining: bigint;
  /** Seconds. */
  readonly window?: number;
  readonly resetsIn?: number;
};

const MAX_HEADER = 8_192;

/** Reads `RateLimit` and `RateLimit-Policy` (IETF draft). What is not understood is left out: it is told, never enforced here. */
export const limitsOf = (headers: Headers): readonly Limit[] => {
  const policies = itemsOf(headers.get('ratelimit-policy'));
  return itemsOf(headers.get('ratelimit')).flatMap(([rule, parameters], at) => {
    const remaining = integer(parameters.get('r'));
    if (typeof rule !== 'string' || remaining === undefined) return [];
    const [name, same] = policies[at] ?? [];
    const policy = name === rule ? same : policies.find(([other]) => other === rule)?.[1];
    const limit = integer(policy?.get('q'));
    const window = integer(policy?.get('w'));
    const resetsIn = integer(parameters.get('t'));
    return [
      {
        rule,
        remaining: BigInt(remaining),
        ...(limit === undefined ? {} : { limit: BigInt(limit) }),
        ...(window === undefined ? {} : { window }),
        ...(resetsIn === undefined ? {} : { resetsIn }),
      },
    ];
  });
};

/**
 * The credit that the headers tell: none where limits are told and no credit is among them; undefined where nothing is told,
 * as with an answer given again.
 */
export const creditIn = (headers: Headers): bigint | undefined =>
  headers.has('ratelimit')
    ? (limitsOf(headers).find(({ rule }) => rule === 'credit')?.remaining ?? 0n)
    : undefined;

const itemsOf = (header: string | null): readonly Item[] => {
  if (header === null || header.length > MAX_HEADER) return [];
  try {
    return parseList(header).filter((item): item is Item => !Array.isArray(item[0]));
  } catch {
    return [];
  }
};

const integer = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
