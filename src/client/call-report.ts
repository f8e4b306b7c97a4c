import { type Item, parseList } from 'structured-headers';
import type { Hex } from '../core/hex.ts';
import { type ProblemBody, problemIn } from './errors.ts';
import type { Usage } from '../protocol/meter/meter.ts';
import type { ReceiptClaims, StreamEnd } from '../protocol/receipt.ts';
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

/** The final cost of a call. Amounts in atomic units. */
export type FinalReport = {
  /** Absent for an unsigned call. */
  readonly call?: Hex;
  readonly charged: bigint;
  /** What a metered call has used, by unit. */
  readonly usage?: Usage;
  /** How a stream ended, as the receipt states it. */
  readonly end?: StreamEnd;
  /** Verified if a gateway streamed the answer. Otherwise as in the report. */
  readonly receipt: Receipt | undefined;
};

/**
 * The report of an answer, and `final`: its cost once the answer has ended. `final` settles only after the body was read to its end, broke
 * off or was cancelled. If the stream brought no valid receipt, the first use of `final` looks the call up, which takes one signature.
 *
 * `final` rejects with CountersignError `look_failed` or `unknown_call`; reading it is optional. It is not enumerable.
 */
export type AgentReport = CallReport & { readonly final: Promise<FinalReport> };

/** A `Response` as `fetch` returns it, with the report of its call. */
export type AgentResponse = Response & { readonly countersign: AgentReport };

/** Adds `final` to a report. @param settle called at most once, when `final` is first read */
export const withFinal = (
  report: CallReport,
  settle: () => Promise<FinalReport> = async () => await Promise.resolve(endOf(report)),
): AgentReport => {
  let final: Promise<FinalReport> | undefined;
  const get = (): Promise<FinalReport> => {
    if (final === undefined) {
      final = settle();
      // An unhandled rejection must not end a program that reads `final` and never awaits it.
      final.catch(() => undefined);
    }
    return final;
  };
  return Object.defineProperty({ ...report }, 'final', { get }) as AgentReport;
};

const endOf = ({ call, charged, receipt }: CallReport): FinalReport => ({
  ...(call === undefined ? {} : { call }),
  charged,
  ...(receipt?.verified === true ? endIn(receipt.claims) : {}),
  receipt,
});

/** Returns usage and end from the claims of a receipt. */
export const endIn = ({ usage, end }: ReceiptClaims): Pick<FinalReport, 'usage' | 'end'> => ({
  ...(usage === undefined ? {} : { usage }),
  ...(end === undefined ? {} : { end }),
});

/** Adds the report to the response itself, so that every other property stays as `fetch` returned it. */
export const withReport = (response: Response, report: AgentReport): AgentResponse =>
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
