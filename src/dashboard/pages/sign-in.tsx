import { useEffect, useState } from 'preact/hooks';
import { useNetworks } from '../data/networks.ts';
import { session, signIn } from '../session/session.ts';
import { findWallets, walletProblem, wallets } from '../session/wallets.ts';
import type { Wallet } from '../session/wallet.ts';
import { Notice } from '../parts/notice.tsx';
import './sign-in.css';

/** Signing in: one signature lets this browser read for eight hours. */
export const SignIn = () => {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isAsking, setAsking] = useState(false);
  const networks = useNetworks();
  useEffect(findWallets, []);
  const chainId = networks?.[0]?.chainId;

  const enter = async (wallet: Wallet): Promise<void> => {
    if (chainId === undefined) return;
    setProblem(undefined);
    setAsking(true);
    try {
      await signIn(wallet, chainId);
    } catch (thrown) {
      setProblem(walletProblem(thrown));
    } finally {
      setAsking(false);
    }
  };

  return (
    <main class="sign-in">
      <h1>{location.host}</h1>
      <p>
        {session.value.state === 'ended'
          ? 'Your session has ended. Sign in again to go on; nothing you typed is lost.'
          : 'Sign in with the wallet of an owner or an operator.'}
      </p>
      <ul class="wallets">
        {wallets.value.map((wallet) => (
          <li key={wallet.id}>
            <button
              type="button"
              class="primary"
              disabled={isAsking || chainId === undefined}
              onClick={() => void enter(wallet)}
            >
              {wallet.name}
            </button>
          </li>
        ))}
      </ul>
      {wallets.value.length === 0 ? (
        <Notice tone="warn">
          This browser has no wallet. Install one, for example MetaMask or Rabby, then reload this
          page.
        </Notice>
      ) : null}
      {isAsking ? <p role="status">Confirm in the wallet.</p> : null}
      {problem === undefined ? null : <Notice tone="bad">{problem}</Notice>}
      <p class="muted">
        Your signature lets this browser read for eight hours. It moves no money and changes
        nothing: the wallet signs each change separately.
      </p>
    </main>
  );
};
