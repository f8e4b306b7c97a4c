import { usdc, usdcAbi } from '../../../dev/stack/chain-access.ts';
import { refundsTool } from '../../../src/catalog/gateway-tools.ts';
import type { Config } from '../../../src/config.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { observeOwn } from '../../../src/gateway/observe.ts';
import { manage } from '../../../src/management/router.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { addressWord, amountWord, TRANSFER } from '../../../src/settlement/chain/token-calls.ts';
import { governed, KEY_ACCOUNT, network, type Node } from '../gateway/scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  NOW,
  PAY_TO,
  paymentHeader,
  paymentOf,
  randomWord,
  signIntent,
  vectorConfig,
  type Who,
} from '../gateway/signing.ts';
import { scriptedContext } from './scripted-context.ts';
import { chain, freshPayer, mined, payTo } from '../settlement/real-chain.ts';
import { parseEther } from 'viem';
import { describe, expect, inject, it } from 'vitest';
import { useVectorsClock } from '../../support/vectors-clock.ts';

const OPERATOR = addressOf('owner');
const RECEIVER: Hex = `0x${'55'.repeat(20)}`;
const ACCOUNT = `eip155:84532:${RECEIVER}`;
const TOKEN = usdc.address.toLowerCase() as Hex;
const HASH: Hex = `0x${'99'.repeat(32)}`;
const config: Config = { ...vectorConfig(), operators: [OPERATOR] };

useVectorsClock();

const requestOf = (body: string, headers: Record<string, string> = {}) =>
  new Request('https://gw.example/admin/credits/refunds', {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json', ...headers },
  });

const order = (more: Record<string, unknown> = {}) =>
  JSON.stringify({ account: ACCOUNT, transaction: HASH, ...more });

const ordered = async (
  body: string,
  options: { readonly who?: Who; readonly fields?: Partial<AgentIntent> } = {},
) => {
  const { who = 'owner', fields = {} } = options;
  const seen = await observeOwn(requestOf(body), config, refundsTool);
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value, { agent: addressOf(who), ...fields });
  return requestOf(body, intentHeader(await signIntent(intent, who)));
};
const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

type Log = {
  readonly address?: Hex;
  readonly from?: Hex;
  readonly to?: Hex;
  readonly amount?: bigint;
  readonly index?: number;
  readonly topic?: Hex;
};

/** A node with one transaction and these logs, in block 100 by default. */
const nodeWith = (logs: readonly Log[], receipt: Record<string, unknown> = {}): Node => ({
  ...KEY_ACCOUNT,
  eth_getBlockByNumber: { number: '0x64', timestamp: '0x1' },
  eth_getTransactionReceipt: {
    status: '0x1',
    blockNumber: '0x64',
    transactionHash: HASH,
    logs: logs.map((log, at) => ({
      address: log.address ?? TOKEN,
      topics: [
        log.topic ?? TRANSFER,
        addressWord(log.from ?? PAY_TO),
        addressWord(log.to ?? RECEIVER),
      ],
      data: amountWord(log.amount ?? 5_000n),
      logIndex: `0x${(log.index ?? at).toString(16)}`,
      blockNumber: '0x64',
      transactionHash: HASH,
    })),
    ...receipt,
  },
});

