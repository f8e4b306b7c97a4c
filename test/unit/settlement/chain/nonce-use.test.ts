import { describe, expect, test, vi } from 'vitest';
import { observePayments } from '../../../../src/settlement/chain/observe-payments.ts';
import { REORG_MARGIN } from '../../../../src/settlement/chain/expected-transfer.ts';
import { expectedTransfer } from '../../../../src/settlement/chain/expected-transfer.ts';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { OTHER, PAY_TO, paymentNumber, RPC, word } from '../scripted.ts';
import { answerHosts, canceledLog, transferLog, usedLog } from '../scripted-chain.ts';
import { payment, see, world, useObserveWorld } from './observe-world.ts';

useObserveWorld();

describe('a block below the one of acceptance', () => {
  const spend: [string, () => string, string][] = [
    ['spent', () => world.chain.pay(payment), 'spent_otherwise'],
    [
      'cancelled',
      () => world.chain.emit([canceledLog(payment)], [payment.authorization.nonce]),
      'cancelled',
    ],
  ];

  test('may hold the settlement after a reorganisation', async () => {
    const transaction = world.chain.pay(payment);
    world.chain.mine();
    expect(await see(payment, 1, 101 + REORG_MARGIN)).toEqual({
      kind: 'settled',
      transaction,
      block: 101,
    });
    expect(await see(payment, 3, 101 + REORG_MARGIN)).toMatchObject({ kind: 'unconfirmed' });
  });

  test.each(spend)(
    'long before it: an old log proves that the nonce was %s',
    async (_, act, kind) => {
      const transaction = act();
      world.chain.mineMany(70);
      expect(await see(payment, 1, 102 + REORG_MARGIN)).toEqual({ kind, transaction });
    },
  );

  test.each(spend)('%s, with its confirmations', async (_, act, kind) => {
    const transaction = act();
    world.chain.mineMany(70);
    const see72 = async () => await see(payment, 72, 102 + REORG_MARGIN);
    expect(await see72()).toEqual({ kind: 'unconfirmed', transaction, block: 101 });
    world.chain.mine();
    expect(await see72()).toEqual({ kind, transaction });
  });
});

describe('a receipt that is not available', () => {
  const emitBoth = (huge: Payment, to = PAY_TO): string => {
    const approval = { ...usedLog(paymentNumber(9)), topics: [word(5)] };
    const other = { ...transferLog(huge), address: OTHER };
    const logs = [approval, usedLog(huge), other, transferLog(huge, { to }), approval];
    return world.chain.emit(logs, [huge.authorization.nonce]);
  };

  test.each([
    ['refused', () => world.chain.hidden.add('eth_getTransactionReceipt')],
    ['too large', () => (world.chain.state.paddingBytes = 5_000_000)],
  ])('%s: the token logs of that block decide', async (_, spoil) => {
    spoil();
    const [huge, spent, small] = [paymentNumber(1), paymentNumber(2), paymentNumber(3)];
    const transaction = emitBoth(huge);
    emitBoth(spent, OTHER);
    world.chain.pay(small);
    const looks = [huge, spent, small].map((one) => expectedTransfer(one, 100));
    const views = await observePayments({ urls: [RPC], confirmations: 1 }, looks);
    expect(views).toMatchObject([
      { kind: 'settled', transaction, block: 101 },
      { kind: 'spent_otherwise' },
      { kind: 'settled' },
    ]);
    expect((await observePayments({ urls: [RPC], confirmations: 4 }, looks))[0]).toMatchObject({
      kind: 'unconfirmed',
    });
  });

  test('a log of the same token in between counts, whatever its topic', async () => {
    world.chain.hidden.add('eth_getTransactionReceipt');
    const between = { ...usedLog(payment), topics: [word(5)] };
    world.chain.emit(
      [usedLog(payment), between, transferLog(payment)],
      [payment.authorization.nonce],
    );
    expect(await see(payment)).toMatchObject({ kind: 'spent_otherwise' });
  });

  test('ignores logs of other transactions in that block', async () => {
    world.chain.hidden.add('eth_getTransactionReceipt');
    world.chain.emit([usedLog(payment)], [payment.authorization.nonce]);
    world.chain.join([transferLog(payment)]);
    expect(await see(payment)).toMatchObject({ kind: 'spent_otherwise' });
  });

  test('is unknown if its logs are not available either', async () => {
    world.chain.hidden.add('eth_getTransactionReceipt');
    world.chain.pay(payment);
    const real = world.chain.respond;
    vi.restoreAllMocks();
    answerHosts({
      'node.test': (body) =>
        world.chain.batches.length < 2 ? real(body) : new Response('', { status: 500 }),
    });
    expect(await see(payment)).toMatchObject({ kind: 'unknown' });
  });
});
