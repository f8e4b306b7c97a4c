import {
  type RpcAnswer,
  SIGNER_ERRORS,
  type SignerError,
  type SignerProblem,
  signerProblemType,
} from '../protocol/signer/rpc.ts';

/** A refusal before it becomes a JSON-RPC error. Holds nothing that the caller must not see. */
export type RpcFault = {
  readonly error: SignerError;
  readonly field?: string;
  readonly rule?: string;
  readonly fault?: string;
  /** What the caller must change; completes the standing text of the error. */
  readonly detail?: string;
  readonly limit?: SignerProblem['limit'];
  /** Seconds. */
  readonly retryAfter?: number;
};

/** An answer to an agent: JSON-RPC, and the status that HTTP needs. */
export type HttpAnswer = {
  readonly status: number;
  readonly body: RpcAnswer;
  readonly retryAfter?: number;
};

type Text = { readonly status: number; readonly title: string; readonly hint: string };

const AGAIN =
  'Send the same typed data again after `retry_after` seconds, in a newly signed HTTP request.';

const TEXTS: Readonly<Record<SignerError, Text>> = {
  'malformed-request': {
    status: 400,
    title: 'The body is not one JSON-RPC request.',
    hint: 'Send {"jsonrpc":"2.0","id":1,"method":…,"params":[…]} as application/json.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large.',
    hint: 'Typed data of a call is a few kilobytes. Send less.',
  },
  'malformed-params': {
    status: 200,
    title: 'A parameter is malformed.',
    hint: 'Correct `field`. Nothing was signed.',
  },
  unauthenticated: {
    status: 401,
    title: 'The request is not signed by an enrolled key.',
    hint: 'Sign the request with the enrolled Ed25519 key (RFC 9421), or ask the owner to enrol the key.',
  },
  replayed: {
    status: 401,
    title: 'The HTTP signature was used before.',
    hint: 'Sign the HTTP request again, with a new nonce. The typed data may stay the same.',
  },
  'unsupported-method': {
    status: 200,
    title: 'The signer has no such method.',
    hint: 'Use eth_accounts or eth_signTypedData_v4. The signer signs no messages, transactions and EIP-7702 authorizations.',
  },
  'unsupported-data': {
    status: 200,
    title: 'The signer never signs such typed data.',
    hint: 'Sign an AgentIntent, or a payment in a pinned token together with its intent: a TransferWithAuthorization, or the permit of the scheme upto.',
  },
  denied: {
    status: 200,
    title: "The agent's policy does not allow this signature.",
    hint: 'Ask for something that `rule` allows, wait for `retry_after` if it is there, or ask the owner to change the policy.',
  },
  'approval-required': {
    status: 200,
    title: 'The amount is above what the agent may sign without a person.',
    hint: 'The signer parks nothing: ask the owner to raise `approveAbove`, then ask again.',
  },
  'already-paid': {
    status: 200,
    title: 'The intent already has another payment.',
    hint: 'Make a new intent. One intent pays once.',
  },
  'key-unavailable': {
    status: 503,
    title: 'The key service does not sign now.',
    hint: AGAIN,
  },
  'key-refused': {
    status: 200,
    title: 'The key service refuses to sign.',
    hint: 'Ask the owner to check the key. The amount stays counted until the owner enrols the agent again.',
  },
  'storage-unavailable': {
    status: 503,
    title: 'The signer could not store its decision.',
    hint: AGAIN,
  },
  'too-many-requests': {
    status: 429,
    title: 'The agent asks too often.',
    hint: 'Wait for `retry_after` seconds.',
  },
  misconfigured: {
    status: 200,
    title: 'The signer cannot open its keys.',
    hint: 'The operator must set SIGNER_KEY (docs/signer.md).',
  },
};

/** Builds the answer for a fault. `id` is null while the request could not be read. */
export const rpcError = (
  id: string | number | null,
  { error, field, rule, fault, detail, limit, retryAfter }: RpcFault,
): HttpAnswer => {
  const { status, title, hint } = TEXTS[error];
  const data: SignerProblem = {
    type: signerProblemType(error),
    title,
    detail: detail ?? title,
    hint,
    ...(field === undefined ? {} : { field }),
    ...(rule === undefined ? {} : { rule }),
    ...(fault === undefined ? {} : { fault }),
    ...(limit === undefined ? {} : { limit }),
    ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
  };
  const body: RpcAnswer = {
    jsonrpc: '2.0',
    id,
    error: { code: SIGNER_ERRORS[error], message: title, data },
  };
  return { status, body, ...(retryAfter === undefined ? {} : { retryAfter }) };
};

export const rpcResult = (
  id: string | number,
  result: Extract<RpcAnswer, { readonly result: unknown }>['result'],
): HttpAnswer => ({ status: 200, body: { jsonrpc: '2.0', id, result } });
