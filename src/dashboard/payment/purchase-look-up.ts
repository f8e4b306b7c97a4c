import type { AgentContext } from '../../client/context.ts';
import { CountersignError } from '../../client/errors.ts';
import { look } from '../../client/look.ts';
import type { Signer } from '../../client/signer.ts';
import { networkName } from '../../protocol/network-name.ts';
import { WalletFault, walletRefusal } from '../session/wallet-refusal.ts';
import { walletSigner } from '../session/wallet-signer.ts';
import type { Wallet } from '../session/wallet.ts';
import type { Stage } from './chosen-wallet.ts';
import type { KeptPurchase } from './kept-purchase.ts';
import { type Outcome, outcomeOf } from './purchase-outcome.ts';

/** The result of a look-up. `unknown`: the gateway never saw the call, or has forgotten it (docs/wire-format.md §12). */
export type LookedUp =
  | { readonly is: 'decided'; readonly outcome: Outcome }
  | { readonly is: 'unknown' }
  | { readonly is: 'open'; readonly why?: string };

/** The look-up of a purchase, signed by the same wallet; it moves nothing. @param wallet undefined if it is not in this browser now */
export const lookUpSigner = (
  { payer }: KeptPurchase,
  wallet: Wallet | undefined,
  onStage: (stage: Stage) => void,
): Signer => ({
  address: payer,
  signTypedData: async (data) => {
    if (wallet === undefined) throw new WalletFault(ABSENT);
    onStage('look-up');
    return await walletSigner(wallet.provider, payer).signTypedData(data);
  },
});

const ABSENT = {
  text: 'The wallet that signed the payment is not in this browser.',
  hint: 'Turn the wallet on in the browser, then reload the page.',
};

/** Asks the gateway for the outcome of a purchase whose answer it did not keep. */
export const lookUpPurchase = async (
  context: AgentContext,
  kept: KeptPurchase,
  gateway: string,
): Promise<LookedUp> => {
  const { call, network } = kept.proof;
  context.memory.keepCall(call, network);
  try {
    const record = await look(context, gateway, call);
    const outcome = outcomeOf(record, kept);
    if (outcome !== undefined) return { is: 'decided', outcome };
    const isUncollected = record.state === 'released' && UNMOVED.has(record.payment);
    return { is: 'open', why: isUncollected ? NOT_COLLECTED : UNENDED };
  } catch (thrown) {
    if (!(thrown instanceof CountersignError)) throw thrown;
    if (thrown.code === 'unknown_call') return { is: 'unknown' };
    if (thrown.code !== 'signer_failed') return { is: 'open' };
    const { text, hint } = walletRefusal(thrown.cause, networkName(network));
    return { is: 'open', why: `${text} ${hint}` };
  }
};

/** States in which the gateway no longer presents a payment. */
const UNMOVED: ReadonlySet<string> = new Set(['none', 'failed', 'released']);

const NOT_COLLECTED =
  'The gateway says that it did not get the payment. The signature can move the money until it expires.';
const UNENDED = 'The gateway has not finished the purchase yet.';
