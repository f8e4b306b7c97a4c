import { describe, expect, test } from 'vitest';
import {
  isFinal,
  findTransfer,
  type TokenLog,
  type Receipt,
  REORG_MARGIN,
} from '../../../../src/settlement/chain/expected-transfer.ts';
import { expectedTransfer } from '../../../../src/settlement/chain/expected-transfer.ts';
import { OTHER, paymentNumber } from '../scripted.ts';
import { transferLog, usedLog } from '../scripted-chain.ts';

const payment = paymentNumber(1);
const twin = {
  ...payment,
  authorization: { ...payment.authorization, nonce: paymentNumber(2).authorization.nonce },
};
const look = expectedTransfer(payment, 100);

const receipt = (
  logs: readonly Omit<TokenLog, 'logIndex'>[],
  changes: Partial<Receipt> = {},
): Receipt => ({
  succeeded: true,
  block: 101,
  transaction: `0x${'aa'.repeat(32)}`,
  logs: logs.map((log, index) => ({ ...log, logIndex: index })),
  ...changes,
});

describe('settled', () => {
  test('by AuthorizationUsed directly followed by its Transfer', () => {
    expect(findTransfer(look, receipt([usedLog(payment), transferLog(payment)]))).toBe('settled');
  });

  test('despite logs of other contracts in between', () => {
    const noise = { ...transferLog(payment), address: OTHER };
    expect(findTransfer(look, receipt([usedLog(payment), noise, transferLog(payment)]))).toBe(
      'settled',
    );
  });

  test('in the order of log indexes, not of the answer', () => {
    const logs = receipt([usedLog(payment), transferLog(payment)]).logs.toReversed();
    expect(findTransfer(look, receipt([], { logs }))).toBe('settled');
  });

  test('in the block that was the newest at acceptance', () => {
    const logs = [usedLog(payment), transferLog(payment)];
    expect(findTransfer(look, receipt(logs, { block: 100 }))).toBe('settled');
  });

  test('in a block that a small reorganisation moved below the block of acceptance', () => {
    const logs = [usedLog(payment), transferLog(payment)];
    expect(findTransfer(look, receipt(logs, { block: 99 }))).toBe('settled');
    expect(findTransfer(look, receipt(logs, { block: 100 - REORG_MARGIN }))).toBe('settled');
  });

  test('for both of two twins, each with its own Transfer', () => {
    const logs = [usedLog(twin), transferLog(twin), usedLog(payment), transferLog(payment)];
    expect(findTransfer(look, receipt(logs))).toBe('settled');
    expect(findTransfer(expectedTransfer(twin, 100), receipt(logs))).toBe('settled');
  });
});

describe('spent otherwise', () => {
  test.each([
    ['to another receiver', [usedLog(payment), transferLog(payment, { to: OTHER })]],
    [
      'to the payer itself',
      [usedLog(payment), transferLog(payment, { to: payment.authorization.from })],
    ],
    ['one unit too little', [usedLog(payment), transferLog(payment, { value: 999n })]],
    ['one unit too much', [usedLog(payment), transferLog(payment, { value: 1_001n })]],
    ['no Transfer at all', [usedLog(payment)]],
    ['the Transfer came before', [transferLog(payment), usedLog(payment)]],
    [
      'the Transfer is of another token',
      [usedLog(payment), { ...transferLog(payment), address: OTHER }],
    ],
    [
      'the next Transfer is of another payer',
      [usedLog(payment), transferLog(paymentNumber(3)), transferLog(payment)],
    ],
  ])('%s', (_, logs) => {
    expect(findTransfer(look, receipt(logs))).toBe('spent_otherwise');
  });

  test('counts one Transfer for one payment: its twin spent the nonce on itself in the same transaction', () => {
    const logs = [
      usedLog(payment),
      transferLog(payment, { to: payment.authorization.from }),
      usedLog(twin),
      transferLog(twin),
    ];
    expect(findTransfer(look, receipt(logs))).toBe('spent_otherwise');
    expect(findTransfer(expectedTransfer(twin, 100), receipt(logs))).toBe('settled');
  });

  test('does not share one Transfer between two authorizations in a row', () => {
    const logs = [usedLog(payment), usedLog(twin), transferLog(twin)];
    expect(findTransfer(look, receipt(logs))).toBe('spent_otherwise');
  });

  test('a block long before acceptance', () => {
    const logs = [usedLog(payment), transferLog(payment)];
    expect(findTransfer(look, receipt(logs, { block: 99 - REORG_MARGIN }))).toBe('spent_otherwise');
  });
});

describe('absent', () => {
  test.each([
    [
      'a reverted transaction',
      receipt([usedLog(payment), transferLog(payment)], { succeeded: false }),
    ],
    ['another nonce', receipt([usedLog(twin), transferLog(twin)])],
    [
      'a look-alike of another contract',
      receipt([{ ...usedLog(payment), address: OTHER }, transferLog(payment)]),
    ],
    [
      'another payer with the same nonce',
      receipt([usedLog({ ...payment, authorization: { ...payment.authorization, from: OTHER } })]),
    ],
    ['no logs', receipt([])],
  ])('%s', (_, given) => {
    expect(findTransfer(look, given)).toBe('absent');
  });
});

test('a block is final with as many blocks as configured, itself included', () => {
  expect(isFinal(100, 100, 1)).toBe(true);
  expect(isFinal(100, 101, 3)).toBe(false);
  expect(isFinal(100, 102, 3)).toBe(true);
  // The node that returned the head is behind the node that returned the receipt.
  expect(isFinal(100, 99, 1)).toBe(false);
});
