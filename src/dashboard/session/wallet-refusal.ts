import { isObject } from '../../core/json-object.ts';
import { shown } from '../format/text.ts';

/** Why a wallet did not sign, and the next step of the person who uses it. */
export type WalletRefusal = { readonly text: string; readonly hint: string };

/** A fault of a wallet that the page found itself: the wallet is not there, or answered nothing usable. */
export class WalletFault extends Error {
  override readonly name = 'WalletFault';
  readonly hint: string;

  constructor({ text, hint }: WalletRefusal) {
    super(text);
    this.hint = hint;
  }
}

/** A wallet signs typed data only for the network that it is on. */
export const notOn = (network: string): WalletRefusal => ({
  text: `The wallet is not on the network ${network}.`,
  hint: `Switch the wallet to ${network}, then try again.`,
});

const declined = (): WalletRefusal => ({
  text: 'You declined in the wallet.',
  hint: 'To go on, try again and confirm in the wallet.',
});

/** By code: EIP-1193, EIP-1474, EIP-3085, and the name that ethers gives to 4001. */
const REFUSALS: Readonly<Record<string, (network: string) => WalletRefusal>> = {
  4001: declined,
  ACTION_REJECTED: declined,
  4100: () => ({
    text: 'The wallet does not let this page use the account.',
    hint: 'Connect the account in the wallet, then try again.',
  }),
  4900: (network) => ({
    text: 'The wallet is not connected.',
    hint: `Check its connection to ${network}, then try again.`,
  }),
  4901: notOn,
  4902: (network) => ({
    text: `The wallet does not know the network ${network}.`,
    hint: `Add ${network} in the settings of the wallet, then try again.`,
  }),
  [-32_002]: () => ({
    text: 'The wallet still has a request open.',
    hint: 'Open the wallet and answer that request, then try again.',
  }),
};

/** Some wallets wrap an inner error in this one. */
const INTERNAL = -32_603;

const codeOf = (thrown: unknown): string => {
  if (!isObject(thrown)) return '';
  const { code, data } = thrown;
  const original = isObject(data) && isObject(data['originalError']) ? data['originalError'] : {};
  return String(code === INTERNAL ? (original['code'] ?? code) : code);
};

/** Whether the wallet gave a reason that a person can act on. */
export const isExplained = (thrown: unknown): boolean =>
  thrown instanceof WalletFault || Object.hasOwn(REFUSALS, codeOf(thrown));

const MAX_SAID = 200;

/** Turns the error of a wallet into words. @param network name of the network that it was to sign for */
export const walletRefusal = (thrown: unknown, network: string): WalletRefusal => {
  if (thrown instanceof WalletFault) return { text: thrown.message, hint: thrown.hint };
  const code = codeOf(thrown);
  const known = Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : undefined;
  if (known !== undefined) return known(network);
  const message = isObject(thrown) ? thrown['message'] : undefined;
  const said =
    typeof message === 'string' && message !== ''
      ? ` It says: “${shown(message).slice(0, MAX_SAID)}”.`
      : '';
  return {
    text: `The wallet did not sign.${said}`,
    hint: 'Open the wallet, then try again.',
  };
};