describe('POST /admin/credits/refunds', () => {
  it('challenges a request without a proof, and one with a payment', async () => {
    const { context } = await scriptedContext(config);
    for (const headers of [{}, paymentHeader(await paymentOf())]) {
      const answer = await manage(context, requestOf(order(), headers));
      expect(answer.status).toBe(401);
      expect(answer.headers.get('WWW-Authenticate')).toContain(
        'tool="countersign.admin.credits.refund"',
      );
    }
  });

  it('rejects everyone but operators, and tells them nothing else', async () => {
    const { rpc } = network(nodeWith([{}]));
    const { context, asked } = await scriptedContext(config);
    for (const body of [order(), 'not even JSON']) {
      const answer = await manage(context, await ordered(body, { who: 'agent' }));
      expect(answer.status).toBe(403);
      expect(Object.keys(await bodyOf(answer)).toSorted()).toEqual([
        ...['detail', 'hint', 'status', 'title', 'type'],
      ]);
    }
    expect([rpc, asked]).toEqual([[], []]);
  });

  it('rejects everyone if no operator is configured', async () => {
    const { context } = await scriptedContext({ ...config, operators: [] });
    expect((await manage(context, await ordered(order()))).status).toBe(403);
  });

  it('rejects an operator’s address under a stranger’s signature', async () => {
    network(nodeWith([{}]));
    const { context, asked } = await scriptedContext(config);
    const forged = await ordered(order(), { who: 'agent', fields: { agent: OPERATOR } });
    const answer = await manage(context, forged);
    // The same answer as for every other address, so that it does not reveal the operators.
    expect(answer.status).toBe(403);
    expect(await bodyOf(answer)).toMatchObject({ type: 'urn:countersign:problem:forbidden' });
    expect(asked).toEqual([]);
  });

  it('rejects an operator whose contract does not accept the signature', async () => {
    network({ ...nodeWith([{}]), eth_getCode: '0x60' });
    const { context, asked } = await scriptedContext(config);
    const answer = await manage(context, await ordered(order()));
    expect(await bodyOf(answer)).toMatchObject({ type: 'urn:countersign:problem:forbidden' });
    expect(asked).toEqual([]);
  });

  it('rejects an expired intent, and one whose body was replaced', async () => {
    network(nodeWith([{}]));
    const { context, asked } = await scriptedContext(config);
    const fields = { validAfter: BigInt(NOW - 100), validBefore: BigInt(NOW - 30) };
    const late = await manage(context, await ordered(order(), { fields }));
    expect(await bodyOf(late)).toMatchObject({ type: 'urn:countersign:problem:expired' });
    const signed = await ordered(order());
    const exchanged = requestOf(order({ log_index: 1 }), {
      'Agent-Intent': signed.headers.get('Agent-Intent') ?? '',
    });
    expect(await bodyOf(await manage(context, exchanged))).toMatchObject({
      field: 'Agent-Intent.intent.payloadDigest',
    });
    expect(asked).toEqual([]);
  });

  it.each([
    ['', 'body'],
    ['{', 'body'],
    ['[]', 'body'],
    [`{"account":"${ACCOUNT}","account":"${ACCOUNT}","transaction":"${HASH}"}`, 'body'],
    [order({ amount: '5' }), 'body.amount'],
    [order({ account: RECEIVER }), 'body.account'],
    [order({ account: `eip155:1:${RECEIVER}` }), 'body.account'],
    [order({ account: `eip155:84532:0x${'AB'.repeat(20)}` }), 'body.account'],
    [order({ transaction: '0x12' }), 'body.transaction'],
    [order({ transaction: undefined }), 'body.transaction'],
    [order({ log_index: '1' }), 'body.log_index'],
    [order({ log_index: -1 }), 'body.log_index'],
    [order({ log_index: 0.5 }), 'body.log_index'],
  ])('rejects the body %s and names the field', async (body, field) => {
    network(nodeWith([{}]));
    const { context, asked } = await scriptedContext(config);
    const answer = await manage(context, await ordered(body));
    expect(answer.status).toBe(400);
    expect(await bodyOf(answer)).toMatchObject({ field });
    expect(asked).toEqual([]);
  });

  it.each([
    ['of another token', { address: RECEIVER }],
    ['of another kind', { topic: HASH }],
    ['to another address', { to: OPERATOR }],
    ['from another address', { from: addressOf('agent') }],
    ['of nothing', { amount: 0n }],
    ['of more than can be stored', { amount: 2n ** 53n }],
  ] as const)('ignores a transfer %s', async (_, log) => {
    network(nodeWith([log]));
    const { context, asked } = await scriptedContext(config);
    const answer = await manage(context, await ordered(order()));
    expect(answer.status).toBe(409);
    expect(await bodyOf(answer)).toMatchObject({ type: 'urn:countersign:problem:no-refund' });
    expect(asked).toEqual([]);
  });

  it('ignores a transfer of an operator to itself', async () => {
    network(nodeWith([{ from: OPERATOR, to: OPERATOR }]));
    const { context } = await scriptedContext(config);
    const body = order({ account: `eip155:84532:${OPERATOR}` });
    expect((await manage(context, await ordered(body))).status).toBe(409);
  });

  it.each([
    ['that was reverted', nodeWith([{}], { status: '0x0' }), 404, 'unknown-transaction'],
    [
      'that the node does not know',
      { ...nodeWith([]), eth_getTransactionReceipt: null },
      404,
      'unknown-transaction',
    ],
    [
      'with a malformed receipt',
      { ...nodeWith([]), eth_getTransactionReceipt: {} },
      503,
      'payer-unreachable',
    ],
    [
      'of another hash',
      nodeWith([{}], { transactionHash: `0x${'98'.repeat(32)}` }),
      503,
      'payer-unreachable',
    ],
  ] as const)('rejects a transaction %s', async (_, node, status, kind) => {
    network(node);
    const { context, asked } = await scriptedContext(config);
    const answer = await manage(context, await ordered(order()));
    expect(answer.status).toBe(status);
    expect(await bodyOf(answer)).toMatchObject({ type: `urn:countersign:problem:${kind}` });
    expect(asked).toEqual([]);
  });

  it.each([
    [3, '0x63', 409],
    [3, '0x62', 200],
    [1, '0x64', 200],
  ])(
    'with %i confirmations and block %s of 100 answers %i',
    async (confirmations, block, status) => {
      network(nodeWith([{}], { blockNumber: block }));
      const { context, asked } = await scriptedContext({ ...config, confirmations });
      const answer = await manage(context, await ordered(order()));
      expect(answer.status).toBe(status);
      expect(asked).toHaveLength(status === 200 ? 1 : 0);
      if (status === 409) expect(answer.headers.get('Retry-After')).toBe('5');
    },
  );

  it('applies the amount in the log, with the command as evidence', async () => {
    // Identified by its index in the transaction, because a reorganisation can change its index in the block.
    network(
      nodeWith([
        { to: OPERATOR, index: 3 },
        { from: OPERATOR, amount: 7_000n, index: 4 },
      ]),
    );
    const { context, asked } = await scriptedContext(config, {
      apply: async () => governed({ changed: false, credit: -12n }),
    });
    const request = await ordered(order());
    const answer = await manage(context, request);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await bodyOf(answer)).toEqual({
      account: ACCOUNT,
      asset: `eip155:84532/erc20:${TOKEN}`,
      amount: '7000',
      credit: '-12',
      transaction: HASH,
      log_index: 4,
      known: true,
    });
    expect(asked).toEqual([
      {
        asked: 'apply',
        of: ACCOUNT,
        order: {
          kind: 'refund',
          asset: `eip155:84532/erc20:${TOKEN}`,
          amount: 7_000n,
          transaction: HASH,
          place: 1,
          block: 100,
          by: { account: `eip155:84532:${OPERATOR}`, role: 'operator' },
          order: {
            fields: expect.objectContaining({
              agent: OPERATOR,
              tool: 'countersign.admin.credits.refund',
            }) as Record<string, string>,
            signature: expect.stringMatching(/^0x[0-9a-f]{130}$/) as Hex,
            digest: expect.stringMatching(/^0x[0-9a-f]{64}$/) as Hex,
            validBefore: expect.any(Number) as number,
            attempt: expect.stringMatching(/^0x[0-9a-f]{32}$/) as Hex,
          },
        },
      },
    ]);
  });

  it('requires the log index if there are several transfers, and accepts no other log', async () => {
    const logs = [{ amount: 1n }, { from: addressOf('agent') }, { amount: 3n, from: OPERATOR }];
    network(nodeWith(logs));
    const { context, asked } = await scriptedContext(config);
    const unclear = await manage(context, await ordered(order()));
    expect(unclear.status).toBe(400);
    expect(await bodyOf(unclear)).toMatchObject({
      field: 'body.log_index',
      detail: expect.stringContaining('0, 2') as string,
    });
    expect((await manage(context, await ordered(order({ log_index: 1 })))).status).toBe(409);
    expect(asked).toEqual([]);
    const named = await manage(context, await ordered(order({ log_index: 2 })));
    expect(await bodyOf(named)).toMatchObject({ amount: '3', log_index: 2 });
  });

  it('refuses when the account does not answer (law 2)', async () => {
    network(nodeWith([{}]));
    const { context } = await scriptedContext(config, {
      apply: async () => {
        throw new Error('overloaded');
      },
    });
    const answer = await manage(context, await ordered(order()));
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('overloaded');
  });
});

