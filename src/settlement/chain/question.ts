import { type RpcAnswer, rpcBatch, type RpcCall, type RpcFault } from './json-rpc.ts';
import { ok, type Result } from '../../core/result.ts';

/** Some calls to a node, and how to read their answers. */
export type Question<T> = {
  readonly calls: readonly RpcCall[];
  readonly read: (answers: readonly RpcAnswer[]) => T;
  /** The most bytes of its answer that are read where it is asked alone. */
  readonly maxBytes?: number;
};

/**
 * Asks many questions in one JSON-RPC batch; equal calls are sent once (all payments of one transaction share its receipt).
 * A batch whose answer is too large is halved and asked again, so that one payer's huge transaction keeps only that
 * payer's payment from being read, never its neighbours'.
 *
 * @returns one result a question, in their order.
 */
export const askAll = async <T>(
  urls: readonly string[],
  questions: readonly Question<T>[],
): Promise<readonly Result<T, RpcFault>[]> => {
  const calls = new Map<string, RpcCall>();
  for (const call of questions.flatMap((question) => question.calls)) {
    calls.set(JSON.stringify(call), call);
  }
  const [first] = questions;
  const isAlone = questions.length === 1 && first?.maxBytes !== undefined;
  const bounds = isAlone ? { maxBytes: first.maxBytes } : {};
  const answers = await rpcBatch(urls, [...calls.values()], bounds);
  if (answers.ok) {
    const byCall = new Map([...calls.keys()].map((key, at) => [key, answers.value[at]]));
    return questions.map(({ calls: own, read }) =>
      ok(read(own.map((call) => byCall.get(JSON.stringify(call)) as RpcAnswer))),
    );
  }
  if (answers.error.kind !== 'too_large' || questions.length < 2)
    return questions.map(() => answers);
  const middle = questions.length >> 1;
  return [
    ...(await askAll(urls, questions.slice(0, middle))),
    ...(await askAll(urls, questions.slice(middle))),
  ];
};
