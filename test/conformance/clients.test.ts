import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { ExactEvmScheme } from '@x402/evm';
import { createWalletClient, http, type LocalAccount, publicActions } from 'viem';
import { baseSepolia } from 'viem/chains';
import { describe, expect, it } from 'vitest';
import { wrapFetchWithPayment } from 'x402-fetch';
import { usdcBalance } from '../../dev/usdc.ts';
import { paymentResponse } from './support/offer.ts';
import { fundedAccount, transfersFrom } from './support/payment.ts';
import { lookup, report, type ToolCall, translate, useWorld } from './support/world.ts';

/** `fetch` of the official client of x402 v2, as its README shows it. */
const newer = (account: LocalAccount): typeof fetch =>
  wrapFetchWithPaymentFromConfig(fetch, {
    schemes: [{ network: 'eip155:84532', client: new ExactEvmScheme(account) }],
  }) as typeof fetch;

/** `fetch` of the official client of x402 v1. */
const older = (account: LocalAccount): typeof fetch =>
  wrapFetchWithPayment(
    fetch,
    createWalletClient({ account, chain: baseSepolia, transport: http('http://127.0.0.1:1') }).extend(
      publicActions,
    ) as unknown as Parameters<typeof wrapFetchWithPayment>[1],
  ) as typeof fetch;

const world = useWorld();

const use = async (paying: typeof fetch, call: ToolCall): Promise<Response> =>
  await paying(world().stack.description.gateway + call.path, {
    method: call.method ?? 'GET',
    ...(call.body === undefined ? {} : { body: call.body }),
    ...(call.contentType === undefined ? {} : { headers: { 'Content-Type': call.contentType } }),
  });

describe.each([
  { client: '@x402/fetch 2.27, x402 v2', wrap: newer, network: 'eip155:84532' },
  { client: 'x402-fetch 1.2.0, x402 v1', wrap: older, network: 'base-sepolia' },
])('$client, unchanged', ({ wrap, network }) => {
  it('pays: a newcomer first, then as it comes, and money moves to the unit', async () => {
    const { client, payTo, counts } = world();
    const account = await fundedAccount(world(), 1_000_000n);
    const before = { payTo: await usdcBalance(client, payTo), ran: await counts() };
    const paying = wrap(account);

    // Law 7: who has settled nothing here yet is settled before the tool runs.
    const first = await use(paying, translate);
    expect(first.status).toBe(200);
    expect(await first.json()).toMatchObject({ to: 'fr' });
    const moved = paymentResponse(first);
    expect(moved).toMatchObject({ success: true, network, amount: '20000', extra: { status: 'settled' } });
    const receipt = await client.getTransactionReceipt({ hash: moved.transaction as `0x${string}` });
    expect(receipt.status).toBe('success');
    expect(await transfersFrom(world(), account.address)).toEqual([20_000n]);

    const next = await use(paying, lookup);
    expect(next.status).toBe(200);
    expect(await next.json()).toMatchObject({ word: 'river' });
    expect(paymentResponse(next)).toMatchObject({
      success: true,
      transaction: '',
      amount: '1000',
      extra: { status: 'accepted' },
    });

    const upfront = await use(paying, report);
    expect(upfront.status).toBe(200);
    expect(paymentResponse(upfront)).toMatchObject({ success: true, amount: '50000', extra: { status: 'settled' } });
    expect(paymentResponse(upfront).transaction).toMatch(/^0x[0-9a-f]{64}$/);

    await expect
      .poll(async () => [...(await transfersFrom(world(), account.address))].toSorted(), { timeout: 30_000 })
      .toEqual([1_000n, 20_000n, 50_000n]);
    expect(await usdcBalance(client, account.address)).toBe(1_000_000n - 71_000n);
    expect(await usdcBalance(client, payTo)).toBe(before.payTo + 71_000n);
    const ran = await counts();
    expect(ran).toEqual({
      ...before.ran,
      lookup: before.ran.lookup + 1,
      translate: before.ran.translate + 1,
      report: before.ran.report + 1,
    });
  });
});
