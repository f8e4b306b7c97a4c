import { computed } from '@preact/signals';
import { createManagement, type Management } from '../../../client/management.ts';
import type { Signer } from '../../../client/signer.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import { self, session } from '../../session/session.ts';
import { accountOf } from '../../session/stored-session.ts';
import { WalletFault } from '../../session/wallet-refusal.ts';
import { walletSigner } from '../../session/wallet-signer.ts';
import { walletNamed } from '../../session/wallets.ts';
import { ownReader } from './own-reader.ts';
import { gatewayNow } from './gateway-clock.ts';
import { readBySession } from './reader.ts';

/** Signs nothing, because the wallet of the session is no longer in this browser. */
const absentWallet = (address: `0x${string}`): Signer => ({
  address,
  signTypedData: () =>
    Promise.reject(
      new WalletFault({
        text: 'The wallet that you signed in with is not in this browser.',
        hint: 'Turn the wallet on in the browser, then reload the page.',
      }),
    ),
});

/** Keeps commands until their answer is known. Without its code, e.g. after a deployment, commands are sent as they are. */
const loadCommands = async () => import('../commands/send-command.ts').catch(() => undefined);

/** `fetch` for requests that the wallet of an account signed. */
export const fetchSigned =
  (account: AccountId): typeof fetch =>
  async (input, init) => {
    const commands = await loadCommands();
    return commands === undefined ? fetch(input, init) : commands.sendSigned(account, input, init);
  };

const signingOnce = (account: AccountId, wallet: Signer): Signer => ({
  address: wallet.address,
  signTypedData: async (data) => {
    await (await loadCommands())?.refuseSecond(account, data);
    return wallet.signTypedData(data);
  },
});

/** The wallet that signed in, and the chain that it signs for. */
export type SessionWallet = {
  readonly account: AccountId;
  readonly signer: Signer;
  readonly chainId: number;
};

/** Asks the wallet of the session for each signature. Undefined without a session. */
export const sessionWallet = computed<SessionWallet | undefined>(() => {
  const current = session.value;
  if (current.state !== 'in') return undefined;
  const { wallet, signed } = current.session;
  const provider = walletNamed(wallet.id)?.provider;
  const account = accountOf(current.session);
  const own =
    provider === undefined ? absentWallet(wallet.address) : walletSigner(provider, wallet.address);
  return { account, signer: signingOnce(account, own), chainId: signed.chainId };
});

/**
 * The management API for the signed-in account: reads are signed by the key of the session, and each change by the wallet, which shows what
 * it signs.
 */
export const gateway = computed<Management | undefined>(() => {
  const wallet = sessionWallet.value;
  if (wallet === undefined) return undefined;
  return createManagement({
    gateway: location.origin,
    account: wallet.signer,
    chainId: wallet.chainId,
    reader: ownReader(wallet.account, self, readBySession),
    now: gatewayNow,
    fetch: fetchSigned(wallet.account),
  });
});
