/**
 * Every span and every attribute that this gateway records. Spans leave the gateway for a destination of the operator, so what they may
 * contain is decided here and nowhere else: a name that is missing does not compile, and a value of another form is dropped. No attribute
 * takes free text, a URL or a header: those can contain a signature or a key (law 9).
 */
import type { Hex } from '../core/hex.ts';

/** The steps of a call are those of the picture in `ARCHITECTURE.md#what-happens-to-a-request`. */
export type SpanName =
  // The steps of a call.
  | 'observe'
  | 'proof'
  | 'check'
  | 'reserve'
  | 'settle'
  | 'dispatch'
  | 'finish'
  // In an object: the decision of a command with its group, and the transaction that stores the group.
  | 'decide'
  | 'commit'
  // A batch of a queue.
  | 'consume'
  // Requests to others: a payment to a facilitator, payments to the relayer, a batch of JSON-RPC to a node, a delivery to a webhook.
  | 'facilitate'
  | 'relay'
  | 'read_chain'
  | 'deliver';

/** Names without a prefix are OpenTelemetry's semantic conventions; `countersign.` are the gateway's own. */
export type Attributes = {
  readonly 'http.request.method'?: string;
  readonly 'http.response.status_code'?: number;
  /** Why a step failed: the name of a problem, of a fault, or of the step's own failure. */
  readonly 'error.type'?: string;
  readonly 'messaging.destination.name'?: string;
  readonly 'messaging.batch.message_count'?: number;
  /** Of the first call of a JSON-RPC batch. */
  readonly 'rpc.method'?: string;
  readonly 'countersign.call'?: Hex;
  readonly 'countersign.tool'?: string;
  /** CAIP-10. */
  readonly 'countersign.account'?: string;
  /** CAIP-2. */
  readonly 'countersign.network'?: string;
  /** Atomic units, as text: OTLP has no integer of 256 bits. */
  readonly 'countersign.amount'?: string;
  readonly 'countersign.verdict'?: string;
  /** The rule that denied the call. */
  readonly 'countersign.rule'?: string;
  readonly 'countersign.binding'?: 'none' | 'intent';
  /** What became of a payment, as far as the step knows. */
  readonly 'countersign.settlement.state'?: string;
  /** Items of one request: payments of a batch, JSON-RPC calls, commands of a group. */
  readonly 'countersign.count'?: number;
  /** The `traceparent` that the caller sent (W3C Trace Context). The platform does not adopt it. */
  readonly 'countersign.caller.traceparent'?: string;
};

/** The name of a verdict, rule, state, fault or problem. */
const WORD = /^[a-z][a-z0-9_]{0,39}$/;
const WHOLE = /^\d{1,15}$/;

/** The form of each attribute, as text. Test: `test/unit/tracing/table.test.ts`. */
export const FORMS: { readonly [Name in keyof Attributes]-?: RegExp } = {
  'http.request.method': /^[A-Z]{1,16}$/,
  'http.response.status_code': /^\d{3}$/,
  'error.type': WORD,
  'messaging.destination.name': /^[a-z0-9][a-z0-9-]{0,62}$/,
  'messaging.batch.message_count': WHOLE,
  'rpc.method': /^[a-z]{2,8}_[a-zA-Z]{1,40}$/,
  'countersign.call': /^0x[0-9a-f]{64}$/,
  'countersign.tool': /^[a-z0-9][a-z0-9._-]{0,63}$/,
  'countersign.account': /^eip155:\d{1,20}:0x[0-9a-f]{40}$/,
  'countersign.network': /^eip155:\d{1,20}$/,
  'countersign.amount': /^\d{1,78}$/,
  'countersign.verdict': WORD,
  'countersign.rule': WORD,
  'countersign.binding': /^(?:none|intent)$/,
  'countersign.settlement.state': WORD,
  'countersign.count': WHOLE,
  'countersign.caller.traceparent': /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/,
};
