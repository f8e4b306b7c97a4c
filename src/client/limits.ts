import { parseList, type Item } from 'structured-headers';

/** The state of one limit of the account, as the gateway states it. Amounts in atomic units; the rule `rate` counts calls. */
export type Limit = {
  /** E.g. `per_call`, `window`, `rate`, `credit`. */
  readonly rule: string;
  readonly limit?: bigint;
  readonly remaining: bigint;
  /** Length of the window in seconds. */
  readonly window?: number;
  /** Seconds until the window resets. */
  readonly resetsIn?: number;
};

const MAX_HEADER = 8_192;

/** Reads `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers). Skips malformed items: the client only reports limits. */
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
 * The free credit in atomic units that the headers state: zero if they state limits without credit; undefined if they state no
 * limits, as in a stored answer.
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
