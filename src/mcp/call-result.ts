import type { JsonObject } from '../core/json-object.ts';
import { type CallToolResult, ProtocolError } from '@modelcontextprotocol/server';
import { isSuccess } from '../gateway/finish.ts';
import { formatDollars } from '../protocol/amount.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { ReceiptClaims } from '../protocol/receipt.ts';
import {
  answerMeta,
  APPROVAL_KEY,
  paymentResponseOf,
  receiptClaims,
  STATUS_KEY,
  WORDS_KEY,
} from './answer-meta.ts';
import type { Terms } from './terms.ts';
import { toolContent } from './tool-content.ts';

/** A result that may name a type of its own (`org.x402/payment`). */
export type CallResult = CallToolResult | PaymentRequiredResult;

/** The form of the extension `org.x402/payment`, for a client that advertises it. */
export type PaymentRequiredResult = {
  readonly resultType: 'payment_required';
  readonly paymentRequired: Terms['version2'];
  readonly content: [];
};

/**
 * Translates the HTTP answer of a call into the result of `tools/call`. A refusal, a failure of the tool and an unpaid call are results
 * with `isError`, not JSON-RPC errors: the model must read why, and what to do next.
 *
 * @param uri of an answer that becomes an embedded resource.
 */
export const callResult = async (answer: Response, uri: string): Promise<CallToolResult> => {
  const { headers, status } = answer;
  const body = new Uint8Array(await answer.arrayBuffer());
  const shown = toolContent(headers.get('content-type'), body, uri);
  const content = { ...shown, _meta: { ...answerMeta(headers), [STATUS_KEY]: status } };
  const claims = receiptClaims(headers);
  if (claims?.end !== undefined) return unendedResult(content, claims);
  if (isSuccess(status)) {
    return shown.content.length > 0
      ? content
      : {
          ...content,
          content: [wordsOf(`The tool answered with HTTP status ${status} and no body.`)],
        };
  }
  const isTools = isAnswerOfTool(headers);
  const words =
    (isTools ? undefined : problemWords(shown.structuredContent)) ??
    `The tool failed: it answered with HTTP status ${status}. ${moneyWords(headers)}`;
  const waits = isTools ? undefined : approvalOf(shown.structuredContent);
  return {
    ...content,
    ...(waits === undefined ? {} : { _meta: { ...content._meta, [APPROVAL_KEY]: waits } }),
    content: [wordsOf(words), ...content.content],
    isError: true,
  };
};

/** Returns the result for a metered answer that did not end by itself: the part that its caller pays for, and an explanation. */
const unendedResult = (
  result: CallToolResult,
  { end, charged }: Pick<ReceiptClaims, 'end' | 'charged'>,
): CallToolResult => {
  const cost = `${formatDollars(BigInt(charged))} (${charged} atomic units)`;
  if (end === 'maximum') {
    const words = `The gateway ended the answer here, because the maximum of the call pays for no more. It charged ${cost}.`;
    return { ...result, content: [...result.content, wordsOf(words)] };
  }
  const what =
    end === 'timeout' ? 'The tool did not finish its answer in time' : 'The answer broke off';
  const words = `${what}. The gateway charged ${cost} for the usage up to there. Use the part that follows, if there is one: a new call is charged again.`;
  return { ...result, content: [wordsOf(words), ...result.content], isError: true };
};

/** The result for a refusal before the call has begun. */
export const refusal = async (reason: Reason): Promise<CallToolResult> =>
  await callResult(await problem(reason), '');

/** The result for a call without a payment: the terms in every form that clients read (docs/mcp.md). */
export const unpaidResult = ({ version2, version1, words }: Terms): CallToolResult => ({
  isError: true,
  structuredContent: version2,
  content: [
    // x402 requires the same object as `structuredContent` in the first block.
    textOf(JSON.stringify(version2)),
    ...(version1.accepts.length === 0 ? [] : [textOf(JSON.stringify(version1))]),
    textOf(words),
  ],
  _meta: { 'x402/error': version2 },
});

export const textOf = (text: string) => ({ type: 'text' as const, text });

/** A block of the gateway itself, next to the blocks with the tool's answer. */
const wordsOf = (text: string) => ({ ...textOf(text), _meta: { [WORDS_KEY]: true } });

/**
 * True if the receipt names a status: then the answer came from the tool, not from the gateway. Attack: a tool that fails with a problem of
 * the gateway's type would speak to the model in the gateway's voice.
 */
const isAnswerOfTool = (headers: Headers): boolean => {
  const claims = receiptClaims(headers);
  return claims !== undefined && claims.status !== 0;
};

/** For a call that waits for a person: the URL of the decision, and until when the call can be repeated. */
const approvalOf = (json: JsonObject | undefined): JsonObject | undefined =>
  json?.['type'] === 'urn:countersign:problem:approval-required'
    ? {
        url: json['approval'] ?? '',
        state: json['approval_state'] ?? '',
        expires_at: json['expires_at'] ?? 0,
      }
    : undefined;

/** The text of the gateway's own problem: title, detail, and the next step. */
const problemWords = (json: JsonObject | undefined): string | undefined => {
  const { type, title, detail, hint } = json ?? {};
  return typeof type === 'string' && type.startsWith('urn:countersign:problem:')
    ? `${String(title)}: ${String(detail)} ${String(hint)}`
    : undefined;
};

/** States what happened to the caller's money when the tool failed (law 4). */
const moneyWords = (headers: Headers): string => {
  const paid = paymentResponseOf(headers);
  return paid?.['success'] === true
    ? 'The payment had settled before, so the amount is credit of the paying account now.'
    : 'The gateway charged nothing.';
};

/**
 * The answer for a name that the caller does not see: of a hidden tool, a disabled one, or no tool. Nothing in it depends on the catalogue.
 * Names are compared exactly: a different case or Unicode form is a different name.
 */
export const unknownTool = (name: string): ProtocolError =>
  new ProtocolError(-32602, `Unknown tool: ${name}`);
