import { describe, expect, test, vi } from 'vitest';
import { observePayments } from '../../../../src/settlement/chain/observe-payments.ts';
import { expectedTransfer } from '../../../../src/settlement/chain/expected-transfer.ts';
import { NOW, OTHER, paymentNumber, RPC } from '../scripted.ts';
import { answerHosts, canceledLog, transferLog, usedLog } from '../scripted-chain.ts';
import { expiring, payment, see, world, useObserveWorld } from './observe-world.ts';

useObserveWorld();

test('observes many payments in two requests, with one receipt per transaction', async () => {
  const payments = Array.from({ length: 50 }, (_, at) => paymentNumber(at + 1));
  const paid = payments.slice(0, 40);
  world.chain.emit(
    paid.flatMap((one) => [usedLog(one), transferLog(one)]),
    paid.map((one) => one.authorization.nonce),
  );
  const looks = payments.map((one) => expectedTransfer(one, 100));
  const views = await observePayments({ urls: [RPC], confirmations: 1 }, looks);
  expect(views.map(({ kind }) => kind)).toEqual([
    ...Array.from({ length: 40 }, () => 'settled'),
    ...Array.from({ length: 10 }, () => 'unused'),
  ]);
  expect(world.chain.batches.map((batch) => batch.length)).toEqual([151, 1]);
});

test('observes more payments than one batch may hold in several batches, in their order', async () => {
  const payments = Array.from({ length: 100 }, (_, at) => paymentNumber(at + 1));
  const paid = payments.slice(0, 30);
  world.chain.emit(
    paid.flatMap((one) => [usedLog(one), transferLog(one)]),
    paid.map((one) => one.authorization.nonce),
  );
  const looks = payments.map((one) => expectedTransfer(one, 100));
  const views = await observePayments({ urls: [RPC], confirmations: 1 }, looks);
  expect(views.map(({ kind }) => kind)).toEqual([
    ...Array.from({ length: 30 }, () => 'settled'),
    ...Array.from({ length: 70 }, () => 'unused'),
  ]);
  expect(world.chain.batches.map((batch) => batch.length)).toEqual([160, 142, 1]);
});

test('reports whether any node has answered', async () => {
  const heard: boolean[] = [];
  const hearing = {
    urls: [RPC],
    confirmations: 1,
    onAnswered: (one: boolean) => heard.push(one),
  } as const;
  await observePayments(hearing, [expectedTransfer(payment, 100)]);
  expect(heard).toEqual([true]);
  answerHosts({});
  await observePayments(hearing, [expectedTransfer(payment, 100)]);
  expect(heard).toEqual([true, false]);
});

test.each([
  ['five megabytes are read if nothing else is available', 5, 'settled'],
  ['seventeen are not', 17, 'unknown'],
])('an answer that is too large still counts as an answer: %s', async (_, megabytes, kind) => {
  world.chain.pay(payment);
  const isLarge = (body: unknown): boolean =>
    (body as { method: string; params: { topics?: unknown }[] }[]).some(
      ({ method, params }) =>
        method === 'eth_getTransactionReceipt' ||
        (method === 'eth_getLogs' && params[0]?.topics === undefined),
    );
  answerHosts({
    'node.test': async (body: unknown) => {
      const answer = world.chain.respond(body);
      if (!isLarge(body)) return answer;
      return new Response(' '.repeat(megabytes * 1024 * 1024) + (await answer.text()));
    },
  });
  const heard: boolean[] = [];
  const hearing = {
    urls: [RPC],
    confirmations: 1,
    onAnswered: (one: boolean) => heard.push(one),
  } as const;
  expect(await observePayments(hearing, [expectedTransfer(payment, 100)])).toMatchObject([
    { kind },
  ]);
  expect(heard).toEqual([true, true, true]);
});

test('sends no request without payments', async () => {
  expect(await observePayments({ urls: [RPC], confirmations: 1 }, [])).toEqual([]);
  expect(world.chain.batches).toEqual([]);
});

test('returns transaction and block of a settlement', async () => {
  const transaction = world.chain.pay(payment);
  expect(await see(payment)).toEqual({ kind: 'settled', transaction, block: 101 });
});

