import { sha256 } from '@noble/hashes/sha2.js';
import type { Hex } from '../core/hex.ts';
import { hexOf } from '../crypto/bytes.ts';
import { AnswerBrokenOff } from './answer-broken-off.ts';
import {
  type AgentResponse,
  type CallReport,
  endIn,
  type FinalReport,
  withFinal,
  withReport,
} from './call-report.ts';
import type { AgentContext } from './context.ts';
import { endedCall } from './ended-call.ts';
import type { Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import { RECEIPT_HEADER } from './receipt-claims.ts';
import { openReceiptFilter } from './receipt-event.ts';
import { type Receipt, receiptOf, type VerifiedReceipt } from './verify-receipt.ts';

/** How an open answer ended: the SHA-256 of its bytes, or `part` if the client received only a part, and its receipt. */
type End = { readonly body: Hex | 'part'; readonly receipt: Receipt | undefined };

/** The result of one read. `bytes` are the tool's. */
type Step =
  | { readonly got: 'bytes'; readonly bytes: Uint8Array }
  | { readonly got: 'end'; readonly bytes: Uint8Array; readonly end: End }
  | { readonly got: 'break'; readonly cause: unknown };

/** How far the client reads on after its caller has cancelled an event stream. */
const READ_ON_MS = 1_000;
const READ_ON_BYTES = 16_384;

/** The facts about an answer whose body the client has not read. */
type OpenAnswer = {
  readonly outgoing: Outgoing;
  readonly proof: Proof;
  readonly response: Response;
  readonly report: CallReport;
  /** Called with the charge of a verified receipt, before the caller learns that the body has ended. */
  readonly onCharged: (charged: bigint) => void;
};

/**
 * Passes the body of an answer to the caller as it arrives, without the event of the gateway's receipt, and verifies the receipt at the end.
 * Memory is bounded by one receipt and one chunk.
 *
 * Reading the body rejects with `AnswerBrokenOff` if the connection breaks, or if the receipt states that the tool broke off.
 */
export const openAnswer = (context: AgentContext, answer: OpenAnswer): AgentResponse => {
  const { outgoing, proof, response, report, onCharged } = answer;
  const { call, amount } = proof;
  let resolveEnd: (end: End) => void = () => undefined;
  const ended = new Promise<End>((resolve) => {
    resolveEnd = resolve;
  });

  const finish = (end: End): void => {
    if (end.receipt?.verified === true) onCharged(BigInt(end.receipt.claims.charged));
    resolveEnd(end);
  };
  const final = (): typeof own.final => own.final;
  const own = withFinal(report, async () => {
    const { body, receipt } = await ended;
    if (receipt?.verified === true) return finalReport(receipt);
    if (proof.gateway === undefined) return { call, charged: report.charged, receipt };
    const found = await endedCall(context, outgoing, proof, response.status, body);
    onCharged(BigInt(found.claims.charged));
    return finalReport(found);
  });
  const brokenOff = (receipt: Receipt | undefined, cause: unknown): AnswerBrokenOff =>
    new AnswerBrokenOff({
      call,
      charged: receipt?.verified === true ? BigInt(receipt.claims.charged) : undefined,
      atMost: amount,
      final,
      cause,
    });

  const verify = async (token: string | null, body: Hex): Promise<Receipt | undefined> =>
    token === null
      ? undefined
      : await receiptOf(context, outgoing, proof, token, response.status, body);

  const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader();
  const filter = isEventStream(response) ? openReceiptFilter() : undefined;
  const hash = sha256.create();
  let isLeft = false;

  const readStep = async (): Promise<Step> => {
    const read = await reader.read().catch((cause: unknown) => ({ cause }));
    if ('cause' in read) return { got: 'break', cause: read.cause };
    if (read.value !== undefined) {
      const bytes = filter?.write(read.value) ?? read.value;
      hash.update(bytes);
      return { got: 'bytes', bytes };
    }
    const { token, rest: bytes } = filter?.end() ?? { rest: new Uint8Array() };
    const digest = hexOf(hash.update(bytes).clone().digest());
    const receipt = await verify(token ?? response.headers.get(RECEIPT_HEADER), digest);
    return { got: 'end', bytes, end: { body: digest, receipt } };
  };
  // One step at a time: a caller may cancel while a read is pending, and the digest needs the bytes in order.
  let last: Promise<Step> | undefined;
  const next = async (): Promise<Step> => {
    const before = last;
    last = (async () => {
      const step = await before;
      return step === undefined || step.got === 'bytes' ? await readStep() : step;
    })();
    return await last;
  };

  const pull = async (controller: ReadableByteStreamController): Promise<void> => {
    for (;;) {
      const step = await next();
      if (isLeft) return;
      if (step.got === 'break') throw await broke(step.cause);
      // A copy: the stream takes the buffer of a chunk, which a caller's `fetch` may share.
      if (step.bytes.length > 0) controller.enqueue(step.bytes.slice());
      if (step.got === 'bytes') {
        if (step.bytes.length > 0) return;
        continue;
      }
      const { receipt } = step.end;
      finish(step.end);
      const end = receipt?.verified === true ? receipt.claims.end : undefined;
      if (end === 'truncated' || end === 'timeout') throw brokenOff(receipt, undefined);
      controller.close();
      controller.byobRequest?.respond(0);
      return;
    }
  };

  /** Returns the error of a broken connection. The receipt may have arrived before. */
  const broke = async (cause: unknown): Promise<unknown> => {
    const isAborted = outgoing.signal?.aborted === true;
    const token = isAborted ? undefined : filter?.end().token;
    const digest = hexOf(hash.clone().digest());
    const receipt = await verify(token ?? null, digest);
    finish({ body: receipt?.verified === true ? digest : 'part', receipt });
    return isAborted ? cause : brokenOff(receipt, cause);
  };

  /** Reads on for the receipt: some clients, e.g. `openai`, cancel after the last event of the tool, right before the receipt. */
  const leave = async (reason: unknown): Promise<void> => {
    isLeft = true;
    let isLate = false;
    const cancel = (): void => void reader.cancel(reason).catch(() => undefined);
    const timer = setTimeout(() => {
      isLate = true;
      cancel();
    }, READ_ON_MS);
    let bytes = 0;
    let step: Step | undefined;
    if (filter !== undefined && outgoing.signal?.aborted !== true) {
      do {
        step = await next();
        bytes += step.got === 'bytes' ? step.bytes.length : 0;
      } while (step.got === 'bytes' && bytes <= READ_ON_BYTES);
    }
    clearTimeout(timer);
    cancel();
    finish(!isLate && step?.got === 'end' ? step.end : { body: 'part', receipt: undefined });
  };

  const body = new ReadableStream({
    type: 'bytes',
    pull,
    cancel: leave,
  });
  return withReport(responseLike(response, body), own);
};

const finalReport = (receipt: VerifiedReceipt): FinalReport => ({
  call: receipt.claims.call,
  charged: BigInt(receipt.claims.charged),
  ...endIn(receipt.claims),
  receipt,
});

const isEventStream = ({ headers }: Response): boolean =>
  /^text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type')?.trim() ?? '');

/** Returns a response with another body that otherwise equals what `fetch` returned, even when it is cloned. */
const responseLike = (like: Response, body: ReadableStream<Uint8Array>): Response => {
  const { status, statusText, headers } = like;
  return withOrigin(new Response(body, { status, statusText, headers }), like);
};

const withOrigin = (response: Response, like: Response): Response => {
  const clone = response.clone.bind(response);
  return Object.defineProperties(response, {
    url: { value: like.url },
    redirected: { value: like.redirected },
    type: { value: like.type },
    clone: { value: () => withOrigin(clone(), like) },
  });
};
