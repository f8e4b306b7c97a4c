import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Observation } from '../../../../src/settlement/chain/observation.ts';
import { observePayments } from '../../../../src/settlement/chain/observe-payments.ts';
import { REORG_MARGIN } from '../../../../src/settlement/chain/expected-transfer.ts';
import { expectedTransfer } from '../../../../src/settlement/chain/expected-transfer.ts';
import type { Payment } from '../../../../src/protocol/payment.ts';
import {
  answerHosts,
  canceledLog,
  NOW,
  OTHER,
  PAY_TO,
  paymentNumber,
  RPC,
  scriptChain,
  type ScriptedChain,
  transferLog,
  usedLog,
  word,
} from '../scripted.ts';

let chain: ScriptedChain;

beforeEach(() => {
  chain = scriptChain();
  answerHosts({ 'node.test': (body) => chain.respond(body) });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const see = async (payment: Payment, confirmations = 1, sinceBlock = 100): Promise<Observation> => {
  const views = await observePayments({ urls: [RPC], confirmations }, [
    expectedTransfer(payment, sinceBlock),
  ]);
  return views[0] as Observation;
};
const expiring = paymentNumber(1, { validBefore: BigInt(NOW + 10) });
const payment = paymentNumber(1);

test('observes many payments in two requests, with one receipt per transaction', async () => {
  const payments = Array.from({ length: 50 }, (_, at) => paymentNumber(at + 1));
  const paid = payments.slice(0, 40);
  chain.emit(
    paid.flatMap((one) => [usedLog(one), transferLog(one)]),
    paid.map((one) => one.authorization.nonce),
  );
  const looks = payments.map((one) => expectedTransfer(one, 100));
  const views = await observePayments({ urls: [RPC], confirmations: 1 }, looks);
  expect(views.map(({ kind }) => kind)).toEqual([
    ...Array.from({ length: 40 }, () => 'settled'),
    ...Array.from({ length: 10 }, () => 'unused'),
  ]);
  expect(chain.batches.map((batch) => batch.length)).toEqual([151, 1]);
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
  chain.pay(payment);
  const isLarge = (body: unknown): boolean =>
    (body as { method: string; params: { topics?: unknown }[] }[]).some(
      ({ method, params }) =>
        method === 'eth_getTransactionReceipt' ||
        (method === 'eth_getLogs' && params[0]?.topics === undefined),
    );
  answerHosts({
    'node.test': async (body: unknown) => {
      const answer = chain.respond(body);
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
  expect(chain.batches).toEqual([]);
});

test('returns transaction and block of a settlement', async () => {
  const transaction = chain.pay(payment);
  expect(await see(payment)).toEqual({ kind: 'settled', transaction, block: 101 });
});

test('settles only with the confirmations', async () => {
  chain.pay(payment);
  chain.mine();
  expect(await see(payment, 3)).toMatchObject({ kind: 'unconfirmed', block: 101 });
  chain.mine();
  expect(await see(payment, 3)).toMatchObject({ kind: 'settled', block: 101 });
});

test('finds a nonce that was spent otherwise, with its confirmations', async () => {
  const logs = [usedLog(payment), transferLog(payment, { to: OTHER })];
  const transaction = chain.emit(logs, [payment.authorization.nonce]);
  expect(await see(payment, 2)).toMatchObject({ kind: 'unconfirmed' });
  chain.mine();
  expect(await see(payment, 2)).toEqual({ kind: 'spent_otherwise', transaction });
});

test('finds a cancelled nonce, with its confirmations', async () => {
  const transaction = chain.emit([canceledLog(payment)], [payment.authorization.nonce]);
  expect(await see(payment, 2)).toMatchObject({ kind: 'unconfirmed' });
  chain.mine();
  expect(await see(payment, 2)).toEqual({ kind: 'cancelled', transaction });
});

describe('a block below the one of acceptance', () => {
  const spend: [string, () => string, string][] = [
    ['spent', () => chain.pay(payment), 'spent_otherwise'],
    [
      'cancelled',
      () => chain.emit([canceledLog(payment)], [payment.authorization.nonce]),
      'cancelled',
    ],
  ];

  test('may hold the settlement after a reorganisation', async () => {
    const transaction = chain.pay(payment);
    chain.mine();
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
      chain.mineMany(70);
      expect(await see(payment, 1, 102 + REORG_MARGIN)).toEqual({ kind, transaction });
    },
  );

  test.each(spend)('%s, with its confirmations', async (_, act, kind) => {
    const transaction = act();
    chain.mineMany(70);
    const see72 = async () => await see(payment, 72, 102 + REORG_MARGIN);
    expect(await see72()).toEqual({ kind: 'unconfirmed', transaction, block: 101 });
    chain.mine();
    expect(await see72()).toEqual({ kind, transaction });
  });
});

describe('a node that limits the ranges of eth_getLogs', () => {
  const { nonce } = payment.authorization;
  const toOther = (): string =>
    chain.emit([usedLog(payment), transferLog(payment, { to: OTHER })], [nonce]);
  const ranges = (batch: number) =>
    (chain.batches[batch] ?? [])
      .filter(({ method }) => method === 'eth_getLogs')
      .map(({ params }) => params[0] as { fromBlock: string; toBlock: string });

  beforeEach(() => {
    chain.state.maxRange = 2_000;
  });

  test('an unused nonce needs no log', async () => {
    chain.mineMany(2_500);
    chain.balances.set(payment.authorization.from, 7n);
    expect(await see(payment)).toMatchObject({ kind: 'unused', balance: 7n });
    chain.mineMany(1_200);
    expect(await see(payment)).toMatchObject({ kind: 'unused', headTime: NOW + 3_700 });
    expect(chain.batches.map((batch) => batch.length)).toEqual([4, 4, 3]);
  });

  test.each([
    ['in the first window', 100],
    ['at the end of the first window', 1_934],
    ['at the start of the second', 1_935],
    ['in the last block of the first batch', 3_934],
    ['in the first block of the second batch', 3_935],
    ['in the fifth', 65_000],
  ])('finds a settlement %s, many hours later', async (_, before) => {
    const long = paymentNumber(1, { validBefore: BigInt(NOW + 80_000) });
    chain.mineMany(before);
    const transaction = chain.pay(long);
    chain.mineMany(90_000);
    expect(await see(long)).toEqual({ kind: 'settled', transaction, block: before + 101 });
  });

  test('finds a nonce that was spent on another receiver, many hours later', async () => {
    chain.mineMany(10);
    const transaction = toOther();
    chain.mineMany(20_000);
    expect(await see(payment)).toEqual({ kind: 'spent_otherwise', transaction });
  });

  test('reads whole, adjacent windows up to the first batch past validBefore', async () => {
    chain.emit([], [nonce]);
    chain.mineMany(50_000);
    await see(payment, 1, 20_000);
    const read = [...ranges(2), ...ranges(1)].map(({ fromBlock, toBlock }) => [
      Number(fromBlock),
      Number(toBlock),
    ]);
    expect(read[0]).toEqual([3_936, 5_935]);
    expect(read.at(-1)).toEqual([21_936, 23_935]);
    for (const [at, [from, to]] of read.entries()) {
      expect((to ?? 0) - (from ?? 0)).toBe(1_999);
      if (at > 0) expect(from).toBe((read[at - 1]?.[1] ?? 0) + 1);
    }
    expect(chain.batches).toHaveLength(3);
  });

  describe('no log in the whole range that could hold a settlement', () => {
    beforeEach(() => {
      chain.emit([], [nonce]);
    });

    test('means spent before acceptance, once a deep block is past validBefore', async () => {
      chain.mineMany(3_600 + REORG_MARGIN - 1);
      expect(await see(payment)).toMatchObject({ kind: 'unknown' });
      chain.mine();
      expect(await see(payment)).toEqual({ kind: 'spent_otherwise' });
    });

    test('reads deeper with more confirmations', async () => {
      chain.mineMany(3_600 + 98);
      expect(await see(payment, 100)).toMatchObject({ kind: 'unknown' });
      chain.mine();
      expect(await see(payment, 100)).toEqual({ kind: 'spent_otherwise' });
    });

    test('even if the blocks before acceptance are no longer available', async () => {
      chain.mineMany(30_000);
      const real = chain.respond;
      vi.restoreAllMocks();
      answerHosts({
        'node.test': (body) =>
          chain.batches.length < 2 ? real(body) : new Response('', { status: 500 }),
      });
      expect(await see(payment, 1, 20_000)).toEqual({ kind: 'spent_otherwise' });
    });

    test('means nothing if one window is refused', async () => {
      chain.mineMany(30_000);
      chain.state.maxRange = 1_999;
      expect(await see(payment, 1, 20_000)).toMatchObject({ kind: 'unknown' });
      expect(chain.batches).toHaveLength(2);
    });

    test('means nothing if the node returns another block than the deep one', async () => {
      chain.mineMany(5_000);
      const real = chain.respond;
      vi.restoreAllMocks();
      answerHosts({
        'node.test': (body) => {
          const asked = JSON.stringify(body).replaceAll(/"0x[0-9a-f]+",false/g, '"latest",false');
          return real(JSON.parse(asked));
        },
      });
      expect(await see(payment)).toMatchObject({ kind: 'unknown' });
    });

    test('means nothing if the blocks are too many to read', async () => {
      const longest = paymentNumber(1, { validBefore: BigInt(NOW + 95_000) });
      chain.mineMany(100_000);
      expect(await see(longest)).toMatchObject({ kind: 'unknown' });
    });

    test('means nothing if the nonce is unused in the final block', async () => {
      const fresh = paymentNumber(2);
      chain.mineMany(9_000);
      chain.emit([], [fresh.authorization.nonce]);
      expect(await see(fresh, 2)).toMatchObject({ kind: 'unknown' });
      chain.mine();
      expect(await see(fresh, 2)).toEqual({ kind: 'spent_otherwise' });
    });
  });
});

describe('no final observation', () => {
  test('if the node is down', async () => {
    chain.pay(payment);
    chain.state.down = true;
    expect(await see(payment)).toMatchObject({ kind: 'unknown' });
  });

  test('if the nonce is used and its log is not available', async () => {
    chain.emit([], [payment.authorization.nonce]);
    expect(await see(payment)).toMatchObject({ kind: 'unknown' });
    expect(await see(payment, 1, 0)).toMatchObject({ kind: 'unknown' });
  });

  test.each(['eth_getBlockByNumber', 'eth_call', 'eth_getLogs'])(
    'if the node refuses %s',
    async (method) => {
      chain.pay(payment);
      chain.hidden.add(method);
      expect(await see(payment)).toMatchObject({ kind: 'unknown' });
    },
  );

  test('if the receipt lacks the log that the node returned', async () => {
    chain.pay(payment);
    const real = chain.respond;
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
    expect(await see(payment, 1, 102)).toMatchObject({ kind: 'unknown' });
  });
});

describe('unused past validBefore', () => {
  test('is not final while the chain makes no blocks, whatever the clock shows', async () => {
    expect(await see(expiring)).toMatchObject({ kind: 'unused', headBlock: 100, headTime: NOW });
  });

  test('reads state, time and balance of one final block', async () => {
    chain.balances.set(expiring.authorization.from, 5n);
    chain.mine(NOW + 5);
    chain.mine(NOW + 20);
    chain.mine(NOW + 30);
    expect(await see(expiring, 3)).toEqual({
      kind: 'unused',
      headBlock: 101,
      headTime: NOW + 5,
      balance: 5n,
    });
    chain.mine(NOW + 40);
    expect(await see(expiring, 3)).toEqual({
      kind: 'unused',
      headBlock: 102,
      headTime: NOW + 20,
      balance: 5n,
    });
  });

  test('does not release a payment that was settled at the last second, if a node lags behind the head', async () => {
    chain.pay(expiring);
    chain.mine(NOW + 20);
    // Nonce state and logs come from a node at block 100, before the settlement.
    chain.state.lag = 2;
    expect(await see(expiring)).toMatchObject({ kind: 'unknown' });
  });
});

describe('a receipt that is not available', () => {
  const emitBoth = (huge: Payment, to = PAY_TO): string => {
    const approval = { ...usedLog(paymentNumber(9)), topics: [word(5)] };
    const other = { ...transferLog(huge), address: OTHER };
    const logs = [approval, usedLog(huge), other, transferLog(huge, { to }), approval];
    return chain.emit(logs, [huge.authorization.nonce]);
  };

  test.each([
    ['refused', () => chain.hidden.add('eth_getTransactionReceipt')],
    ['too large', () => (chain.state.paddingBytes = 5_000_000)],
  ])('%s: the token logs of that block decide', async (_, spoil) => {
    spoil();
    const [huge, spent, small] = [paymentNumber(1), paymentNumber(2), paymentNumber(3)];
    const transaction = emitBoth(huge);
    emitBoth(spent, OTHER);
    chain.pay(small);
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
    chain.hidden.add('eth_getTransactionReceipt');
    const between = { ...usedLog(payment), topics: [word(5)] };
    chain.emit([usedLog(payment), between, transferLog(payment)], [payment.authorization.nonce]);
    expect(await see(payment)).toMatchObject({ kind: 'spent_otherwise' });
  });

  test('ignores logs of other transactions in that block', async () => {
    chain.hidden.add('eth_getTransactionReceipt');
    chain.emit([usedLog(payment)], [payment.authorization.nonce]);
    chain.join([transferLog(payment)]);
    expect(await see(payment)).toMatchObject({ kind: 'spent_otherwise' });
  });

  test('is unknown if its logs are not available either', async () => {
    chain.hidden.add('eth_getTransactionReceipt');
    chain.pay(payment);
    const real = chain.respond;
    vi.restoreAllMocks();
    answerHosts({
      'node.test': (body) =>
        chain.batches.length < 2 ? real(body) : new Response('', { status: 500 }),
    });
    expect(await see(payment)).toMatchObject({ kind: 'unknown' });
  });
});
