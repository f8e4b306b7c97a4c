import { createAgent } from '../client/agent.ts';
import type { CallRecord } from '../client/call-record.ts';
import { CountersignError } from '../client/errors.ts';
import { errorHint } from '../dashboard/format/error-hint.ts';
import { walletRefusal } from '../dashboard/session/wallet-refusal.ts';
import { walletSigner } from '../dashboard/session/wallet-signer.ts';
import type { Wallet } from '../dashboard/session/wallet.ts';
import { type Answer, answerOf } from './answer.ts';
import { assetOf } from '../dashboard/payment/chosen-wallet.ts';
import { networkName } from '../protocol/network-name.ts';
import type { PaymentRecord } from './payment-record.ts';

/** Asks the gateway what became of a payment. The wallet signs the question, which costs nothing. @param gateway its origin @throws CountersignError, and what the wallet throws */
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

/** Why a look-up failed, and what to do. The tab keeps the payment. */
export const lookUpProblem = (
  thrown: unknown,
  { network }: Pick<PaymentRecord, 'network'>,
): string => {
  const isUnsigned = thrown instanceof CountersignError && thrown.code === 'signer_failed';
  if (thrown instanceof CountersignError && !isUnsigned)
    return `${thrown.message} ${errorHint(thrown)}`;
  const { text, hint } = walletRefusal(isUnsigned ? thrown.cause : thrown, networkName(network));
  return `${text} ${hint}`;
};

/** What a call that has not ended means for its payer. The secret with which this page would repeat a parked call ended with its wait. */
export const unendedText = ({ state }: Pick<CallRecord, 'state'>): string =>
  state === 'parked'
    ? 'The call waits for the approval of a person. This page does not wait for it any more, so the call will not run, and costs nothing.'
    : 'The call is still running. Look it up again in a moment.';

/** The answer that the gateway kept, or that this tab kept. */
export const keptAnswer = (tool: string, { outcome }: PaymentRecord): Answer | undefined =>
  outcome?.body === undefined
    ? undefined
    : answerOf(outcome.status, outcome.contentType, outcome.body, tool);

/** Completes a record with what the gateway knows. A call that has not ended has no outcome yet. */
export const completed = (
  record: PaymentRecord,
  { state, price, charged, payment, paidFrom, transaction, answer }: CallRecord,
): PaymentRecord => {
  if (state === 'held' || state === 'parked') return record;
  return {
    ...record,
    outcome: {
      status: answer?.status ?? 0,
      paid: paidFrom,
      charged,
      // What a settled payment did not charge is credit of the payer (law 4).
      credited: payment === 'settled' && paidFrom === 'payment' ? price - charged : 0n,
      contentType: answer?.headers['content-type'] ?? '',
      body: answer?.body,
      ...(transaction === undefined ? {} : { transaction }),
    },
  };
};
