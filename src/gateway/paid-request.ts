/**
 * The types that the steps of a paid request pass to each other, in the order of the steps. One file below all steps holds them, so that no
 * step imports a later one.
 */
import type { Tool } from '../catalog/tool.ts';
import type { Seconds } from '../core/clock.ts';
import type { Address, Hex } from '../core/hex.ts';
import type { AccountId, AssetId, Network } from '../protocol/account-id.ts';
import type { ReserveVerdict } from '../protocol/account/call-verdict.ts';
import type { Call, MeteredUsage } from '../protocol/account/call.ts';
import type { UsageFault } from '../protocol/meter/metered-charge.ts';
import type { Meter, Rates } from '../protocol/meter/meter.ts';
import type { Binding } from '../protocol/tool-terms.ts';
import type { AgentIntent } from '../protocol/intent/agent-intent.ts';
import type { ObservedRequest } from '../protocol/intent/binding.ts';
import type { RpcError } from '../protocol/problem/upstream.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { Payment, Token } from '../protocol/payment.ts';
import type { AnswerMeter } from './meter/answer-meter.ts';

/** The request line and headers, against which proofs are checked. The body is not read yet. */
export type RequestHead = Omit<ObservedRequest, 'payloadDigest'>;

/** A request with its body read: everything that a proof can be bound to. */
export type ReceivedRequest = ObservedRequest & {
  /** The bytes that were hashed and go to the upstream; undefined if the body is empty. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  /** `requestDigest` of everything that a proof can be bound to. */
  readonly request: Hex;
};

/** A proof that passed every check that needs no network access. */
export type CheckedProof = {
  readonly kind: 'payment' | 'intent';
  readonly version: 1 | 2;
  /** The configured origin that the request came to; receipts and assertions name it. */
  readonly audience: string;
  readonly network: Network;
  readonly payer: Address;
  readonly payTo: Address;
  /** The dollar token of the network: balances are read in it. */
  readonly token: Token;
  /** The unit of the price: `token`, or the currency of a card tool. */
  readonly asset: AssetId;
  /** The amount to reserve, atomic units: the tool's price, or what the intent allows for a tool of variable price. */
  readonly price: bigint;
  /** Call id: the intent digest, or the EIP-3009 nonce. Both are one namespace. */
  readonly call: Hex;
  readonly binding: Binding;
  readonly validBefore: Seconds;
  /** False if the proof has expired and is valid otherwise: it may look up its call, never execute. */
  readonly execute: boolean;
  /** The proof names a former payee or a closed network: it repeats a call that the account knows, or is rejected with this reason. */
  readonly former?: Reason | undefined;
  /** The signed digest and its signature; ERC-1271 verification of a contract account uses the same two. */
  readonly digest: Hex;
  readonly signature: Hex;
  readonly signatureField: string;
  /** True if the payer's key signed. False if only the payer's contract can still accept the signature. */
  readonly signedByKey: boolean;
  readonly payment?: Payment | undefined;
  readonly intent?: AgentIntent | undefined;
  /** The caller presented the secret that the intent's nonce commits to. */
  readonly showsSecret?: boolean;
  /** The x402 `payment-identifier` of a payment without an intent: a secret of client and gateway. */
  readonly paymentIdentifier?: string | undefined;
};

/** The parts of a request that hold its parameters. */
export type ParamsRequest = Pick<ReceivedRequest, 'target' | 'contentType' | 'body'>;

/** A request for something with a price: a tool call, or a top-up of credit. Both take the same steps. */
export type PaidRequest = {
  readonly tool: Tool;
  readonly head: RequestHead;
  /** The incoming request. Its headers name the client, carry the proof, and are forwarded by an allow-list. */
  readonly request: Request;
  /** Where policies find the parameters of the call. Absent: in the request itself. */
  readonly paramsIn?: ParamsRequest;
  /** Set for a top-up: the account that gets the credit; `to` is undefined if the payer tops up its own account. */
  readonly topUp?: { readonly to: AccountId | undefined };
  /** Why the tool cannot run for this request. A caller without a proof learns the price all the same. */
  readonly refusal?: Reason;
  /** Runs the tool. Called only after the account decided "go". Never throws. */
  readonly run: (
    received: ReceivedRequest,
    checked: CheckedProof,
    reserved: ReservedCall,
    metering: Metering | undefined,
  ) => Promise<DispatchResult>;
};

