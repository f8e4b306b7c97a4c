import { useEffect, useRef, useState } from 'preact/hooks';
import { network } from '../../protocol/account-id.ts';
import { networkName } from '../../protocol/network-name.ts';
import { type GatewayFacts, readGatewayFacts } from '../data/gateway/gateway-facts.ts';
import { gatewayNow } from '../data/gateway/gateway-clock.ts';
import { session, signIn } from '../session/session.ts';
import { walletRefusal } from '../session/wallet-refusal.ts';
import { findWallets } from '../session/find-wallets.ts';
import { wallets } from '../session/wallets.ts';
import type { Wallet } from '../session/wallet.ts';
import { Mark } from '../parts/mark.tsx';
import { Notice } from '../parts/notice.tsx';
import './sign-in.css';

/** Signing in: one signature lets this browser read for eight hours. */
export const SignIn = () => {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isAsking, setAsking] = useState(false);
  const [facts, setFacts] = useState<GatewayFacts | undefined>(undefined);
  useEffect(findWallets, []);
  // After a sign-out the focused button no longer exists.
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    document.title = location.host;
    // Without its network no wallet can sign: every button stays disabled.
    void readGatewayFacts().then(setFacts, () =>
      setProblem('The gateway did not answer. Reload the page to sign in.'),
    );
  }, []);
  const chainId = facts?.networks[0]?.chainId;

  const enter = async (wallet: Wallet): Promise<void> => {
    if (chainId === undefined) return;
    setProblem(undefined);
    setAsking(true);
    try {
      await signIn(wallet, chainId, gatewayNow);
    } catch (thrown) {
      const { text, hint } = walletRefusal(thrown, networkName(network(chainId)));
      setProblem(`${text} You are not signed in. ${hint}`);
    } finally {
      setAsking(false);
    }
  };

  return (
    <main class="sign-in">
      <Mark />
      <h1 ref={heading} tabIndex={-1}>
        {location.host}
      </h1>
      <p>
        {session.value.state === 'ended'
          ? 'Your session has ended. Sign in again to go on; nothing you typed is lost.'
          : 'Sign in to see and limit what AI agents spend at this gateway. Use your own wallet as owner of agents, or the wallet of an operator.'}
      </p>
      <ul class="wallets">
        {wallets.value.map((wallet) => (
          <li key={wallet.id}>
            <button
              type="button"
              class={wallets.value.length === 1 ? 'primary' : ''}
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
          page. On a phone, open this page in the browser of a wallet app.
        </Notice>
      ) : null}
      {isAsking ? <p role="status">Confirm in the wallet.</p> : null}
      {problem === undefined ? null : <Notice tone="bad">{problem}</Notice>}
      <p class="note">
        Your signature lets this browser read for eight hours. It moves no money and changes
        nothing: the wallet signs each change separately.
      </p>
    </main>
  );
};
