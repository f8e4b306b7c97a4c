import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { usdcBalance } from '../../dev/stack/chain-access.ts';
import type { CallRow } from './support/audit.ts';
import { kindOf, paymentResponse, readProblem } from './support/offer.ts';
import {
  ascending,
  fundedAccount,
  isUsed,
  type Payment,
  settled,
  sign,
  transfersFrom,
  trustedAccount,
  v2,
} from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { type ToolCall, useSharedWorld } from './support/world.ts';

const world = useSharedWorld();
const PRICE = 10_000n;
const flaky = (query: string): ToolCall => ({ path: `/tools/flaky?${query}` });

/**
 * How a tool can fail, and what the gateway answers. `problem` is the gateway's problem; undefined where the gateway passes on the tool's
 * answer.
 */
const FAILURES = [
  { how: 'by not answering at all', query: 'hang=1', status: 504, problem: 'upstream-timeout' },
  { how: 'with 404', query: 'status=404', status: 404, problem: undefined },
  { how: 'with 500', query: 'status=500', status: 500, problem: undefined },
  {
    how: 'with a redirect',
    query: 'status=302',
    status: 502,
    problem: 'upstream-redirect',
  },
  { how: 'with a 402 of its own', query: 'status=402', status: 502, problem: 'upstream-payment' },
  { how: 'by closing the connection', query: 'drop=1', status: 502, problem: 'upstream-dropped' },
  {
    how: 'in the middle of its answer',
    query: 'truncate=1',
    status: 502,
    problem: 'upstream-truncated',
  },
] as const;

const rowOf = async (payment: Payment, state: string): Promise<CallRow> => {
  const id = payment.payload.authorization.nonce;
  return await vi.waitFor(
    () => {
      const row = world().audit.call(id);
      expect(row?.state).toBe(state);
      return row as CallRow;
    },
    { timeout: 30_000, interval: 200 },
  );
};

let account: LocalAccount;
beforeAll(async () => {
  account = await trustedAccount(world(), { reports: 10, balance: 1_000_000n });
});

/** Payments of failed calls, which the gateway must never present. */
const unpaid: Payment[] = [];

describe.concurrent('a tool that fails', () => {
  it.for(FAILURES)(
    '$how charges nothing: neither in the answer, nor in the log, nor on the chain',
    async (failure, { expect: hold }) => {
      const call = flaky(failure.query);
      const payment = await sign(world(), account, call);
      const answer = await world().send(call, v2(payment));
      hold(answer.status).toBe(failure.status);
      hold(answer.headers.get('Cache-Control')).toBe('private, no-store');
      hold(paymentResponse(answer)).toMatchObject({
        success: false,
        transaction: '',
        errorReason: 'tool_failed',
      });
      hold(await claimsOf(world(), answer)).toMatchObject({
        charged: '0',
        call: payment.payload.authorization.nonce,
      });
      if (failure.problem === undefined)
        hold(await answer.text()).toBe(JSON.stringify({ status: failure.status }));
      else {
        const problem = await readProblem(answer);
        hold([kindOf(problem), problem['money']]).toEqual([failure.problem, 'untouched']);
      }
      hold(await rowOf(payment, 'released')).toMatchObject({
        charged: 0,
        tool: 'flaky',
        paid_by: 'deferred',
      });

      // Sends the same proof again: no second run and no charge.
      hold((await world().send(call, v2(payment))).status).toBe(409);
      unpaid.push(payment);
    },
  );

  it.for(FAILURES)(
    '$how after its payment has moved credits the amount, which pays the next call',
    async (failure, { expect: hold }) => {
      const { client, audit } = world();
      const newcomer = await fundedAccount(world(), 1_000_000n);
      const call = flaky(failure.query);
      const payment = await sign(world(), newcomer, call);
      const answer = await world().send(call, v2(payment));
      hold(answer.status).toBe(failure.status);
      const moved = paymentResponse(answer);
      hold(moved).toMatchObject({
        success: true,
        amount: PRICE.toString(),
        extra: { status: 'settled' },
      });
      hold(await claimsOf(world(), answer)).toMatchObject({ charged: '0' });
      if (failure.problem !== undefined) {
        const problem = await readProblem(answer);
        hold([kindOf(problem), problem['money']]).toEqual([failure.problem, 'credited']);
      }
      hold(await transfersFrom(world(), newcomer.address)).toEqual([PRICE]);
      hold(await rowOf(payment, 'released')).toMatchObject({ charged: 0, paid_by: 'upfront' });

      const next = await sign(world(), newcomer, flaky('status=200'));
      const paid = await world().send(flaky('status=200'), v2(next));
      hold(paid.status).toBe(200);
      hold(paymentResponse(paid)).toMatchObject({
        ...{ success: true, transaction: '', amount: PRICE.toString() },
        extra: { status: 'accepted', paidFrom: 'credit' },
      });
      hold(await rowOf(next, 'committed')).toMatchObject({
        charged: Number(PRICE),
        paid_by: 'credit',
      });
      hold(audit.payment(payment.payload.authorization.nonce)).toMatchObject({
        ...{ state: 'settled', amount: Number(PRICE), transaction_hash: moved.transaction },
      });

      // The credit is spent, so later calls need a payment. The gateway never presented the authorization that the credit replaced.
      const third = await sign(world(), newcomer, flaky('status=200'));
      const paidAgain = await world().send(flaky('status=200'), v2(third));
      hold(paidAgain.status).toBe(200);
      hold(paymentResponse(paidAgain).extra.paidFrom).toBeUndefined();
      await settled(world(), third);
      hold(await transfersFrom(world(), newcomer.address)).toEqual([PRICE, PRICE]);
      hold(await isUsed(world(), next)).toBe(false);
      hold(await usdcBalance(client, newcomer.address)).toBe(1_000_000n - 2n * PRICE);
    },
  );
});

describe('the payment of a failed call', () => {
  it('is never presented, not even after a later payment has settled', async () => {
    const later = await sign(world(), account, flaky('status=200'));
    expect((await world().send(flaky('status=200'), v2(later))).status).toBe(200);
    await settled(world(), later);
    expect(unpaid).toHaveLength(FAILURES.length);
    for (const payment of unpaid) expect(await isUsed(world(), payment)).toBe(false);
    const paid = [...(await transfersFrom(world(), account.address))].toSorted(ascending);
    expect(paid).toEqual([PRICE, ...Array.from({ length: 10 }, () => 50_000n)]);
  });
});
