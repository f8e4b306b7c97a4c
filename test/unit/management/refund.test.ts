import { useVectorsClock } from '../../support/vectors-clock.ts';
import { usdc, usdcAbi } from '../../../dev/stack/chain-access.ts';
import type { Config } from '../../../src/config/config.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { manage } from '../../../src/management/router.ts';
import { governed, network } from '../gateway/scripted.ts';
import { addressOf, randomWord } from '../gateway/signing.ts';
import { scriptedContext } from './scripted-context.ts';
import { chain, freshPayer, mined, payTo } from '../settlement/real-chain.ts';
import { parseEther } from 'viem';
import { describe, expect, inject, it } from 'vitest';
import {
  config,
  OPERATOR,
  RECEIVER,
  ACCOUNT,
  TOKEN,
  HASH,
  refundBody,
  signedRefund,
  bodyOf,
  nodeWith,
} from './refund-world.ts';

useVectorsClock();

describe('the transfer that a refund names', () => {
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
    const answer = await manage(context, await signedRefund(refundBody()));
    expect(answer.status).toBe(409);
    expect(await bodyOf(answer)).toMatchObject({ type: 'urn:countersign:problem:no-refund' });
    expect(asked).toEqual([]);
  });

  it('ignores a transfer of an operator to itself', async () => {
    network(nodeWith([{ from: OPERATOR, to: OPERATOR }]));
    const { context } = await scriptedContext(config);
    const body = refundBody({ account: `eip155:84532:${OPERATOR}` });
    expect((await manage(context, await signedRefund(body))).status).toBe(409);
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
    const answer = await manage(context, await signedRefund(refundBody()));
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
      const answer = await manage(context, await signedRefund(refundBody()));
      expect(answer.status).toBe(status);
      expect(asked).toHaveLength(status === 200 ? 1 : 0);
      if (status === 409) expect(answer.headers.get('Retry-After')).toBe('5');
    },
  );

  it('requires the log index if there are several transfers, and accepts no other log', async () => {
    const logs = [{ amount: 1n }, { from: addressOf('agent') }, { amount: 3n, from: OPERATOR }];
    network(nodeWith(logs));
    const { context, asked } = await scriptedContext(config);
    const unclear = await manage(context, await signedRefund(refundBody()));
    expect(unclear.status).toBe(400);
    expect(await bodyOf(unclear)).toMatchObject({
      field: 'body.log_index',
      detail: expect.stringContaining('0, 2') as string,
    });
    expect((await manage(context, await signedRefund(refundBody({ log_index: 1 })))).status).toBe(
      409,
    );
    expect(asked).toEqual([]);
    const named = await manage(context, await signedRefund(refundBody({ log_index: 2 })));
    expect(await bodyOf(named)).toMatchObject({ amount: '3', log_index: 2 });
  });
});

describe('a recorded refund', () => {
  it('applies the amount in the log, with the command as evidence', async () => {
    // The log is identified by its index in the transaction, because a reorganisation can change its index in the block.
    network(
      nodeWith([
        { to: OPERATOR, index: 3 },
        { from: OPERATOR, amount: 7_000n, index: 4 },
      ]),
    );
    const { context, asked } = await scriptedContext(config, {
      apply: async () => governed({ changed: false, credit: -12n }),
    });
    const request = await signedRefund(refundBody());
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
          intent: {
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

  it('refuses when the account does not answer (law 2)', async () => {
    network(nodeWith([{}]));
    const { context } = await scriptedContext(config, {
      apply: async () => {
        throw new Error('overloaded');
      },
    });
    const answer = await manage(context, await signedRefund(refundBody()));
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
      payees: new Map([['eip155:84532', [payTo]]]),
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
    const answer = await manage(context, await signedRefund(body));
    expect(await bodyOf(answer)).toMatchObject({ amount: '4321', transaction, known: false });
    expect(asked).toMatchObject([
      { of: `eip155:84532:${receiver}`, order: { amount: 4_321n, transaction } },
    ]);
    const unknown = JSON.stringify({
      account: `eip155:84532:${receiver}`,
      transaction: randomWord(),
    });
    expect((await manage(context, await signedRefund(unknown))).status).toBe(404);
  });
});
