import { describe, expect, test } from 'vitest';
import type { Address, Hex } from '../../../../src/core/hex.ts';
import { ok } from '../../../../src/core/result.ts';
import { fateOf, type Mined, readMined } from '../../../../src/settlement/relayer/receipt.ts';
import type { Pending } from '../../../../src/settlement/relayer/pending.ts';
import {
  addressWord,
  amountWord,
  AUTHORIZATION_USED,
  TRANSFER,
} from '../../../../src/settlement/chain/token-calls.ts';
import { TOKEN } from '../scripted.ts';
import { addressOf, nonceOf, pendingOf } from './people.ts';

const HASH = nonceOf(0xaa);

const receiptOf = (changes: Record<string, unknown> = {}) => ({
  status: '0x1',
  blockNumber: '0x64',
  transactionHash: HASH,
  gasUsed: '0x186a0',
  effectiveGasPrice: '0x3b9aca00',
  logs: [],
  ...changes,
});

describe('a receipt', () => {
  test('contains the cost of a transaction', () => {
    expect(readMined(ok(receiptOf()), HASH)).toMatchObject({
      gasUsed: 100_000,
      fee: 100_000_000_000_000n,
      receipt: { block: 100, succeeded: true, transaction: HASH },
    });
  });

  test("counts a rollup's fee for its parent chain", () => {
    expect(readMined(ok(receiptOf({ l1Fee: '0x7b' })), HASH)?.fee).toBe(100_000_000_000_123n);
    expect(readMined(ok(receiptOf({ l1Fee: null })), HASH)?.fee).toBe(100_000_000_000_000n);
  });

  test('of another transaction, or of none, is rejected', () => {
    expect(readMined(ok(receiptOf()), nonceOf(0xab))).toBeUndefined();
    expect(readMined(ok(null), HASH)).toBeUndefined();
    expect(readMined(undefined, HASH)).toBeUndefined();
    for (const field of ['status', 'blockNumber', 'gasUsed', 'effectiveGasPrice', 'logs']) {
      expect(readMined(ok(receiptOf({ [field]: undefined })), HASH)).toBeUndefined();
    }
    expect(readMined(ok(receiptOf({ gasUsed: '0x01' })), HASH)).toBeUndefined();
    expect(readMined(ok(receiptOf({ effectiveGasPrice: '12' })), HASH)).toBeUndefined();
  });
});

describe('the fate of payments', () => {
  type Line = readonly [topics: readonly Hex[], data: Hex, address?: Address];

  const used = ({ authorization: of }: Pending): Line => [
    [AUTHORIZATION_USED, addressWord(of.from), of.nonce],
    '0x',
  ];
  const moved = ({ authorization: of }: Pending, to = of.to): Line => [
    [TRANSFER, addressWord(of.from), addressWord(to)],
    amountWord(of.value),
  ];
  const minedOf = (lines: readonly Line[], succeeded = true): Mined => ({
    gasUsed: 1,
    fee: 1n,
    receipt: {
      succeeded,
      block: 100,
      transaction: HASH,
      logs: lines.map(([topics, data, address = TOKEN.address], index) => ({
        address,
        topics,
        data,
        logIndex: index,
      })),
    },
  });
  const [one, other, third] = [1, 2, 3].map((id) => pendingOf(id, { payer: id })) as [
    Pending,
    Pending,
    Pending,
  ];

  test('follows from the logs, not from the status', () => {
    const mined = minedOf([used(one), moved(one), used(third), moved(third)]);
    expect(fateOf(TOKEN, [one, other, third], mined)).toEqual({
      settled: [one, third],
      spent: [],
      unmoved: [other],
    });
    expect(fateOf(TOKEN, [one], minedOf([used(one), moved(one)], false)).unmoved).toEqual([one]);
  });

  test('counts one transfer for one payment, whoever its twin is', () => {
    const twin = pendingOf(9, { payer: 1 });
    const fate = fateOf(TOKEN, [one, twin], minedOf([used(one), moved(one), used(twin)]));
    expect(fate).toEqual({ settled: [one], spent: [twin], unmoved: [] });
  });

  test('does not count money that went elsewhere, nor logs of another contract', () => {
    expect(fateOf(TOKEN, [one], minedOf([used(one), moved(one, addressOf(0xcc))])).spent).toEqual([
      one,
    ]);
    const forged = [used(one), moved(one)].map(([topics, data]): Line => [
      topics,
      data,
      addressOf(0xdd),
    ]);
    expect(fateOf(TOKEN, [one], minedOf(forged)).unmoved).toEqual([one]);
  });
});
