import type { Hex } from '../core/hex.ts';
import { limitsOf, type Limit } from './limits.ts';
import { problemIn, type ProblemBody } from './problem-body.ts';
import type { Receipt } from './receipt.ts';

/** The cost of an answer, and the evidence for it. Amounts in atomic units (USDC: millionths of a dollar). */
export type CallReport = {
  /** How the call was paid. Also `credit` if the gateway used credit in place of a signed payment. */
  readonly paid: 'none' | 'payment' | 'credit';
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
