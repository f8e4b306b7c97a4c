import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readPayerFacts } from '../../../../src/settlement/chain/payer.ts';
import { NOW, paymentNumber, RPC, TOKEN } from '../scripted.ts';
import { answerHosts, scriptChain, type ScriptedChain } from '../scripted-chain.ts';

let chain: ScriptedChain;
const payment = paymentNumber(1);
const { from, nonce } = payment.authorization;
const ask = async () => await readPayerFacts([RPC], from, TOKEN, nonce, NOW);

/** Makes the chain answer a batch with one changed answer. */
const answerChanged = (place: number, change: object): void => {
  vi.restoreAllMocks();
  answerHosts({
    'node.test': async (body) => {
      const answers = await chain.respond(body).json<object[]>();
      return Response.json(answers.map((one, at) => (at === place ? { ...one, ...change } : one)));
    },
  });
};

beforeEach(() => {
  chain = scriptChain();
  answerHosts({ 'node.test': (body) => chain.respond(body) });
});
afterEach(() => {
  vi.restoreAllMocks();
});

test('reads code, balance, nonce and block in one request, the block first', async () => {
  chain.balances.set(from, 7_000_000n);
  expect(await ask()).toEqual({
    ok: true,
    value: {
      hasCode: false,
      balance: 7_000_000n,
      asset: `eip155:84532/erc20:${TOKEN.address}`,
      block: 100,
      nonceUsed: false,
      at: NOW,
    },
  });
  expect(chain.batches.map((batch) => batch.map(({ method }) => method))).toEqual([
    ['eth_blockNumber', 'eth_getCode', 'eth_call', 'eth_call'],
  ]);
});

test('reads a used nonce', async () => {
  chain.pay(payment);
  expect(await ask()).toMatchObject({ value: { nonceUsed: true, block: 101 } });
});

test('counts an EIP-7702 delegation as code', async () => {
  answerChanged(1, { result: `0xef0100${'ab'.repeat(20)}` });
  expect(await ask()).toMatchObject({ value: { hasCode: true } });
});

test.each([
  ['a token without code', 2, { result: '0x' }],
  ['a nonce state that is not a bool', 3, { result: `0x${'2'.padStart(64, '0')}` }],
  ['a node that refuses', 1, { result: undefined, error: { code: -32_005, message: 'limit' } }],
  ['code that is not hex', 1, { result: 'none' }],
])('returns no facts from %s', async (_, place, change) => {
  answerChanged(place, change);
  expect(await ask()).toEqual({ ok: false, error: { kind: 'invalid' } });
});

test('returns no facts from a node that is down', async () => {
  chain.state.down = true;
  expect(await ask()).toMatchObject({ ok: false });
});
