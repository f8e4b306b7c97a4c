import { describe, expect, it } from 'vitest';
import { countersigned } from '../../../../src/client/signer.ts';
import { walletRefusal } from '../../../../src/dashboard/session/wallet-refusal.ts';
import { chooseAccount, walletSigner } from '../../../../src/dashboard/session/wallet-signer.ts';
import type { Provider } from '../../../../src/dashboard/session/wallet.ts';

const ADDRESS = `0x${'aa'.repeat(20)}` as const;
const SIGNATURE = `0x${'11'.repeat(65)}`;
const DATA = countersigned('Note(uint256 size)', { size: 2n ** 60n }, 84_532);

type Answers = Readonly<Record<string, unknown>>;

/** A wallet with one answer for each method. It throws an answer that is an Error or an object with a code. */
const walletOf = (answers: Answers) => {
  const calls: string[] = [];
  const provider: Provider = {
    request: ({ method, params = [] }) => {
      calls.push(`${method} ${JSON.stringify(params)}`);
      const answer = answers[method];
      return typeof answer === 'object' && answer !== null && 'code' in answer
        ? Promise.reject(answer as unknown as Error)
        : Promise.resolve(answer);
    },
  };
  return { provider, calls };
};

const signedBy = (answers: Answers) => {
  const { provider } = walletOf(answers);
  return walletSigner(provider, ADDRESS).signTypedData(DATA);
};

/** The text that the page shows to its user. */
const refusalOf = async (signing: Promise<unknown>): Promise<string> => {
  const thrown: unknown = await signing.then(
    () => undefined,
    (error: unknown) => error,
  );
  const { text, hint } = walletRefusal(thrown, 'Base Sepolia');
  return `${text} ${hint}`;
};

const MISMATCH =
  'The wallet is not on the network Base Sepolia. Switch the wallet to Base Sepolia, then try again.';

describe('signing with a wallet', () => {
  it('passes integers beyond 2^53 as decimal texts', async () => {
    const { provider, calls } = walletOf({
      eth_chainId: '0x14A34',
      eth_signTypedData_v4: SIGNATURE,
    });
    expect(await walletSigner(provider, ADDRESS).signTypedData(DATA)).toBe(SIGNATURE);
    expect(calls.at(-1)).toContain(String(2n ** 60n));
    expect(calls.join()).not.toContain('wallet_switchEthereumChain');
  });

  it.each([
    ['cannot switch', { wallet_switchEthereumChain: { code: -32_601, message: 'unknown method' } }],
    ['stays on its network', { eth_signTypedData_v4: { code: -32_603, message: 'chainId' } }],
  ])('names the network to switch to, for a wallet that %s', async (_, answers) => {
    expect(await refusalOf(signedBy({ eth_chainId: '0x1', ...answers }))).toBe(MISMATCH);
  });

  it.each([
    ['eth_signTypedData_v4', 4001, 'You declined in the wallet.'],
    ['wallet_switchEthereumChain', 4001, 'You declined in the wallet.'],
    ['wallet_switchEthereumChain', 4902, 'does not know the network'],
    ['wallet_switchEthereumChain', -32_002, 'still has a request open'],
  ])('keeps the reason of a wallet on another network: %s, %i', async (method, code, text) => {
    expect(await refusalOf(signedBy({ eth_chainId: '0x1', [method]: { code } }))).toContain(text);
  });

  it('keeps the error of a wallet that is on the right network', async () => {
    const answers = {
      eth_chainId: '0x14a34',
      eth_signTypedData_v4: { code: -32_603, message: 'Ledger is locked' },
    };
    expect(await refusalOf(signedBy(answers))).toContain('Ledger is locked');
  });

  it('explains a wallet that answers without an account or a signature', async () => {
    const { provider } = walletOf({ eth_requestAccounts: [] });
    expect(await refusalOf(chooseAccount(provider))).toContain('named no account');
    expect(
      await refusalOf(signedBy({ eth_chainId: '0x14a34', eth_signTypedData_v4: null })),
    ).toContain('returned no signature');
  });
});
