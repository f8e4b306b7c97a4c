import { expect, it } from 'vitest';
import { denialText } from '../../../../src/dashboard/format/denial-text.ts';
import { USD } from '../../../../src/protocol/fiat-asset.ts';

const denied = (asset: string) => ({
  ...({ type: 'call.denied', rule: 'window', account: 'eip155:84532:0xaa', count: 1 } as const),
  payment: { asset },
  outcome: {
    limit: { rule: 'window:day', limit: '20000', spent: '10000', held: '0', remaining: '10000' },
  },
});

it.each([
  ['a token', `eip155:84532/erc20:0x${'b'.repeat(40)}`, 'per day; 0.01 of 0.02 USDC left'],
  ['the operator’s card', USD, 'per day; 0.01 of 0.02 USD left'],
])('names the money that a limit had left for calls on %s', (_of, asset, text) => {
  expect(denialText(denied(asset))).toBe(text);
});