/** A paid request that carried a proof, so its body was read. */
export type PaidRequestWithBody = PaidRequest & {
  readonly received: ReceivedRequest;
  /** Set for a tool with a meter. */
  readonly metering?: Metering;
  /** What the upstream gets, if the gateway adds to the caller's body. */
  readonly sent?: ReceivedRequest;
};

/** Verdicts that request more evidence from the Worker, or report that the account is unavailable. `reserve` handles them. */
type OpenVerdict = {
  readonly verdict: 'stale_payer' | 'stale_grant' | 'unknown_grant' | 'unscreened' | 'unavailable';
};

/** A call that its account has decided. */
export type ReservedCall = {
  readonly call: Call;
  readonly attempt: Hex;
  readonly decision: Decision;
};

/** The final verdict of an account about a call. */
export type Decision = Exclude<ReserveVerdict, OpenVerdict>;

/** The gateway reads answers up to this size completely before it passes them on, and stores them. */
export const MAX_WHOLE = 64 * 1024;

/** The headers of a tool's answer that the caller gets; names in lower case. A record, because an account stores it and a Response copies it. */
export type AnswerHeaders = Readonly<Record<string, string>>;

/** How the charge of a call follows its usage: the meter of its tool, and the rate list that its parameters chose. */
export type Metering = { readonly meter: Meter; readonly rates: Rates };

/** What a tool of variable price charges, atomic units, and the usage that decided it; absent: the whole reserved amount. */
export type Charge = { readonly charge?: bigint; readonly metered?: MeteredUsage };

/** Why an answer broke off: its tool was too slow, or the connection broke. */
type BrokenOff = 'timeout' | 'truncated';

/** The result of calling a tool. */
export type DispatchResult =
  /** Read completely. `digest` is the SHA-256 of the body. */
  | ({
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: AnswerHeaders;
      readonly body: Uint8Array<ArrayBuffer>;
      readonly digest: Hex;
      /** Set for an answer of a metered tool that did not end by itself. Its caller pays for the part that was read. */
      readonly end?: 'maximum' | BrokenOff;
    } & Charge)
  | StreamingAnswer
  /**
   * `timeout` and `dropped`: the tool may or may not have run. `truncated`: the answer broke off. `oversized`: it is longer than the
   * caller's protocol can take. `malformed`: a remote MCP server did not answer the call as MCP requires. `payment`, `redirect`, `encoding`, `overcharge`: the gateway must not pass the answer on.
   */
  | {
      readonly kind: 'failed';
      readonly reason:
        | 'dropped'
        | 'payment'
        | 'redirect'
        | 'encoding'
        | 'overcharge'
        | 'oversized'
        | 'malformed';
    }
  /** `metered`: the usage of a metered answer that broke off, which costs nothing. */
  | ({ readonly kind: 'failed'; readonly reason: BrokenOff } & Charge)
  /** The tool reported absurd usage. */
  | { readonly kind: 'failed'; readonly reason: 'usage'; readonly fault: UsageFault }
  /** The server of a remote MCP tool answered with a JSON-RPC error. */
  | { readonly kind: 'failed'; readonly reason: 'error'; readonly error: RpcError };

/** An answer that is longer than 64 KiB, or an event stream: it passes through as it arrives, and its call ends when it has ended. */
export type StreamingAnswer = {
  readonly kind: 'streaming';
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly isEventStream: boolean;
  readonly body: ReadableStream<Uint8Array>;
  /** When the tool was called, milliseconds. */
  readonly calledAt: number;
  /** What a tool of variable price states in its headers, atomic units. */
  readonly charge?: bigint;
  /** Set for a success of a metered tool. */
  readonly metered?: UsageReader;
};

/** Reads the usage of a success as its body passes. `maximum`: the held amount, atomic units. */
export type UsageReader = Metering & { readonly reader: AnswerMeter; readonly maximum: bigint };
