import { describe, expect, it } from 'vitest';
import { WalletFault, walletRefusal } from '../../../../src/dashboard/session/wallet-refusal.ts';

const inWords = (thrown: unknown) => walletRefusal(thrown, 'Base Sepolia');

describe('the refusal of a wallet', () => {
  it.each([
    [{ code: 4001 }, 'You declined in the wallet.', 'confirm in the wallet'],
    [{ code: 'ACTION_REJECTED' }, 'You declined in the wallet.', 'confirm in the wallet'],
    [{ code: 4100 }, 'does not let this page', 'Connect the account'],
    [{ code: 4900 }, 'not connected', 'Check its connection to Base Sepolia'],
    [{ code: 4901 }, 'not on the network Base Sepolia', 'Switch the wallet to Base Sepolia'],
    [{ code: 4902 }, 'does not know the network Base Sepolia', 'Add Base Sepolia'],
    [{ code: -32_002 }, 'still has a request open', 'answer that request'],
    [
      { code: -32_603, data: { originalError: { code: 4902 } } },
      'does not know',
      'Add Base Sepolia',
    ],
    [{ code: -32_603 }, 'did not sign', 'Open the wallet'],
    [{ code: 'constructor' }, 'did not sign', 'Open the wallet'],
    [undefined, 'did not sign', 'Open the wallet'],
  ])('%j names what happened and the next step', (thrown, text, hint) => {
    const refusal = inWords(thrown);
    expect(refusal.text).toContain(text);
    expect(refusal.hint).toContain(hint);
  });

  it('quotes the words of a wallet, without controls and only their beginning', () => {
    expect(inWords({ message: 'no\u202eway' }).text).toBe(
      'The wallet did not sign. It says: “noway”.',
    );
    expect(inWords({ message: 'x'.repeat(10_000) }).text.length).toBeLessThan(300);
  });

  it('is in the words of this page where the page found the fault', () => {
    const fault = { text: 'The wallet named no account.', hint: 'Choose one.' };
    expect(inWords(new WalletFault(fault))).toEqual(fault);
  });
});
