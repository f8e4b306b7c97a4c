import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';

/**
 * The signer's JSON-RPC for agents (docs/signer.md): `POST /rpc/<owner account>`, one request a body, signed by the agent's key (RFC 9421).
 * Every answer is a JSON-RPC response, even if the HTTP status is not 200.
 *
 * - `eth_accounts`, no parameters: an array with the one address of the agent.
 * - `eth_signTypedData_v4`, `[address, typedData]`, or `[address, typedData, { intent }]` for a payment or its approval of Permit2: 65 bytes
 *   as hex. `typedData` is the JSON object of EIP-712, or its text. `intent` has the fields of `AgentIntent` as strings (`agentIntentSchema`).
 *
 * Asking again with the same typed data gets the same signature and spends nothing.
 */
export const SIGNER_METHODS = ['eth_accounts', 'eth_signTypedData_v4'] as const;

/** The path of an owner's agents. The object of the owner is named by the path, so a stranger's request finds no table to fill. */
export const signerRpcPath = (owner: string): string => `/rpc/${owner}`;

/** The largest body of a request, bytes. */
export const MAX_RPC_BODY = 32_768;

/** A JSON-RPC 2.0 request. No batches: one HTTP signature covers one decision. */
export const rpcRequestSchema = z.strictObject(
  {
    jsonrpc: z.literal('2.0', 'must be "2.0"'),
    id: z.union(
      [z.string().check(z.maxLength(64)), z.int()],
      'must be an integer or text of at most 64 characters',
    ),
    method: z.string('must be text').check(z.maxLength(64, 'must have at most 64 characters')),
    params: z.prefault(z.array(z.unknown(), 'must be an array').check(z.maxLength(3)), []),
  },
  'must be one JSON-RPC 2.0 request',
);
export type RpcRequest = z.output<typeof rpcRequestSchema>;

/**
 * Error codes (EIP-1474, EIP-1193) of the ends of `data.type`, `urn:countersign:problem:signer-<name>`. Names are final; a client decides by
 * them, not by the code.
 */
export const SIGNER_ERRORS = {
  /** The body is not a JSON-RPC request. HTTP 400. */
  'malformed-request': -32600,
  'body-too-large': -32600,
  /** A parameter is malformed: `data.field` says which. */
  'malformed-params': -32602,
  /** The HTTP signature does not verify, is expired, or its key is not enrolled or revoked. HTTP 401. `data.fault` names the check. */
  unauthenticated: 4100,
  /** The nonce of the HTTP signature was used before. HTTP 401. Sign the HTTP request again; typed data may stay the same. */
  replayed: 4100,
  /** Not a method of the signer. It never signs messages, transactions or EIP-7702 authorizations. */
  'unsupported-method': 4200,
  /** Typed data of a kind that the signer never signs. `data.rule` names it: `permit`, `domain`, `chain`, `primary_type`, … */
  'unsupported-data': 4200,
  /** The policy refuses. `data.rule` names the rule, `data.limit` its figures, `data.retry_after` when a retry can help. */
  denied: 4001,
  /** The amount is above `approveAbove`. */
  'approval-required': 4001,
  /** The intent already has another payment: one intent pays once. */
  'already-paid': 4001,
  /** The key service throttles or is down. `data.retry_after`; ask again with the same typed data. HTTP 503. */
  'key-unavailable': -32002,
  /** The key service refuses: the owner must act. `data.fault` says why. */
  'key-refused': -32603,
  /** The signer could not store its decision. HTTP 503. Ask again with the same typed data. */
  'storage-unavailable': -32002,
  'too-many-requests': -32005,
  misconfigured: -32603,
} as const;
export type SignerError = keyof typeof SIGNER_ERRORS;

export const signerProblemType = (error: SignerError): string =>
  `urn:countersign:problem:signer-${error}`;

/** A limit that refused, in atomic units. `rule`: `per_signature`, `window:day`, `window:3600s`, `lifetime`. */
const limitSchema = z.looseObject({
  rule: z.string(),
  limit: z.string(),
  spent: z.string(),
  remaining: z.string(),
  /** Unix seconds. */
  resets_at: z.exactOptional(z.int()),
});

/** `error.data`: the members of an RFC 9457 problem. Clients must ignore members that they do not know. */
export const signerProblemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  detail: z.string(),
  hint: z.string(),
  field: z.exactOptional(z.string()),
  rule: z.exactOptional(z.string()),
  fault: z.exactOptional(z.string()),
  limit: z.exactOptional(limitSchema),
  /** Seconds after which the same request may succeed. */
  retry_after: z.exactOptional(z.int()),
});
export type SignerProblem = z.output<typeof signerProblemSchema>;

const id = z.nullable(z.union([z.string(), z.number()]));

/** Every answer of the signer to an agent. */
export const rpcAnswerSchema = z.union([
  z.strictObject({
    jsonrpc: z.literal('2.0'),
    id,
    result: z.union([
      z.string().check(z.regex(/^0x[0-9a-f]{130}$/)),
      z.array(z.string().check(z.regex(/^0x[0-9a-f]{40}$/))).check(z.maxLength(1)),
    ]),
  }),
  z.strictObject({
    jsonrpc: z.literal('2.0'),
    id,
    error: z.strictObject({ code: z.int(), message: z.string(), data: signerProblemSchema }),
  }),
]);
export type RpcAnswer =
  | {
      readonly jsonrpc: '2.0';
      readonly id: string | number | null;
      readonly result: Hex | readonly Hex[];
    }
  | {
      readonly jsonrpc: '2.0';
      readonly id: string | number | null;
      readonly error: {
        readonly code: number;
        readonly message: string;
        readonly data: SignerProblem;
      };
    };
