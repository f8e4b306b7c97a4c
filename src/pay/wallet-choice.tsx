import { shown } from '../dashboard/format/text.ts';
import type { Wallet } from '../dashboard/session/wallet.ts';
import { Notice } from '../dashboard/parts/notice.tsx';

/** Wallets that announce themselves (EIP-6963) and hold USDC. */
const INSTALLABLE = [
  ['MetaMask', 'https://metamask.io/download/'],
  ['Rabby', 'https://rabby.io/'],
  ['Coinbase Wallet', 'https://www.coinbase.com/wallet/downloads'],
] as const;

const noteOf = ({ id }: Wallet): string | undefined =>
  id.startsWith('local:')
    ? 'A key of this local stack. It signs without asking, and its money is not real.'
    : undefined;

/** Chooses the wallet that pays. Without a wallet, it explains what to install. */
export const WalletChoice = ({
  wallets,
  chosen,
  onChoose,
}: {
  readonly wallets: readonly Wallet[];
  readonly chosen: string | undefined;
  readonly onChoose: (id: string) => void;
}) =>
  wallets.length === 0 ? (
    <Notice tone="warn">
      <p>
        This browser has no wallet. Install one, put USDC into it, then reload this page:{' '}
        {INSTALLABLE.map(([name, url], at) => (
          <>
            {at === 0 ? '' : ', '}
            <a key={name} href={url} target="_blank" rel="noopener noreferrer">
              {name}
            </a>
          </>
        ))}
        . Any other Ethereum wallet that is a browser extension works too. On a phone, open this
        page in the browser of a wallet app.
      </p>
    </Notice>
  ) : (
    <fieldset class="wallets">
      <legend>Wallet</legend>
      {wallets.map((wallet) => (
        <label key={wallet.id}>
          <input
            type="radio"
            name="wallet"
            value={wallet.id}
            checked={wallet.id === chosen}
            onChange={() => onChoose(wallet.id)}
          />
          <span>
            {shown(wallet.name)}
            {noteOf(wallet) === undefined ? null : <span class="hint">{noteOf(wallet)}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
