import { createAgent } from '../client/agent.ts';
import type { CallRecord } from '../client/call-record.ts';
import { CountersignError } from '../client/errors.ts';
import { errorHint } from '../dashboard/format/error-hint.ts';
import { walletRefusal } from '../dashboard/session/wallet-refusal.ts';
import { walletSigner } from '../dashboard/session/wallet-signer.ts';
import type { Wallet } from '../dashboard/session/wallet.ts';
import { type Answer, answerOf } from './answer.ts';
import { assetOf } from '../dashboard/payment/chosen-wallet.ts';
import { momentOf } from '../dashboard/format/time.ts';
import { findOnChain, LONGEST_VALIDITY } from '../dashboard/payment/payment-on-chain.ts';
import { networkName } from '../protocol/network-name.ts';
import type { PaymentRecord } from './payment-record.ts';

/**
 * Asks the gateway for the outcome of a payment. The wallet signs the question, which costs nothing.
 *
 * @param gateway its origin
 * @throws CountersignError, and the errors of the wallet
 */
export const lookUp = async (
  { network, payer, call }: PaymentRecord,
  wallet: Wallet,
  gateway: string,
): Promise<CallRecord> => {
  const agent = createAgent({
    account: walletSigner(wallet.provider, payer),
    spend: { perCall: 0n, total: 0n, assets: [assetOf(network)] },
  });
  return await agent.look(gateway, call);
};

/** Why a look-up failed, and the next step. The tab keeps the payment. */
export const lookUpProblem = async (
  thrown: unknown,
  record: PaymentRecord,
  wallet: Wallet,
): Promise<string> => {
  const isUnknown = thrown instanceof CountersignError && thrown.code === 'unknown_call';
  const forgotten = isUnknown ? await forgottenText(record, wallet) : undefined;
  return forgotten ?? problemText(thrown, record);
};

const problemText = (thrown: unknown, { network }: PaymentRecord): string => {
  const isUnsigned = thrown instanceof CountersignError && thrown.code === 'signer_failed';
  if (thrown instanceof CountersignError && !isUnsigned)
    return `${thrown.message} ${errorHint(thrown)}`;
  const { text, hint } = walletRefusal(isUnsigned ? thrown.cause : thrown, networkName(network));
  return `${text} ${hint}`;
};

/**
 * The outcome of a payment whose call the gateway never saw, or has forgotten. Only the chain shows whether the money moved. Undefined for
 * a call without a payment.
 */
const forgottenText = async (
  { network, payer, call, at, pays }: PaymentRecord,
  wallet: Wallet,
): Promise<string | undefined> => {
  if (pays !== 'payment') return undefined;
  const transfer = { network, payer, nonce: call, end: at + LONGEST_VALIDITY };
  const found = await findOnChain(transfer, [wallet], () => undefined);
  switch (found.is) {
    case 'unused':
      return 'The gateway does not know the call. The signed payment has expired unused: no money left the wallet.';
    case 'cancelled':
      return `The gateway does not know the call. The payer cancelled the payment in the transaction ${found.transaction}: no money left the wallet.`;
    case 'moved':
      return `The gateway does not know the call any more, and the money moved in the transaction ${found.transaction}. Send the operator this transaction.`;
    case 'used':
      return 'The gateway does not know the call any more, and the signature of the payment was used or cancelled on the chain. Look for the payment in the wallet.';
    case 'open':
      return `The gateway does not know the call. The signed payment can still move the money: look it up again after ${momentOf(transfer.end + 120)}.`;
    case 'unread':
      return `The gateway does not know the call, so the money may have moved. ${found.why.text} ${found.why.hint}`;
  }
};

/** The meaning of a call that has not ended for its payer. The page no longer has the secret with which it could repeat a parked call. */
export const unendedText = ({ state }: Pick<CallRecord, 'state'>): string => {
  if (state === 'parked') {
    return 'The call waits for the approval of a person. This page does not wait for it any more, so the call will not run, and costs nothing.';
  }
  return state === 'held'
    ? 'The call is still running. Look it up again in a moment.'
    : 'The call has ended, and its payment has not: the money may still move. Look it up again in a moment.';
};

/** The answer that the gateway kept, or that this tab kept. */
export const keptAnswer = (tool: string, { outcome }: PaymentRecord): Answer | undefined =>
  outcome?.body === undefined
    ? undefined
    : answerOf(outcome.status, outcome.contentType, outcome.body, tool);

const MOVING: ReadonlySet<string> = new Set(['held', 'queued', 'sent']);

/** Completes a record with the gateway's facts. A call that has not ended has no outcome yet. */
export const completed = (
  record: PaymentRecord,
  { state, price, charged, payment, paidFrom, transaction, answer }: CallRecord,
): PaymentRecord => {
  const isUnended = state === 'held' || state === 'parked';
  // The money of a released call may still move, and then becomes credit.
  if (isUnended || (state === 'released' && MOVING.has(payment))) return record;
  return {
    ...record,
    outcome: {
      status: answer?.status ?? 0,
      paid: paidFrom,
      charged,
      // The uncharged part of a settled payment is credit of the payer (law 4).
      credited: payment === 'settled' && paidFrom === 'payment' ? price - charged : 0n,
      contentType: answer?.headers['content-type'] ?? '',
      body: answer?.body,
      ...(transaction === undefined ? {} : { transaction }),
    },
  };
};
