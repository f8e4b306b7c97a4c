import type { AgentResponse } from '../client/call-report.ts';
import { isProblem } from '../client/errors.ts';
import type { Attempt, Keeping } from '../client/outbox.ts';
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
  unclear,
} from '../dashboard/payment/payment-fault.ts';
import { keepOutcome, type PaymentRecord, paymentsIn, recordKey } from './payment-record.ts';
import type { ToolCall } from './tool-call.ts';

/** A payment with its answer. */
export type Paid = { readonly record: PaymentRecord; readonly answer: Answer };

/** A call without an answer. `record`: present if the call may have run, even if the browser stores nothing. */
export type Unanswered = PaymentFault & { readonly record?: PaymentRecord };

/**
 * Pays for one call and returns its answer. The record is kept before the signature leaves the page. While an earlier payment for the tool is
 * undecided, it signs nothing and returns that one.
 */
export const payFor = async (
  tool: PayTool,
  call: ToolCall,
  options: PaymentOptions,
): Promise<Result<Paid, Unanswered>> => {
  const { shelf } = options;
  const payments = paymentsIn(shelf);
  const key = recordKey(tool.id);
  // Another release wrote a record that this code cannot read, so a person could not look its payment up here.
  if ((await payments.look(key)).is === 'unreadable') await payments.discard(key);
  const sent = await payments.once<Result<Paid, Unanswered>>(key, {
    again: async (record) => ({ isDecided: false, answer: err({ ...unclear(), record }) }),
    first: async (keep) => await attempt(tool, call, options, keep),
  });
  if (sent.is !== 'answered') return err(unclear());
  if (sent.answer.ok) await keepOutcome(shelf, tool.id, sent.answer.value.record);
  return sent.answer;
};

const attempt = async (
  tool: PayTool,
  call: ToolCall,
  options: PaymentOptions,
  keep: (record: PaymentRecord) => Promise<Keeping>,
): Promise<Attempt<Result<Paid, Unanswered>>> => {
  let record: PaymentRecord | undefined;
  const keepRecord = async (next: PaymentRecord): Promise<void> => {
    // Race: another tab has kept a payment for this tool, so this signature must not leave the page.
    if ((await keep(next)) === 'taken') throw new Error('Another tab pays for this tool.');
    record = next;
  };
  const ended = (answer: Result<Paid, PaymentFault>): Attempt<Result<Paid, Unanswered>> =>
    !answer.ok && answer.error.kind === 'unclear' && record !== undefined
      ? { isDecided: false, answer: err({ ...answer.error, record }) }
      : { isDecided: true, answer };
  try {
    const signer = await connect(options);
    const isPayment = tool.settlement === 'deferred' || tool.settlement === 'upfront';
    const fault = isPayment ? await tooLittle(options, signer.address, tool.price) : undefined;
    if (fault !== undefined) return ended(err(fault));
    if (tool.settlement === 'free') options.onStage('signature');
    const wait = approvalWait(signer, () => options.onStage('approval'));
    const agent = payingAgent(wait.signer, options, tool.price, keepRecord, wait.begin);
    const { method, target, headers, body } = call;
    const init = { method, headers, credentials: 'omit' as const, signal: wait.signal };
    const response = await agent.fetch(new URL(target, options.gateway).href, {
      ...init,
      ...(body === undefined ? {} : { body }),
    });
    return ended(await paidOf(tool, response, record));
  } catch (thrown) {
    const attempted = { price: amountText(tool.price), network: networkName(options.on) };
    return ended(err(faultOf(thrown, attempted, record !== undefined)));
  }
};

/** Only the answer of the tool itself has a receipt; a refusal by the gateway has none. */
const paidOf = async (
  tool: PayTool,
  response: AgentResponse,
  record: PaymentRecord | undefined,
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
  return ok({ record: answered, answer });
};
