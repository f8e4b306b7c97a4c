import { type Item, parseList } from 'structured-headers';
import type { Hex } from '../core/hex.ts';
import { type ProblemBody, problemIn } from './errors.ts';
import type { Receipt } from './verify-receipt.ts';

/** The cost of an answer, and the evidence for it. Amounts in atomic units (USDC: millionths of a dollar). */
export type CallReport = {
  /** How the call was paid. Also `credit` if the gateway used credit in place of a signed payment. */
  readonly paid: 'none' | 'payment' | 'credit' | 'card';
  /** The x402 version of a payment. */
  readonly version?: 1 | 2;
  /** `intent`: the signature is bound to exactly this request. */
  readonly binding: 'none' | 'intent';
  /** Call id of a signed call: the argument for `Agent.look`. */
  readonly call?: Hex;
  /**
   * From the verified receipt. Without one, from the server's `PAYMENT-RESPONSE`, at most the signed amount. Without that, the signed
   * amount for a success and zero for a failure.
   */
  readonly charged: bigint;
  /** A payment that settled for a call that charged nothing: the server states that it is credit of this account now. */
  readonly credited: bigint;
  /** Hash of the settlement transaction, if the server names it. */
  readonly transaction?: Hex;
  /** Undefined if the answer carries none. */
  readonly receipt: Receipt | undefined;
  /** The remaining limits of the account, as the gateway states them. */
  readonly limits: readonly Limit[];
  /** How often the client sent the signed request; 1 for an unsigned one. */
  readonly attempts: number;
  /** The problem of RFC 9457 in the body of a failure. */
  readonly problem?: ProblemBody;
};

/** A `Response` as `fetch` returns it, with the report of its call. */
export type AgentResponse = Response & { readonly countersign: CallReport };

/** Adds the report to the response itself, so that every other property stays as `fetch` returned it. */
export const withReport = (response: Response, report: CallReport): AgentResponse =>
  Object.defineProperty(response, 'countersign', {
    value: report,
    enumerable: true,
  }) as AgentResponse;

/** Reports on the answer to an unsigned request. */
export const unsignedReport = async (
  response: Response,
  withinMs?: number,
): Promise<CallReport> => {
  const problem = response.ok ? undefined : await problemIn(response, withinMs);
  return {
    paid: 'none',
    binding: 'none',
    charged: 0n,
    credited: 0n,
    receipt: undefined,
    limits: limitsOf(response.headers),
    attempts: 1,
    ...(problem === undefined ? {} : { problem }),
  };
};

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
