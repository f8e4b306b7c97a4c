import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ChainView, lookUp } from '../../../src/settlement/evidence.ts';
import { lookFor } from '../../../src/settlement/message.ts';
import type { Payment } from '../../../src/settlement/payment.ts';
import {
  answerHosts,
  canceledLog,
  NOW,
  OTHER,
  paymentNumber,
  RPC,
  scriptChain,
  type ScriptedChain,
  transferLog,
  usedLog,
} from './scripted.ts';

let chain: ScriptedChain;

beforeEach(() => {
  chain = scriptChain();
  answerHosts({ 'node.test': (body) => chain.respond(body) });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const see = async (payment: Payment, confirmations = 1, sinceBlock = 100): Promise<ChainView> => {
  const views = await lookUp({ urls: [RPC], confirmations }, [lookFor(payment, sinceBlock)]);
  return views[0] as ChainView;
};
const expiring = paymentNumber(1, { validBefore: BigInt(NOW + 10) });
const payment = paymentNumber(1);

test('many payments take two requests, and one transaction one receipt', async () => {
  const payments = Array.from({ length: 50 }, (_, at) => paymentNumber(at + 1));
  const paid = payments.slice(0, 40);
  chain.emit(
    paid.flatMap((one) => [usedLog(one), transferLog(one)]),
    paid.map((one) => one.authorization.nonce),
  );
  const looks = payments.map((one) => lookFor(one, 100));
  const views = await lookUp({ urls: [RPC], confirmations: 1 }, looks);
  expect(views.map(({ view }) => view)).toEqual([
    ...Array.from({ length: 40 }, () => 'settled'),
    ...Array.from({ length: 10 }, () => 'unused'),
  ]);
  expect(chain.batches.map((batch) => batch.length)).toEqual([151, 1]);
});

test('nothing to look for asks nothing', async () => {
  expect(await lookUp({ urls: [RPC], confirmations: 1 }, [])).toEqual([]);
  expect(chain.batches).toEqual([]);
});

test('settled names the transaction and its block', async () => {
  const transaction = chain.pay(payment);
  expect(await see(payment)).toEqual({ view: 'settled', transaction, block: 101 });
});

test('settled only with its confirmations', async () => {
  chain.pay(payment);
  chain.mine();
  expect(await see(payment, 3)).toMatchObject({ view: 'unconfirmed', block: 101 });
  chain.mine();
  expect(await see(payment, 3)).toMatchObject({ view: 'settled', block: 101 });
});

test('a nonce spent on something else, with its confirmations', async () => {
  const logs = [usedLog(payment), transferLog(payment, { to: OTHER })];
  const transaction = chain.emit(logs, [payment.authorization.nonce]);
  expect(await see(payment, 2)).toMatchObject({ view: 'unconfirmed' });
  chain.mine();
  expect(await see(payment, 2)).toEqual({ view: 'spent_otherwise', transaction });
});

test('a cancelled nonce, with its confirmations', async () => {
  const transaction = chain.emit([canceledLog(payment)], [payment.authorization.nonce]);
  expect(await see(payment, 2)).toMatchObject({ view: 'unconfirmed' });
  chain.mine();
  expect(await see(payment, 2)).toEqual({ view: 'cancelled', transaction });
});

test('a nonce that was spent before acceptance is proven by its old log', async () => {
  const transaction = chain.pay(payment);
  chain.mine();
  expect(await see(payment, 1, 102)).toEqual({ view: 'spent_otherwise', transaction });
});

test('a nonce that was cancelled before acceptance is proven by its old log', async () => {
  const transaction = chain.emit([canceledLog(payment)], [payment.authorization.nonce]);
  chain.mine();
  expect(await see(payment, 1, 102)).toEqual({ view: 'cancelled', transaction });
});

describe('never a final view', () => {
  test('the node is down', async () => {
    chain.pay(payment);
    chain.state.down = true;
    expect(await see(payment)).toMatchObject({ view: 'unknown' });
  });

  test('the nonce is used, but no log of it is to be had', async () => {
    chain.emit([], [payment.authorization.nonce]);
    expect(await see(payment)).toMatchObject({ view: 'unknown' });
    expect(await see(payment, 1, 0)).toMatchObject({ view: 'unknown' });
  });

  test.each(['eth_getBlockByNumber', 'eth_call', 'eth_getLogs', 'eth_getTransactionReceipt'])(
    'the node refuses %s',
    async (method) => {
      chain.pay(payment);
      chain.hidden.add(method);
      expect(await see(payment)).toMatchObject({ view: 'unknown' });
    },
  );

  test('the receipt does not have the log that the node told of', async () => {
    chain.pay(payment);
    const real = chain.respond;
    vi.restoreAllMocks();
    answerHosts({
      'node.test': async (body) => {
        const text = await real(body).text();
        return new Response(text.replaceAll('"status":"0x1"', '"status":"0x0"'));
      },
    });
    expect(await see(payment)).toMatchObject({ view: 'unknown' });
  });

  test('an authorization state that is no bool', async () => {
    chain.pay(payment);
    chain.mine();
    const real = chain.respond;
    vi.restoreAllMocks();
    answerHosts({
      'node.test': async (body) => {
        const text = await real(body).text();
        const result = (digit: number) => `"result":"0x${'0'.repeat(63)}${digit}"`;
        return new Response(text.replaceAll(result(1), result(2)));
      },
    });
    expect(await see(payment, 1, 102)).toMatchObject({ view: 'unknown' });
  });
});

describe('unused past validBefore', () => {
  test('not while the chain stands still, however late it is by the clock', async () => {
    expect(await see(expiring)).toMatchObject({ view: 'unused', headBlock: 100, headTime: NOW });
  });

  test('state, time and balance are of a final block', async () => {
    chain.balances.set(expiring.authorization.from, 5n);
    chain.mine(NOW + 5);
    chain.mine(NOW + 20);
    chain.mine(NOW + 30);
    expect(await see(expiring, 3)).toEqual({
      view: 'unused',
      headBlock: 101,
      headTime: NOW + 5,
      balance: 5n,
    });
    chain.mine(NOW + 40);
    expect(await see(expiring, 3)).toEqual({
      view: 'unused',
      headBlock: 102,
      headTime: NOW + 20,
      balance: 5n,
    });
  });

  test('a node that lags behind the head does not release a payment that was settled at the last second', async () => {
    chain.pay(expiring);
    chain.mine(NOW + 20);
    // Nonce state and logs come from a node at block 100, where nothing has happened yet.
    chain.state.lag = 2;
    expect(await see(expiring)).toMatchObject({ view: 'unknown' });
  });
});

test("one payer's huge transaction keeps only that payer's payment from being read", async () => {
  const [huge, small] = [paymentNumber(1), paymentNumber(2)];
  chain.pay(huge);
  chain.pay(small);
  const real = chain.respond;
  vi.restoreAllMocks();
  answerHosts({
    'node.test': async (body) => {
      const text = await real(body).text();
      const isHuge = text.includes('"status"') && text.includes(`${huge.authorization.nonce}`);
      return new Response(isHuge ? text + ' '.repeat(5_000_000) : text);
    },
  });
  const looks = [huge, small].map((one) => lookFor(one, 100));
  const views = await lookUp({ urls: [RPC], confirmations: 1 }, looks);
  expect(views).toMatchObject([{ view: 'unknown' }, { view: 'settled' }]);
});
