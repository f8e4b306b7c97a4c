import type { AgentResponse } from '../client/call-report.ts';
import { isProblem } from '../client/errors.ts';
import { err, ok, type Result } from '../core/result.ts';
import { networkName } from '../protocol/network-name.ts';
import { type Answer, readAnswer } from './answer.ts';
import { approvalWait } from './approval-wait.ts';
import { amountText, connect, tooLittle } from '../dashboard/payment/chosen-wallet.ts';
import { payingAgent, type PaymentOptions } from './paying-agent.ts';
import type { PayTool } from './pay-tool.ts';
import {
  creditFault,
  faultOf,
  type PaymentFault,
  problemFault,
  refusalFault,
} from '../dashboard/payment/payment-fault.ts';
import { forgetPayment, keepPayment, type PaymentRecord } from './payment-record.ts';
import type { ToolCall } from './tool-call.ts';

/** A payment with its answer. */
export type Paid = { readonly record: PaymentRecord; readonly answer: Answer };

/** A call without an answer. `record`: present if the call may have run, even if the browser stores nothing. */
export type Unanswered = PaymentFault & { readonly record?: PaymentRecord };

/** Pays for one call and returns its answer. The record is kept before the signature leaves the page. */
export const payFor = async (
  tool: PayTool,
  call: ToolCall,
  options: PaymentOptions,
): Promise<Result<Paid, Unanswered>> => {
  let record: PaymentRecord | undefined;
  const result = await attempt(tool, call, options, (next) => {
    record = next;
    keepPayment(options.shelf, tool.id, next);
  });
  if (result.ok) return result;
  if (result.error.kind === 'unclear' && record !== undefined) {
    return err({ ...result.error, record });
  }
  forgetPayment(options.shelf, tool.id);
  return result;
};

const attempt = async (
  tool: PayTool,
  call: ToolCall,
  options: PaymentOptions,
  onRecord: (record: PaymentRecord) => void,
): Promise<Result<Paid, PaymentFault>> => {
  let record: PaymentRecord | undefined;
  const keep = (next: PaymentRecord): void => {
    record = next;
    onRecord(next);
  };
  try {
    const signer = await connect(options);
    const isPayment = tool.settlement === 'deferred' || tool.settlement === 'upfront';
    const fault = isPayment ? await tooLittle(options, signer.address, tool.price) : undefined;
    if (fault !== undefined) return err(fault);
    if (tool.settlement === 'free') options.onStage('signature');
    const wait = approvalWait(signer, () => options.onStage('approval'));
    const agent = payingAgent(wait.signer, options, tool.price, keep, wait.begin);
    const { method, target, headers, body } = call;
    const init = { method, headers, credentials: 'omit' as const, signal: wait.signal };
    const response = await agent.fetch(new URL(target, options.gateway).href, {
      ...init,
      ...(body === undefined ? {} : { body }),
    });
    return await paidOf(tool, response, record, keep);
  } catch (thrown) {
    const attempted = { price: amountText(tool.price), network: networkName(options.on) };
    return err(faultOf(thrown, attempted, record !== undefined));
  }
};

/** Only the answer of the tool itself has a receipt; a refusal by the gateway has none. */
const paidOf = async (
  tool: PayTool,
  response: AgentResponse,
  record: PaymentRecord | undefined,
  keep: (record: PaymentRecord) => void,
): Promise<Result<Paid, PaymentFault>> => {
  const { problem, paid, charged, credited, transaction, receipt } = response.countersign;
  if (record === undefined) return err(problemFault(problem, response.status));
  if (!response.ok && receipt === undefined) {
    const fault = refusalFault(response.countersign, response.status);
    const isCredit = isProblem(problem, 'denied') && problem?.['rule'] === 'credit';
    return err(fault.kind === 'unpaid' && isCredit ? creditFault() : fault);
  }
  const answer = await readAnswer(response, tool.id);
  const token = response.headers.get('agent-receipt') ?? '';
  const answered: PaymentRecord = {
    ...record,
    outcome: {
      ...{ status: response.status, paid, charged, credited, body: answer.bytes },
      contentType: response.headers.get('content-type') ?? '',
      ...(transaction === undefined ? {} : { transaction }),
      ...(receipt === undefined
        ? {}
        : { receipt: { token, ...(receipt.verified ? {} : { why: receipt.why }) } }),
    },
  };
  keep(answered);
  return ok({ record: answered, answer });
};
