import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { usdcBalance } from '../../dev/stack/chain-access.ts';
import { readProblem } from './support/offer.ts';
import { sign, transfersFrom, trustedAccount, v2 } from './support/payment.ts';
import { lookup, type ToolCall, useWorld } from './support/world.ts';

const SENT = 200;
const ALLOWED = 37;
const flaky: ToolCall = { path: '/tools/flaky?status=200' };

/** The window limit covers the payments that establish trust, and 37 look-ups. */
const TRUST = 15n * 50_000n;
const WINDOW = TRUST + BigInt(ALLOWED) * 1_000n;
const EXPOSURE = BigInt(ALLOWED) * 10_000n;

/** The facilitator settles only after this promise resolves, so no payment of a burst settles during the burst. */
let settling = Promise.resolve();

const world = useWorld({
  variables: {
    DEFAULT_POLICY: JSON.stringify({
      perCall: '5000000u',
      exposure: `${EXPOSURE}u`,
      rate: { limit: 100_000, seconds: 1 },
      windows: [{ every: 'month', limit: `${WINDOW}u` }],
    }),
  },
  wrapFacilitator: (real) => async (request) => {
    if (new URL(request.url).pathname === '/settle') await settling;
    return await real(request);
  },
});

type Denied = {
  readonly status: number;
  readonly problem: Awaited<ReturnType<typeof readProblem>>;
};

/** Sends 200 payments at once while nothing settles, then lets everything settle. */
const burst = async (account: LocalAccount, call: ToolCall, tool: 'lookup' | 'flaky') => {
  const payments = await Promise.all(
    Array.from({ length: SENT }, async () => await sign(world(), account, call)),
  );
  let release: () => void = () => {};
  settling = new Promise((resolve) => {
    release = resolve;
  });
  const before = (await world().counts())[tool];
  const answers = await Promise.all(
    payments.map(async (payment) => await world().send(call, v2(payment))),
  );
  const ran = (await world().counts())[tool] - before;
  release();
  const denied: Denied[] = await Promise.all(
    answers
      .filter(({ status }) => status !== 200)
      .map(async (answer) => ({ status: answer.status, problem: await readProblem(answer) })),
  );
  return { ran, answered: answers.filter(({ status }) => status === 200).length, denied };
};

const numbers = ({ problem }: Denied) => {
  const of = (member: string) => BigInt(problem[member] as string);
  return { limit: of('limit'), spent: of('spent'), held: of('held'), remaining: of('remaining') };
};

describe.each<{
  readonly limit: string;
  readonly rule: 'exposure' | 'balance' | 'window';
  readonly call: ToolCall;
  readonly tool: 'lookup' | 'flaky';
  readonly price: bigint;
  readonly reports: number;
  readonly balance: bigint;
  readonly most: bigint;
}>([
  {
    ...{ limit: 'an exposure', rule: 'exposure', call: flaky, tool: 'flaky', price: 10_000n },
    ...{ reports: 8, balance: 5_000_000n, most: EXPOSURE },
  },
  {
    ...{ limit: 'a balance', rule: 'balance', call: lookup, tool: 'lookup', price: 1_000n },
    ...{ reports: 1, balance: BigInt(ALLOWED) * 1_000n, most: BigInt(ALLOWED) * 1_000n },
  },
  {
    ...{ limit: 'a window', rule: 'window', call: lookup, tool: 'lookup', price: 1_000n },
    ...{ reports: 15, balance: 5_000_000n, most: WINDOW },
  },
])(
  '200 payments at once against $limit for 37',
  ({ rule, call, tool, price, reports, balance, most }) => {
    let account: LocalAccount;
    beforeAll(async () => {
      account = await trustedAccount(world(), { reports, balance });
    });

    it('run 37 times; the others are denied with the rule and its amounts', async () => {
      const { ran, answered, denied } = await burst(account, call, tool);
      expect({ ran, answered, denied: denied.length }).toEqual({
        ran: ALLOWED,
        answered: ALLOWED,
        denied: SENT - ALLOWED,
      });
      for (const one of denied) {
        expect(one.problem).toMatchObject({
          ...{ type: 'urn:countersign:problem:denied', rule, tool, price: price.toString() },
          account: `eip155:84532:${account.address.toLowerCase()}`,
          policy: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
        });
        expect([403, 429]).toContain(one.status);
        expect(one.status === 429).toBe(one.problem['retry_allowed']);
        const { limit, spent, held, remaining } = numbers(one);
        expect(limit).toBe(most);
        expect(spent + held + remaining).toBe(limit);
        expect(remaining).toBeLessThan(price);
      }
      // The payer paid for every run, and for nothing else.
      const due = BigInt(reports) * 50_000n + BigInt(ALLOWED) * price;
      await expect
        .poll(async () => await usdcBalance(world().client, account.address), {
          timeout: 40_000,
          interval: 200,
        })
        .toBe(BigInt(reports) * 50_000n + balance - due);
      expect(await transfersFrom(world(), account.address)).toHaveLength(reports + ALLOWED);
    });

    it('leave the limit in the right state', async () => {
      const payment = await sign(world(), account, call);
      if (rule === 'exposure') {
        // A settled payment no longer counts as exposure. The account learns of the settlement a moment after the chain shows it.
        await expect
          .poll(async () => (await world().send(call, v2(payment))).status, {
            timeout: 30_000,
            interval: 200,
          })
          .toBe(200);
        return;
      }
      const sentAt = Date.now() / 1000;
      const refused = await world().send(call, v2(payment));
      const answeredAt = Date.now() / 1000;
      const problem = await readProblem(refused);
      expect(problem).toMatchObject({ rule });
      if (rule === 'window') {
        const resets = new Date((problem['resets_at'] as number) * 1000);
        expect([resets.getUTCDate(), resets.getUTCHours(), resets.getTime() > Date.now()]).toEqual([
          1,
          0,
          true,
        ]);
        expect(refused.status).toBe(429);
        const wait = Number(refused.headers.get('Retry-After'));
        // Both times are rounded to whole seconds.
        expect(wait).toBeGreaterThanOrEqual(resets.getTime() / 1000 - answeredAt - 1);
        expect(wait).toBeLessThanOrEqual(resets.getTime() / 1000 - sentAt + 1);
      }
    });
  },
);
