import { decodeUtf8, encodeBase64 } from '../../crypto/bytes.ts';
import { type AgentResponse, type CallReport, withReport } from '../call-report.ts';
import { call } from '../call.ts';
import type { AgentContext } from '../context.ts';
import { isRecord } from '../json.ts';
import { type FetchInit, type Outgoing, readOutgoing } from '../outgoing.ts';
import { ApprovalRequired } from '../pending-approval.ts';
import type { Proof } from '../proof.ts';
import { send } from '../transport.ts';
import { httpAnswerOf } from './http-answer.ts';
import { answerWith, bounded, type Messages, readMessages } from './messages.ts';
import { openReading, type Reading } from './reading.ts';
import { isIntroduction, requestIdOf, type ToolCall, toolCallOf } from './tool-call.ts';

/** The key that the client adds to the `_meta` of each result: the cost of the call, as it has verified it (docs/client.md). */
export const REPORT_KEY = 'countersign/report';

/**
 * Returns a `fetch` for the transport of an MCP client. It pays each `tools/call` for which the server asks for payment, within the agent's
 * caps, and passes on every other request. Progress notifications arrive with the result.
 *
 * @throws CountersignError as `Agent.fetch` does: the call of the MCP client rejects with it
 */
export const payingFetch = (
  context: AgentContext,
  url: URL,
  reading: Reading = openReading(context, url.origin),
) => {
  return async (target: string | URL, init?: FetchInit): Promise<Response> => {
    const post = await readOutgoing(target.toString(), init);
    const proof = await reading.proofFor(post);
    const toolCall = proof === undefined ? await toolCallOf(post) : undefined;
    if (toolCall !== undefined) return bounded(await pay(context, toolCall));
    const response =
      proof === undefined
        ? await context.fetch(target, init)
        : await readSigned(context, post, proof);
    const id = requestIdOf(post, proof === undefined ? isIntroduction : undefined);
    const messages =
      id === undefined || !response.ok
        ? undefined
        : await readMessages(response, id, context.timeoutMs);
    if (messages === undefined) return bounded(response);
    reading.note(messages);
    const own = withoutReport(messages);
    return own === undefined ? response : answerWith(own);
  };
};

/** Sends a request that only reads, with its intent. The transport may simply repeat it after a lost answer. */
const readSigned = async (
  context: AgentContext,
  post: Outgoing,
  { header }: Proof,
): Promise<Response> =>
  await send(context, post, { header }, async (response) => await Promise.resolve(response));

const pay = async (context: AgentContext, toolCall: ToolCall): Promise<Response> => {
  const terms = { perCall: context.rules.perCall, binding: 'any', from: 'credit' } as const;
  return await carried(context, toolCall, async (carrier) => {
    const { response } = await call(carrier, toolCall.outgoing, terms);
    return response;
  });
};

/**
 * Makes a call over MCP with a context that carries it. Returns the JSON-RPC answer with the report, or the HTTP answer if the server
 * refused the request at that level.
 */
export const carried = async (
  context: AgentContext,
  toolCall: ToolCall,
  work: (carrier: AgentContext) => Promise<AgentResponse>,
): Promise<AgentResponse> => {
  const answered = new WeakMap<Response, Messages>();
  const refused = new WeakSet<Response>();
  const finish = async (response: AgentResponse): Promise<AgentResponse> => {
    if (refused.has(response)) return response;
    const messages = answered.get(response) ?? (await storedMessages(response, toolCall));
    const report = response.countersign;
    return withReport(answerWith(reported(messages, report)), report);
  };
  const carrier = { ...context, fetch: overMcp(context, toolCall, { answered, refused }) };
  try {
    return await finish(await work(carrier));
  } catch (cause) {
    if (!(cause instanceof ApprovalRequired)) throw cause;
    const { approval, response, problem } = cause;
    throw new ApprovalRequired(response, problem, {
      ...approval,
      resume: async (options) => await finish(await approval.resume(options)),
    });
  }
};

/** The answers of one call: those translated from messages, and those of the HTTP endpoint itself, e.g. a 403. */
type Received = {
  readonly answered: WeakMap<Response, Messages>;
  readonly refused: WeakSet<Response>;
};

/**
 * A `fetch` that carries a call over MCP: it sends the POST, and translates the result to an HTTP answer. Other requests, such as the
 * look-up of a lost answer, pass through.
 */
const overMcp =
  (
    { fetch, timeoutMs }: Pick<AgentContext, 'fetch' | 'timeoutMs'>,
    { outgoing, id }: ToolCall,
    { answered, refused }: Received,
  ): typeof globalThis.fetch =>
  async (url, init) => {
    if (url !== outgoing.url) return await fetch(url, init);
    const received = await fetch(url, { ...init, method: 'POST' });
    if (!received.ok) {
      refused.add(received);
      return received;
    }
    const messages = await readMessages(received, id, timeoutMs);
    if (messages === undefined) await received.body?.cancel().catch(() => undefined);
    // Not an error of the client: after a signature this answer counts as lost, and the exchange repeats the call.
    if (messages === undefined) throw new TypeError('The answer holds no JSON-RPC response.');
    const answer = httpAnswerOf(messages.response);
    answered.set(answer, messages);
    return answer;
  };

/** The result for an answer that the client looked up: its first answer was lost, so there is no message of the server. */
const storedMessages = async (response: Response, { id }: ToolCall): Promise<Messages> => {
  const bytes = new Uint8Array(await response.clone().arrayBuffer());
  const text = decodeUtf8(bytes);
  const block =
    text === undefined
      ? {
          type: 'resource',
          resource: {
            uri: 'mcp://stored-answer',
            mimeType: response.headers.get('content-type') ?? 'application/octet-stream',
            blob: encodeBase64(bytes),
          },
        }
      : { type: 'text', text };
  return {
    earlier: [],
    response: {
      jsonrpc: '2.0',
      id,
      result: { content: [block], ...(response.ok ? {} : { isError: true }) },
    },
  };
};

/** Removes a report from the answer to a request that pays nothing: only the client's own is one. Undefined if there is none. */
const withoutReport = ({ earlier, response }: Messages): Messages | undefined => {
  const { result } = response;
  const meta = isRecord(result) ? result['_meta'] : undefined;
  if (!isRecord(result) || !isRecord(meta) || !(REPORT_KEY in meta)) return undefined;
  const { [REPORT_KEY]: _, ...rest } = meta;
  return { earlier, response: { ...response, result: { ...result, _meta: rest } } };
};

/** Adds the report. A report that the server sent is replaced: only the client's own is one. */
const reported = ({ earlier, response }: Messages, report: CallReport): Messages => {
  const { result } = response;
  if (!isRecord(result)) return { earlier, response };
  const meta = isRecord(result['_meta']) ? result['_meta'] : {};
  return {
    earlier,
    response: {
      ...response,
      result: { ...result, _meta: { ...meta, [REPORT_KEY]: reportJson(report) } },
    },
  };
};

/** A report as JSON: amounts as decimal strings. */
const reportJson = ({ charged, credited, limits, ...rest }: CallReport) => ({
  ...rest,
  charged: charged.toString(),
  credited: credited.toString(),
  limits: limits.map(({ limit, remaining, ...each }) => ({
    ...each,
    remaining: remaining.toString(),
    ...(limit === undefined ? {} : { limit: limit.toString() }),
  })),
});
