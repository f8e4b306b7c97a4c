import { createAgent } from '../client/agent.ts';
import type { AgentResponse } from '../client/call-report.ts';
import { isProblem } from '../client/errors.ts';
import type { Signer } from '../client/signer.ts';
import { nowSeconds } from '../core/clock.ts';
import type { Address } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { networkName } from '../protocol/network-name.ts';
import { type Answer, readAnswer } from './answer.ts';
import { approvalWait } from './approval-wait.ts';
import { amountText, assetOf, type ChosenWallet, connect, tooLittle } from './chosen-wallet.ts';
import type { PayTool } from './pay-tool.ts';
import {
  creditFault,
  faultOf,
  type PaymentFault,
  problemFault,
  refusalFault,
  unclearCredit,
} from './payment-fault.ts';
import { forgetPayment, keepPayment, type PaymentRecord, type Shelf } from './payment-record.ts';
import type { ToolCall } from './tool-call.ts';

/** How a payment is made. */
export type PaymentOptions = ChosenWallet & { readonly shelf: Shelf };

/** A payment with its answer. */
export type Paid = { readonly record: PaymentRecord; readonly answer: Answer };

const agentOf = (
  signer: Signer,
  options: PaymentOptions,
  price: bigint,
  keep: (record: PaymentRecord) => void,
  onWait: () => void = () => undefined,
) =>
  createAgent({
    account: signer,
    // The price on the page is the cap: a gateway that asks for more gets no signature.
    spend: { perCall: price, total: price, assets: [assetOf(options.on)] },
    approval: 'wait',
    hooks: {
      onSign: ({ call, amount }) => {
        const { wallet, on } = options;
        const payer = signer.address.toLowerCase() as Address;
        keep({ at: nowSeconds(), wallet: wallet.id, payer, network: on, call, amount });
        options.onStage('answer');
      },
      onApproval: () => {
        onWait();
        options.onStage('approval');
      },
    },
  });

/** Pays for one call and returns its answer. The record is kept before the signature leaves the page. */
export const payFor = async (
  tool: PayTool,
  call: ToolCall,
  options: PaymentOptions,
): Promise<Result<Paid, PaymentFault>> => {
  const result = await attempt(tool, call, options);
  if (!result.ok && result.error.kind !== 'unclear') forgetPayment(options.shelf, tool.id);
  return result;
};

const attempt = async (
  tool: PayTool,
  call: ToolCall,
  options: PaymentOptions,
): Promise<Result<Paid, PaymentFault>> => {
  let record: PaymentRecord | undefined;
  const keep = (next: PaymentRecord): void => {
    record = next;
    keepPayment(options.shelf, tool.id, next);
  };
  try {
    const signer = await connect(options);
    const isPayment = tool.settlement === 'deferred' || tool.settlement === 'upfront';
    const fault = isPayment ? await tooLittle(options, signer.address, tool.price) : undefined;
    if (fault !== undefined) return err(fault);
    if (tool.settlement === 'free') options.onStage('signature');
    const wait = approvalWait(signer, () => options.onStage('approval'));
    const agent = agentOf(wait.signer, options, tool.price, keep, wait.begin);
    const { method, target, headers, body } = call;
    const response = await agent.fetch(new URL(target, location.origin).href, {
      method,
      headers,
      credentials: 'omit',
      signal: wait.signal,
      ...(body === undefined ? {} : { body }),
    });
    return await paidOf(tool, response, record, keep);
  } catch (thrown) {
    const attempted = { price: amountText(tool.price), network: networkName(options.on) };
    return err(faultOf(thrown, attempted, record !== undefined));
  }
};

/** A refusal is no answer of the tool: that one has a receipt. */
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

/** Buys credit at the gateway. @param amount atomic units */
export const buyCredit = async (
  amount: bigint,
  options: PaymentOptions,
): Promise<Result<'bought', PaymentFault>> => {
  let isSigned = false;
  try {
    const signer = await connect(options);
    const fault = await tooLittle(options, signer.address, amount);
    if (fault !== undefined) return err(fault);
    const agent = agentOf(signer, options, amount, () => {
      isSigned = true;
    });
    const response = await agent.topUp(location.origin, amount);
    await response.body?.cancel();
    return response.ok
      ? ok('bought')
      : err(creditOf(refusalFault(response.countersign, response.status)));
  } catch (thrown) {
    const attempted = { price: amountText(amount), network: networkName(options.on) };
    return err(creditOf(faultOf(thrown, attempted, isSigned)));
  }
};

const creditOf = (fault: PaymentFault): PaymentFault =>
  fault.kind === 'unclear' ? unclearCredit() : fault;