describe('a refund on the real chain', () => {
  it('is read from USDC’s own log, whichever operator address sent it', async () => {
    const receiver = (await freshPayer(0n)).address.toLowerCase() as Hex;
    const real: Config = {
      ...config,
      payTo: new Map([['eip155:84532', payTo]]),
      rpcUrls: new Map([['eip155:84532', [inject('rpc')]]]),
    };
    await chain.client.impersonateAccount({ address: payTo });
    await chain.client.setBalance({ address: payTo, value: parseEther('1') });
    await chain.fund(payTo, 4_321n);
    const transaction = await mined(
      await chain.client.writeContract({
        address: usdc.address,
        abi: usdcAbi,
        functionName: 'transfer',
        args: [receiver, 4_321n],
        account: payTo,
        chain: null,
      }),
    );
    const { context, asked } = await scriptedContext(real);
    const body = JSON.stringify({ account: `eip155:84532:${receiver}`, transaction });
    const answer = await manage(context, await ordered(body));
    expect(await bodyOf(answer)).toMatchObject({ amount: '4321', transaction, known: false });
    expect(asked).toMatchObject([
      { of: `eip155:84532:${receiver}`, order: { amount: 4_321n, transaction } },
    ]);
    const unknown = JSON.stringify({
      account: `eip155:84532:${receiver}`,
      transaction: randomWord(),
    });
    expect((await manage(context, await ordered(unknown))).status).toBe(404);
  });
});
