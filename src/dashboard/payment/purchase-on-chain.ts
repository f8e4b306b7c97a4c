import { readJson } from '../../client/json.ts';
import type { Proof } from '../../client/proof.ts';
import type { Seconds } from '../../core/clock.ts';
import { isObject } from '../../core/json-object.ts';
import { err } from '../../core/result.ts';
import { decodeBase64, decodeUtf8 } from '../../crypto/bytes.ts';
import { chainIdOf } from '../../protocol/account-id.ts';
import { WalletFault } from '../session/wallet-refusal.ts';
import { switchTo } from '../session/wallet-signer.ts';
import type { Wallet } from '../session/wallet.ts';
import type { Stage } from './chosen-wallet.ts';
import type { KeptPurchase } from './kept-purchase.ts';
import { expired, moved, type Outcome } from './purchase-outcome.ts';
import { readChainTime, readPayment } from './token-reads.ts';

export const ABSENT = {
  text: 'The wallet that signed the payment is not in this browser.',
  hint: 'Turn the wallet on in the browser, then reload the page.',
};

/** Asks the token whether the payment moved the money, once the gateway neither starts the call nor remembers it. @throws WalletFault if no chain can be read */
export const outcomeOnChain = async (
  { payer, proof }: KeptPurchase,
  wallet: Wallet | undefined,
  onStage: (stage: Stage) => void,
): Promise<Outcome> => {
  const { call, network } = proof;
  if (wallet === undefined) throw new WalletFault(ABSENT);
  onStage('network');
  await switchTo(wallet.provider, chainIdOf(network) ?? 0);
  // The clock of the browser may be ahead, and the node of the wallet behind: only a block after the deadline shows that an unused
  // authorization moves no money any more (EIP-3009). The time is read first, so that the state is not older.
  const time = await readChainTime(wallet.provider, network);
  const onChain = await readPayment(wallet.provider, network, payer, call);
  if (onChain === undefined) throw new WalletFault(UNREAD);
  if (onChain.isUsed) return err(moved(onChain.transaction));
  if (time === undefined) throw new WalletFault(UNREAD);
  if (time <= endOf(proof)) throw new WalletFault(EARLY);
  return err(expired());
};

/** The longest that a signed transfer outlives its intent, in seconds (src/client/payment-proof.ts). */
const LONGEST: Seconds = 3600;

/** When the signed transfer ends, which the offer may set later than the end of the intent. */
const endOf = ({ header, until }: Proof): Seconds => {
  const sent = readJson(decodeUtf8(decodeBase64(header[1]) ?? new Uint8Array()) ?? '');
  const payload = isObject(sent) ? sent['payload'] : undefined;
  const signed = isObject(payload) ? payload['authorization'] : undefined;
  const end = isObject(signed) ? Number(signed['validBefore']) : Number.NaN;
  return Number.isSafeInteger(end) ? Math.max(end, until) : until + LONGEST;
};

/** The most by which the clocks of browser and gateway differ, in seconds. */
export const CLOCKS = 300;

const EARLY = {
  text: 'The newest block that the wallet knows is older than the end of the signature, so the payment can still move the money.',
  hint: 'Check the clock of this device, and ask again later.',
};

const UNREAD = {
  text: 'The gateway keeps no answer any more, and the wallet cannot read whether the money moved.',
  hint: 'Check the connection of the wallet.',
};
