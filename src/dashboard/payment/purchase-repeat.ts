import { type AgentOptions, contextOf } from '../../client/agent-options.ts';
import type { AgentContext } from '../../client/context.ts';
import { CountersignError, isProblem } from '../../client/errors.ts';
import { exchange, type ExchangeResult } from '../../client/exchange.ts';
import type { Attempt, OutboxPlace } from '../../client/outbox.ts';
import { paymentAnswerOf } from '../../client/signed-report.ts';
import { topUpRequest } from '../../client/top-up-request.ts';
import type { Seconds } from '../../core/clock.ts';
import { err, ok } from '../../core/result.ts';
import { type Wallet, walletKept } from '../session/wallet.ts';
import { answersPurchase, boughtCredit } from './bought-credit.ts';
import { assetOf, type Stage } from './chosen-wallet.ts';
import { endOf, type KeptPurchase, purchaseKey, purchasesIn } from './kept-purchase.ts';
import { openPurchase, refusalOf } from './open-purchase.ts';
import { type PaymentFault, unpaid } from './payment-fault.ts';
import { type Finding, findOnChain, type SignedTransfer } from './payment-on-chain.ts';
import { type LookedUp, lookUpPurchase, lookUpSigner } from './purchase-look-up.ts';
import { moved, type Outcome, unknown, unmoved } from './purchase-outcome.ts';

/** The surroundings in which purchases are made and kept. */
export type PurchaseOptions = OutboxPlace & {
  /** Origin of the gateway. */
  readonly gateway: string;
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
  const again = async (found: KeptPurchase) => await repeat(found, asked, options);
  const first = async () => await again(kept);
  const key = purchaseKey(kept.account);
  const sent = await purchasesIn(options).once<Outcome>(key, { first, again });
  if (sent.is === 'answered') return sent.answer;
  // Send the purchase that the page shows, even if the storage has lost it since.
  return sent.is === 'elsewhere' ? err(elsewhere()) : (await first()).answer;
};

export const elsewhere = (): PaymentFault =>
  unpaid(
    'Another purchase is under way in this browser.',
    'Finish it, or close its tab, then try again.',
  );

/** One repeat of a kept purchase. */
export const repeat = async (
  kept: KeptPurchase,
  asked: AskedWallets,
  options: PurchaseOptions,
): Promise<Attempt<Outcome>> => {
  try {
    return await repeated(kept, asked, options);
  } catch {
    return undecided(openPurchase());
  }
};

export const decided = (answer: Outcome): Attempt<Outcome> => ({ isDecided: true, answer });
export const undecided = (fault: PaymentFault): Attempt<Outcome> => ({
  isDecided: false,
  answer: err(fault),
});

const repeated = async (
  kept: KeptPurchase,
  { wallets, onStage }: AskedWallets,
  { gateway, client }: PurchaseOptions,
): Promise<Attempt<Outcome>> => {
  const wallet = walletKept(wallets, kept.wallet);
  const context = contextOf({
    ...client,
    account: lookUpSigner(kept, wallet, onStage),
    spend: { perCall: 0n, total: 0n, assets: [assetOf(kept.proof.network)] },
  });
  onStage('answer');
  const answer = await sendAgain(context, kept, gateway);
  if (answer !== undefined && (await answersPurchase(answer.response, kept))) {
    return decided(ok(boughtCredit(kept, paymentAnswerOf(answer.response.headers)?.transaction)));
  }
  const is = (name: string): boolean => isProblem(answer?.problem, name);
  const end = endOf(kept.proof);
  const isLate = context.now() > end || is('expired') || is('proof-too-old');
  if (!isLate && !DECIDED.some(is)) {
    return undecided(answer === undefined ? openPurchase() : refusalOf(answer, end));
  }
  const readers = wallet === undefined ? wallets : [wallet, ...wallets.filter((w) => w !== wallet)];
  const found = isLate
    ? await findOnChain(transferOf(kept), readers, () => onStage('network'))
    : undefined;
  const nothing = found && unmoved(found);
  if (nothing !== undefined) return decided(err(nothing));

  const looked: LookedUp = is('expired')
    ? { is: 'unknown' }
    : answer === undefined
      ? { is: 'open' }
      : await lookUpPurchase(context, kept, gateway);
  if (looked.is === 'decided') return decided(looked.outcome);
  const isGivenUp = context.now() > end + GIVEN_UP;
  const movement = found && moved(found);
  if (movement !== undefined && (looked.is === 'unknown' || wallet === undefined || isGivenUp)) {
    return decided(err(movement));
  }
  if (found?.is === 'unread' && isGivenUp) return decided(err(unknown(kept)));
  const why = [
    ...(looked.is === 'open' && looked.why !== undefined ? [looked.why] : []),
    ...(found === undefined ? [] : [textOf(found)]),
  ];
  return undecided(openPurchase(why.length === 0 ? undefined : why.join(' ')));
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
 * Sends the request again. It was sent before, so already the first attempt carries the secret that unlocks the stored answer. Returns
 * undefined if no answer came.
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
