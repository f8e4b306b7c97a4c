import { type AgentOptions, contextOf } from '../../client/agent-options.ts';
import type { AgentContext } from '../../client/context.ts';
import { CountersignError, isProblem } from '../../client/errors.ts';
import { exchange } from '../../client/exchange.ts';
import { look } from '../../client/look.ts';
import { paymentAnswerOf } from '../../client/signed-report.ts';
import type { Signer } from '../../client/signer.ts';
import { topUpRequest } from '../../client/top-up-request.ts';
import { err, ok } from '../../core/result.ts';
import { WalletFault, walletRefusal } from '../session/wallet-refusal.ts';
import { walletSigner } from '../session/wallet-signer.ts';
import type { Wallet } from '../session/wallet.ts';
import { networkName } from '../../protocol/network-name.ts';
import { answersPurchase, boughtCredit } from './bought-credit.ts';
import { assetOf, type Stage } from './chosen-wallet.ts';
import { forgetPurchase, type KeptPurchase, type Shelf } from './kept-purchase.ts';
import { unclearPurchase } from './payment-fault.ts';
import { ABSENT, CLOCKS, outcomeOnChain } from './purchase-on-chain.ts';
import { expired, type Outcome, outcomeOf } from './purchase-outcome.ts';

/** Where purchases are made and kept. */
export type PurchaseOptions = {
  /** Origin of the gateway. */
  readonly gateway: string;
  readonly shelf: Shelf;
  /** The transport; by default the browser's. */
  readonly client?: Pick<AgentOptions, 'fetch' | 'now' | 'retries'>;
};

/** The wallet to ask if the gateway kept no answer. */
export type AskedWallet = {
  /** The wallet that signed; undefined if it is not in this browser now. */
  readonly wallet: Wallet | undefined;
  readonly onStage: (stage: Stage) => void;
};

/**
 * Sends a purchase again that has no answer: the same request with the same signature, which moves money at most once (law 3). If the
 * gateway has decided it and kept no answer, the wallet signs a look-up, which costs nothing. The purchase stays kept until its end is known.
 */
export const repeatPurchase = async (
  kept: KeptPurchase,
  { wallet, onStage }: AskedWallet,
  { gateway, shelf, client }: PurchaseOptions,
): Promise<Outcome> => {
  const ended = (outcome: Outcome): Outcome => {
    forgetPurchase(shelf, kept);
    return outcome;
  };
  try {
    const context = contextOf({
      ...client,
      account: lookUpSigner(kept, wallet, onStage),
      spend: { perCall: 0n, total: 0n, assets: [assetOf(kept.proof.network)] },
    });
    const outgoing = await topUpRequest(gateway, kept.amount, kept.account);
    onStage('answer');
    // It was sent before, so that the first attempt carries the secret that unlocks the stored answer.
    const { response, problem } = await exchange(context, outgoing, kept.proof, 1);
    if (await answersPurchase(response, kept)) {
      return ended(ok(boughtCredit(kept, paymentAnswerOf(response.headers)?.transaction)));
    }
    if (isProblem(problem, 'expired')) {
      // Accounts forget a call ten minutes after its authorization ended. From then on, a payment that moved money is answered with this, too.
      return isOver(context, kept)
        ? ended(await outcomeOnChain(kept, wallet, onStage))
        : ended(err(expired()));
    }
    const isDecided = DECIDED.some((name) => isProblem(problem, name));
    // A gateway that has changed its payees, networks or minimum refuses the repeat before it looks for the call, for ever.
    return isDecided || isOver(context, kept)
      ? await lookUp(context, kept, gateway, ended, async () =>
          ended(await outcomeOnChain(kept, wallet, onStage)),
        )
      : err(unclearPurchase());
  } catch (thrown) {
    return err(unclearPurchase(whyUnasked(thrown, kept)));
  }
};

/** The gateway decided the payment earlier, and this answer does not say how. */
const DECIDED = ['already-used', 'conflict', 'proof-too-old'];

const lookUpSigner = (
  { payer }: KeptPurchase,
  wallet: Wallet | undefined,
  onStage: AskedWallet['onStage'],
): Signer => ({
  address: payer,
  signTypedData: async (data) => {
    if (wallet === undefined) throw new WalletFault(ABSENT);
    onStage('look-up');
    return await walletSigner(wallet.provider, payer).signTypedData(data);
  },
});

const lookUp = async (
  context: AgentContext,
  kept: KeptPurchase,
  gateway: string,
  ended: (outcome: Outcome) => Outcome,
  orFromChain: () => Promise<Outcome>,
): Promise<Outcome> => {
  const { call, network } = kept.proof;
  context.memory.keepCall(call, network);
  try {
    const record = await look(context, gateway, call);
    const outcome = outcomeOf(record, kept);
    return outcome === undefined ? err(unclearPurchase()) : ended(outcome);
  } catch (thrown) {
    const isUnknown = thrown instanceof CountersignError && thrown.code === 'unknown_call';
    // The gateway never saw the call, or has forgotten it (docs/wire-format.md §12).
    if (isUnknown && isOver(context, kept)) return await orFromChain();
    throw thrown;
  }
};

/** Whether the proof has expired, whichever clock is right. */
const isOver = ({ now }: AgentContext, { proof }: KeptPurchase): boolean =>
  now() > proof.until + CLOCKS;

const whyUnasked = (thrown: unknown, { proof }: KeptPurchase): string => {
  if (thrown instanceof CountersignError && thrown.code !== 'signer_failed') return '';
  const cause = thrown instanceof CountersignError ? thrown.cause : thrown;
  const { text, hint } = walletRefusal(cause, networkName(proof.network));
  return `${text} ${hint} `;
};
