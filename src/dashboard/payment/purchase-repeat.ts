import { type AgentOptions, contextOf } from '../../client/agent-options.ts';
import type { AgentContext } from '../../client/context.ts';
import { CountersignError, isProblem } from '../../client/errors.ts';
import { exchange, type ExchangeResult } from '../../client/exchange.ts';
import { paymentAnswerOf } from '../../client/signed-report.ts';
import { topUpRequest } from '../../client/top-up-request.ts';
import type { Seconds } from '../../core/clock.ts';
import { err, ok } from '../../core/result.ts';
import { type Wallet, walletKept } from '../session/wallet.ts';
import { answersPurchase, boughtCredit } from './bought-credit.ts';
import { assetOf, type Stage } from './chosen-wallet.ts';
import { endOf, forgetPurchase, type KeptPurchase } from './kept-purchase.ts';
import { openPurchase, refusalOf } from './open-purchase.ts';
import type { PaymentFault } from './payment-fault.ts';
import { type Finding, findOnChain, type SignedTransfer } from './payment-on-chain.ts';
import { type LookedUp, lookUpPurchase, lookUpSigner } from './purchase-look-up.ts';
import { moved, type Outcome, unknown, unmoved } from './purchase-outcome.ts';
import type { Shelf } from './shelf.ts';

/** The surroundings in which purchases are made and kept. */
export type PurchaseOptions = {
  /** Origin of the gateway. */
  readonly gateway: string;
  readonly shelf: Shelf;
  /** The transport; by default the browser's. */
  readonly client?: Pick<AgentOptions, 'fetch' | 'now' | 'retries'>;
};

/** The wallets of the browser. The one that signed looks the purchase up, and any of them reads the chain. */
export type AskedWallets = {
  readonly wallets: readonly Wallet[];
  readonly onStage: (stage: Stage) => void;
};

/** How long after its end a purchase whose outcome neither gateway nor chain shows still blocks the next one. */
const GIVEN_UP: Seconds = 3600;

/**
 * Sends a purchase again whose end is not known: the same request with the same signature, which moves money at most once (law 3). If the
 * gateway has decided it and kept no answer, the wallet signs a look-up, which costs nothing.
 *
 * Attack: a gateway may refuse a payment, or call it expired, and present it later. So only a block after the end of the signature shows that
 * nothing was paid, never an answer or a clock. The purchase stays kept until then.
 */
export const repeatPurchase = async (
  kept: KeptPurchase,
  asked: AskedWallets,
  options: PurchaseOptions,
): Promise<Outcome> => {
  try {
    const { isFinal, outcome } = await repeated(kept, asked, options);
    if (isFinal) forgetPurchase(options.shelf, kept);
    return outcome;
  } catch {
    return err(openPurchase());
  }
};

type Repeated = { readonly isFinal: boolean; readonly outcome: Outcome };

const final = (outcome: Outcome): Repeated => ({ isFinal: true, outcome });
const open = (fault: PaymentFault): Repeated => ({ isFinal: false, outcome: err(fault) });

const repeated = async (
  kept: KeptPurchase,
  { wallets, onStage }: AskedWallets,
  { gateway, client }: PurchaseOptions,
): Promise<Repeated> => {
  const wallet = walletKept(wallets, kept.wallet);
  const context = contextOf({
    ...client,
    account: lookUpSigner(kept, wallet, onStage),
    spend: { perCall: 0n, total: 0n, assets: [assetOf(kept.proof.network)] },
  });
  onStage('answer');
  const answer = await sendAgain(context, kept, gateway);
  if (answer !== undefined && (await answersPurchase(answer.response, kept))) {
    return final(ok(boughtCredit(kept, paymentAnswerOf(answer.response.headers)?.transaction)));
  }
  const is = (name: string): boolean => isProblem(answer?.problem, name);
  const end = endOf(kept.proof);
  const isLate = context.now() > end || is('expired') || is('proof-too-old');
  if (!isLate && !DECIDED.some(is)) {
    return open(answer === undefined ? openPurchase() : refusalOf(answer, end));
  }
  const readers = wallet === undefined ? wallets : [wallet, ...wallets.filter((w) => w !== wallet)];
  const found = isLate
    ? await findOnChain(transferOf(kept), readers, () => onStage('network'))
    : undefined;
  const nothing = found && unmoved(found);
  if (nothing !== undefined) return final(err(nothing));

  const looked: LookedUp = is('expired')
    ? { is: 'unknown' }
    : answer === undefined
      ? { is: 'open' }
      : await lookUpPurchase(context, kept, gateway);
  if (looked.is === 'decided') return final(looked.outcome);
  const isGivenUp = context.now() > end + GIVEN_UP;
  const movement = found && moved(found);
  if (movement !== undefined && (looked.is === 'unknown' || wallet === undefined || isGivenUp)) {
    return final(err(movement));
  }
  if (found?.is === 'unread' && isGivenUp) return final(err(unknown(kept)));
  const why = [
    ...(looked.is === 'open' && looked.why !== undefined ? [looked.why] : []),
    ...(found === undefined ? [] : [textOf(found)]),
  ];
  return open(openPurchase(why.length === 0 ? undefined : why.join(' ')));
};

const transferOf = ({ payer, proof }: KeptPurchase): SignedTransfer => ({
  ...{ network: proof.network, payer, nonce: proof.call, end: endOf(proof) },
});

/**
 * The gateway has already decided the payment, and this answer does not show how. All other refusals come before the gateway looks for the
 * call.
 */
const DECIDED = ['already-used', 'conflict', 'proof-too-old'];

/**
 * The request was sent before, so the first attempt already carries the secret that unlocks the stored answer. Undefined without an answer.
 */
const sendAgain = async (
  context: AgentContext,
  { amount, account, proof }: KeptPurchase,
  gateway: string,
): Promise<ExchangeResult | undefined> => {
  try {
    return await exchange(context, await topUpRequest(gateway, amount, account), proof, 1);
  } catch (thrown) {
    if (thrown instanceof CountersignError) return undefined;
    throw thrown;
  }
};

const textOf = (found: Finding): string => {
  if (found.is === 'unread') return `${found.why.text} ${found.why.hint}`;
  return found.is === 'open' ? EARLY : (moved(found)?.text ?? '');
};

const EARLY =
  'The newest block that the wallet knows is not a minute after the end of the signed payment, so the money can still move. Ask again in a few minutes.';