test('settles only with the confirmations', async () => {
  world.chain.pay(payment);
  world.chain.mine();
  expect(await see(payment, 3)).toMatchObject({ kind: 'unconfirmed', block: 101 });
  world.chain.mine();
  expect(await see(payment, 3)).toMatchObject({ kind: 'settled', block: 101 });
});

test('finds a nonce that was spent otherwise, with its confirmations', async () => {
  const logs = [usedLog(payment), transferLog(payment, { to: OTHER })];
  const transaction = world.chain.emit(logs, [payment.authorization.nonce]);
  expect(await see(payment, 2)).toMatchObject({ kind: 'unconfirmed' });
  world.chain.mine();
  expect(await see(payment, 2)).toEqual({ kind: 'spent_otherwise', transaction });
});

test('finds a cancelled nonce, with its confirmations', async () => {
  const transaction = world.chain.emit([canceledLog(payment)], [payment.authorization.nonce]);
  expect(await see(payment, 2)).toMatchObject({ kind: 'unconfirmed' });
  world.chain.mine();
  expect(await see(payment, 2)).toEqual({ kind: 'cancelled', transaction });
});

describe('no final observation', () => {
  test('if the node is down', async () => {
    world.chain.pay(payment);
    world.chain.state.down = true;
    expect(await see(payment)).toMatchObject({ kind: 'unknown' });
  });

  test('if the nonce is used and its log is not available', async () => {
    world.chain.emit([], [payment.authorization.nonce]);
    expect(await see(payment)).toMatchObject({ kind: 'unknown' });
    expect(await see(payment, 1, 0)).toMatchObject({ kind: 'unknown' });
  });

  test.each(['eth_getBlockByNumber', 'eth_call', 'eth_getLogs'])(
    'if the node refuses %s',
    async (method) => {
      world.chain.pay(payment);
      world.chain.hidden.add(method);
      expect(await see(payment)).toMatchObject({ kind: 'unknown' });
    },
  );

  test('if the receipt lacks the log that the node returned', async () => {
    world.chain.pay(payment);
    const real = world.chain.respond;
    vi.restoreAllMocks();
    answerHosts({
      'node.test': async (body) => {
        const text = await real(body).text();
        return new Response(text.replaceAll('"status":"0x1"', '"status":"0x0"'));
      },
    });
    expect(await see(payment)).toMatchObject({ kind: 'unknown' });
  });

  test('if the authorization state is not a bool', async () => {
    world.chain.pay(payment);
    world.chain.mine();
    const real = world.chain.respond;
    vi.restoreAllMocks();
    answerHosts({
      'node.test': async (body) => {
        const text = await real(body).text();
        const result = (digit: number) => `"result":"0x${'0'.repeat(63)}${digit}"`;
        return new Response(text.replaceAll(result(1), result(2)));
      },
    });
    expect(await see(payment, 1, 102)).toMatchObject({ kind: 'unknown' });
  });
});

describe('unused past validBefore', () => {
  test('is not final while the chain makes no blocks, whatever the clock shows', async () => {
    expect(await see(expiring)).toMatchObject({ kind: 'unused', headBlock: 100, headTime: NOW });
  });

  test('reads state, time and balance of one final block', async () => {
    world.chain.balances.set(expiring.authorization.from, 5n);
    world.chain.mine(NOW + 5);
    world.chain.mine(NOW + 20);
    world.chain.mine(NOW + 30);
    expect(await see(expiring, 3)).toEqual({
      kind: 'unused',
      headBlock: 101,
      headTime: NOW + 5,
      balance: 5n,
    });
    world.chain.mine(NOW + 40);
    expect(await see(expiring, 3)).toEqual({
      kind: 'unused',
      headBlock: 102,
      headTime: NOW + 20,
      balance: 5n,
    });
  });

  test('does not release a payment that was settled at the last second, if a node lags behind the head', async () => {
    world.chain.pay(expiring);
    world.chain.mine(NOW + 20);
    // Nonce state and logs come from a node that is still at block 100, before the settlement.
    world.chain.state.lag = 2;
    expect(await see(expiring)).toMatchObject({ kind: 'unknown' });
  });
});
