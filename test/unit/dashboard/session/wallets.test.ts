import { beforeEach, describe, expect, test } from 'vitest';
import {
  addAnnounced,
  addWallet,
  chooseWallet,
  walletNamed,
  wallets,
} from '../../../../src/dashboard/session/wallets.ts';
import type { Provider } from '../../../../src/dashboard/session/wallet.ts';

const provider = (): Provider => ({ request: async () => undefined });
const announce = (uuid: string, rdns: string, from: Provider): void =>
  addAnnounced({ info: { uuid, name: 'Fox', rdns }, provider: from });

beforeEach(() => {
  wallets.value = [];
});

describe('a wallet that announces itself (EIP-6963)', () => {
  test('is not replaced by another one that takes its domain name, or its id', () => {
    const [fox, thief] = [provider(), provider()];
    announce('1', 'io.fox', fox);
    announce('2', 'io.fox', thief);
    announce('1', 'io.fox', thief);
    expect(wallets.value.map(({ id, provider: each }) => [id, each === fox])).toEqual([
      ['1', true],
      ['2', false],
    ]);
  });

  test('is not replaced by another one that takes its id under a domain name of its own', () => {
    const fox = provider();
    announce('1', 'io.fox', fox);
    announce('1', 'io.thief', provider());
    expect(wallets.value.map(({ id, provider: each }) => [id, each === fox])).toEqual([
      ['1', true],
    ]);
  });

  test('is found again after a reload by its domain name, unless two have it', () => {
    const fox = provider();
    announce('1', 'io.fox', fox);
    expect(walletNamed('io.fox')?.provider).toBe(fox);
    announce('2', 'io.fox', provider());
    expect(walletNamed('io.fox')).toBeUndefined();
    const [first] = wallets.value;
    if (first !== undefined) chooseWallet(first);
    expect(walletNamed('io.fox')?.provider).toBe(fox);
  });

  test('has a place after any number of announcements of another extension', () => {
    for (let each = 0; each < 100; each += 1) announce(`thief ${each}`, 'io.thief', provider());
    const fox = provider();
    announce('1', 'io.fox', fox);
    expect(wallets.value.map(({ id }) => id)).toEqual(['thief 0', 'thief 1', '1']);
    expect(walletNamed('io.fox')?.provider).toBe(fox);
  });

  test('without a domain name is found by its id', () => {
    addWallet({ id: 'local:owner', name: 'Local owner', provider: provider() });
    expect(walletNamed('local:owner')?.name).toBe('Local owner');
  });
});
