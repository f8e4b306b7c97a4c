import { createAgent } from '../client/agent.ts';
import type { CallRecord } from '../client/call-record.ts';
import type { AgentResponse } from '../client/call-report.ts';
import { isProblem } from '../client/errors.ts';
import type { Signer } from '../client/signer.ts';
import { nowSeconds } from '../core/clock.ts';
import type { Address } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { decimalOf } from '../dashboard/format/amount.ts';
import { chooseAccount, switchTo, walletSigner } from '../dashboard/session/wallet-signer.ts';
import type { Wallet } from '../dashboard/session/wallets.ts';
import { assetId, chainIdOf, type Network } from '../protocol/account-id.ts';
import { networkName } from '../protocol/network-name.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { type Answer, answerOf, readAnswer } from './answer.ts';
import type { PayTool } from './pay-tool.ts';
import { creditFault, faultOf, type PaymentFault, problemFault, unpaid } from './payment-fault.ts';
import { forgetPayment, keepPayment, type PaymentRecord, type Shelf } from './payment-record.ts';
import { readBalance } from './token-reads.ts';
import type { ToolCall } from './tool-call.ts';

/** What the person waits for. */
export type Stage = 'account' | 'network' | 'signature' | 'answer' | 'approval';

/** How a payment is made. */
export type PaymentOptions = {
  readonly wallet: Wallet;
  readonly on: Network;
  readonly shelf: Shelf;
  readonly onStage: (stage: Stage) => void;
};

/** A payment with its answer. */
export type Paid = { readonly record: PaymentRecord; readonly answer: Answer };

const amountText = (atomic: bigint): string => `${decimalOf(atomic)} USDC`;

/** Asks the wallet for an account on the right network. @throws what the wallet throws */
const connect = async ({ wallet, on, onStage }: PaymentOptions): Promise<Signer> => {
  onStage('account');
  const address = await chooseAccount(wallet.provider);
  onStage('network');
  await switchTo(wallet.provider, chainIdOf(on) ?? 0);
  const signer = walletSigner(wallet.provider, address);
  return {
    address,
    signTypedData: async (data) => {
      onStage('signature');
      return await signer.signTypedData(data);
    },
  };
};

/** Explains an empty wallet before it signs: the gateway would refuse the payment. */
const tooLittle = async (
  { wallet, on }: PaymentOptions,
  payer: Address,
  price: bigint,
): Promise<PaymentFault | undefined> => {
  const balance = await readBalance(wallet.provider, on, payer);
  if (balance === undefined || balance >= price) return undefined;
  const name = networkName(on);
  return unpaid(
    `The account ${payer} has ${amountText(balance)} on ${name}; this costs ${amountText(price)}. Nothing was paid.`,
    `Send USDC to the account on ${name}, then try again. It needs no other coin: the gateway pays the network.`,
  );
};

const agentOf = (
  signer: Signer,
  options: PaymentOptions,
  price: bigint,
  keep: (record: PaymentRecord) => void,
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
      onApproval: () => options.onStage('approval'),
    },
  });

const assetOf = (on: Network): string => assetId(on, tokenOf(on)?.address ?? '0x');

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
    const agent = agentOf(signer, options, tool.price, keep);
    const { method, target, headers, body } = call;
    const response = await agent.fetch(new URL(target, location.origin).href, {
      method,
      headers,
      credentials: 'omit',
      ...(body === undefined ? {} : { body }),
    });
    return await paidOf(tool, response, record, keep);
  } catch (thrown) {
    const attempted = { price: amountText(tool.price), network: networkName(options.on) };
    return err(faultOf(thrown, attempted, record !== undefined));
  }
};

/** A refusal that reserved nothing is no answer of the tool. */
const paidOf = async (
  tool: PayTool,
  response: AgentResponse,
  record: PaymentRecord | undefined,
  keep: (record: PaymentRecord) => void,
): Promise<Result<Paid, PaymentFault>> => {
  const { problem, paid, charged, credited, transaction, receipt } = response.countersign;
  if (isProblem(problem, 'denied') && problem?.['rule'] === 'credit') return err(creditFault());
  if (record === undefined || (problem !== undefined && receipt === undefined)) {
    return err(problemFault(problem, response.status));
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
      : err(problemFault(response.countersign.problem, response.status));
  } catch (thrown) {
    return err(
      faultOf(thrown, { price: amountText(amount), network: networkName(options.on) }, isSigned),
    );
  }
};

/** Asks the gateway what became of a payment. The wallet signs the question, which costs nothing. @throws CountersignError, and what the wallet throws */
export const lookUp = async (
  { network, payer, call }: PaymentRecord,
  wallet: Wallet,
): Promise<CallRecord> => {
  const agent = createAgent({
    account: walletSigner(wallet.provider, payer),
    spend: { perCall: 0n, total: 0n, assets: [assetOf(network)] },
  });
  return await agent.look(location.origin, call);
};

/** The answer that the gateway kept, or that this tab kept. */
export const keptAnswer = (tool: string, { outcome }: PaymentRecord): Answer | undefined =>
  outcome?.body === undefined
    ? undefined
    : answerOf(outcome.status, outcome.contentType, outcome.body, tool);

/** Completes a record with what the gateway knows. A call that has not ended has no outcome yet. */
export const completed = (
  record: PaymentRecord,
  { state, charged, paidFrom, transaction, answer }: CallRecord,
): PaymentRecord => {
  if (state === 'held' || state === 'parked') return record;
  return {
    ...record,
    outcome: {
      status: answer?.status ?? 0,
      paid: paidFrom,
      charged,
      credited: 0n,
      contentType: answer?.headers['content-type'] ?? '',
      body: answer?.body,
      ...(transaction === undefined ? {} : { transaction }),
    },
  };
};
