import * as z from 'zod/mini';
import type { Address, Hex } from '../../core/hex.ts';
import { type HttpFault, postJson } from '../post-json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { inActiveSpan } from '../../tracing/trace.ts';

export type RpcCall = { readonly method: string; readonly params: readonly unknown[] };

/** The answer to one call of a batch: its result, still unchecked, or the node's error. */
export type RpcAnswer = Result<unknown, RpcError>;
export type RpcError = { readonly code: number; readonly message: string };

/** Why no URL returned a usable answer to a batch. */
export type RpcFault = { readonly kind: HttpFault['kind'] | 'status' | 'invalid' };

export type RpcOptions = { readonly timeoutMs?: number; readonly maxBytes?: number };

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_MESSAGE = 200;

/** JSON-RPC's code for an eth_call that the contract reverted (EIP-1474 extension of geth, also anvil's). */
const REVERTED = 3;
const EXECUTION = /revert|out of gas|invalid opcode|invalid jump|stack (under|over)flow|EVM error/i;

/** Whether the contract failed, and not the node. Every node gives the same answer then. */
export const isExecutionError = (error: RpcError): boolean =>
  error.code === REVERTED || EXECUTION.test(error.message);

const answerSchema = z.array(
  z.object({
    jsonrpc: z.literal('2.0'),
    id: z.int(),
    result: z.optional(z.unknown()),
    error: z.optional(z.object({ code: z.int(), message: z.string() })),
  }),
);

/**
 * Sends calls as one JSON-RPC 2.0 batch to the URLs in order, until one answers every call. If none does, the batch with some answers is
 * returned. Answers are in the order of the calls, whatever order the node sent them in.
 *
 * @returns one answer per call; or the fault of the last URL if none returned a well-formed batch.
 */
export const rpcBatch = async (
  urls: readonly string[],
  calls: readonly RpcCall[],
  options: RpcOptions = {},
): Promise<Result<readonly RpcAnswer[], RpcFault>> => {
  const [first] = calls;
  if (first === undefined) return ok([]);
  return inActiveSpan('read_chain', async (span) => {
    span?.set({ 'rpc.method': first.method, 'countersign.count': calls.length });
    const answers = await firstWhole(urls, calls, options);
    if (!answers.ok) span?.set({ 'error.type': answers.error.kind });
    return answers;
  });
};

/** Returns the first batch that answers every call; if there is none, the best one. */
const firstWhole = async (
  urls: readonly string[],
  calls: readonly RpcCall[],
  options: RpcOptions,
): Promise<Result<readonly RpcAnswer[], RpcFault>> => {
  let best: Result<readonly RpcAnswer[], RpcFault> = err({ kind: 'connection' });
  for (const url of urls) {
    const answers = await postBatch(url, calls, options);
    if (answers.ok && answers.value.every((one) => one.ok || isExecutionError(one.error))) {
      return answers;
    }
    if (answers.ok || !best.ok) best = answers;
  }
  return best;
};

const postBatch = async (
  url: string,
  calls: readonly RpcCall[],
  options: RpcOptions,
): Promise<Result<readonly RpcAnswer[], RpcFault>> => {
  const batch = calls.map((call, id) => ({ jsonrpc: '2.0', id, ...call }));
  const posted = await postJson(url, batch, {
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    maxBytes: options.maxBytes ?? MAX_BYTES,
  });
  if (!posted.ok) return posted;
  if (posted.value.status !== 200) return err({ kind: 'status' });
  return inOrder(posted.value.json, calls.length);
};

/** Assigns answers to calls by id. A missing, doubled or unknown id invalidates the batch, because no answer can be assigned safely. */
const inOrder = (json: unknown, count: number): Result<readonly RpcAnswer[], RpcFault> => {
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success || parsed.data.length !== count) return err({ kind: 'invalid' });
  const byId = new Map<number, RpcAnswer>();
  for (const { id, result, error } of parsed.data) {
    if (id < 0 || id >= count || (result === undefined) === (error === undefined)) {
      return err({ kind: 'invalid' });
    }
    byId.set(
      id,
      error === undefined
        ? ok(result)
        : err({ code: error.code, message: error.message.slice(0, MAX_MESSAGE) }),
    );
  }
  if (byId.size !== count) return err({ kind: 'invalid' });
  return ok(Array.from({ length: count }, (_, id) => byId.get(id) as RpcAnswer));
};

const safe = z.refine<number>((value) => Number.isSafeInteger(value));

/** A JSON-RPC quantity that fits a safe integer, as a number. */
export const quantitySchema = z.pipe(
  z.string().check(z.regex(/^0x(0|[1-9a-f][0-9a-f]{0,13})$/)),
  z.pipe(
    z.transform((text: string) => Number(text)),
    z.number().check(safe),
  ),
);

const hex = <T extends Hex>(pattern: RegExp) =>
  z.pipe(
    z.string().check(z.regex(pattern)),
    z.transform((text: string) => text.toLowerCase() as T),
  );

/** Any bytes, lowercase. */
export const bytesSchema = hex<Hex>(/^0x([0-9a-fA-F]{2})*$/);
/** 32 bytes, lowercase. */
export const wordSchema = hex<Hex>(/^0x[0-9a-fA-F]{64}$/);
/** 20 bytes, lowercase. */
export const addressSchema = hex<Address>(/^0x[0-9a-fA-F]{40}$/);

/** Writes a block number or gas as a JSON-RPC quantity. */
export const toQuantity = (value: number): Hex => `0x${value.toString(16)}`;

/** The checked result of a successful call; undefined for a node's error or an answer of another form. */
export const readAnswer = <S extends z.ZodMiniType>(
  answer: RpcAnswer | undefined,
  schema: S,
): z.output<S> | undefined => {
  if (answer?.ok !== true) return undefined;
  const parsed = schema.safeParse(answer.value);
  return parsed.success ? parsed.data : undefined;
};
