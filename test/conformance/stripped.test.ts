import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { bind, type Bound, bound, boundTree, callOf } from './support/bound.ts';
import { accountOf, credits } from './support/credit.ts';
import { paidIntentFor } from './support/intent.ts';
import { kindOf, readProblem } from './support/offer.ts';
import { base64Json } from '../support/payment-header.ts';
import {
  fundedAccount,
  isUsed,
  newAccount,
  settled,
  transfersFrom,
  trustedAccount,
  v1,
  v2,
} from './support/payment.ts';
import { useSecondGateway, trustedAtBoth } from './support/second-gateway.ts';
import { newTranscript, runsSince, type Transcript } from './support/transcript.ts';
import {
  lookup,
  notarise,
  report,
  type ToolCall,
  translate,
  useSharedWorld,
  whoami,
  type World,
} from './support/world.ts';

// The strip attack: an attacker sees a bound payment, in flight or on the chain, removes the intent and presents the rest, here or at
// another gateway with the same payTo and another audience.
const world = useSharedWorld();
const second = useSecondGateway(world);
let account: LocalAccount;
beforeAll(async () => {
  account = await trustedAtBoth(world(), second().there, { reports: 8, balance: 2_000_000n });
});

/** Every form in which an attacker can present the payment without its intent. */
const strippings: readonly (readonly [string, (payment: Bound) => Record<string, string>])[] = [
  ['v2 without extensions', (payment) => v2(payment)],
  ['v2 with a payment-identifier of the attacker', (payment) => v2(payment, 'a'.repeat(32))],
  [
    'v2 with only the advert',
    (payment) => {
      const extensions = { 'agent-intent': { info: payment.advert } };
      return { 'PAYMENT-SIGNATURE': base64Json({ ...boundTree(payment), extensions }) };
    },
  ],
  ['v1', (payment) => v1(payment)],
];
const WITHHELD = ['PAYMENT-RESPONSE', 'X-PAYMENT-RESPONSE', 'Agent-Receipt', 'RateLimit'];

/** Presents a payment without its intent in every form at both gateways, and expects that each gateway rejects it for that reason. */
const attack = async (
  transcript: Transcript,
  when: string,
  payment: Bound,
  calls: readonly ToolCall[],
): Promise<void> => {
  const gateways: readonly (readonly [string, World])[] = [
    ['A', world()],
    ['B', second().there],
  ];
  for (const [name, gateway] of gateways)
    for (const call of calls)
      for (const [how, strip] of strippings) {
        const answer = await gateway.send(call, strip(payment));
        for (const header of WITHHELD) expect(answer.headers.get(header), header).toBeNull();
        const answered = await transcript.step(
          `attacker at gateway ${name}, ${when}: ${call.method ?? 'GET'} ${call.path}, the payment as ${how}`,
          answer,
        );
        expect([answered.status, answered.kind]).toEqual([400, 'binding-required']);
      }
};

const elsewhere = (call: ToolCall): ToolCall => ({ ...call, path: `${call.path}?moved=1` });

describe('a payment whose intent was stripped', () => {
  it.each<[string, ToolCall, bigint, string]>([
    ['deferred', translate, 20_000n, 'translate'],
    ['upfront', report, 50_000n, 'report'],
    ['upfront, bound payments only', notarise, 10_000n, 'notarise'],
  ])(
    'buys nothing before its use, after it or once settled, at either gateway: %s',
    async (_, call, price, tool) => {
      const transcript = newTranscript(
        `Strip attack (${tool}): gateway A ${world().stack.description.audience}, gateway B ${second().gateway.audience}, one payTo`,
      );
      const counts = await world().counts();
      const paid = (await transfersFrom(world(), account.address)).length;
      const payment = await bind(world(), account, call);
      const targets = [call, elsewhere(call)];
      await attack(transcript, 'before first use', payment, targets);
      expect(await isUsed(world(), payment)).toBe(false);
      const first = await transcript.step(
        `agent at gateway A: ${call.method} ${call.path}, the bound payment`,
        await world().send(call, bound(payment)),
      );
      expect(first.status).toBe(200);
      await attack(transcript, 'after first use', payment, targets);
      await settled(world(), payment);
      await attack(transcript, 'settled', payment, targets);
      const ran = await runsSince(world(), counts);
      const transfers = (await transfersFrom(world(), account.address)).slice(paid);
      transcript.print(ran, transfers);
      expect(ran).toEqual({ [tool]: 1 });
      expect(transfers).toEqual([price]);
    },
  );

  it('buys no credit for its payer or for the attacker', async () => {
    const transcript = newTranscript('Strip attack on a top-up');
    const payer = await fundedAccount(world(), 500_000n);
    const own = credits(250_000n);
    const payment = await bind(world(), payer, own);
    const targets = [own, credits(250_000n, accountOf(newAccount().address))];
    await attack(transcript, 'before first use', payment, targets);
    const first = await transcript.step(
      'agent at gateway A: POST /credits, the bound payment',
      await world().send(own, bound(payment)),
    );
    expect(first.status).toBe(200);
    await attack(transcript, 'settled', payment, targets);
    const transfers = await transfersFrom(world(), payer.address);
    transcript.print({}, transfers);
    expect(transfers).toEqual([250_000n]);
  });

  it('is rejected by tools of other prices, by free tools and in a dry run', async () => {
    const payment = await bind(world(), account, translate);
    for (const call of [lookup, whoami, { path: '/tools/summarise', method: 'POST', body: '{}' }])
      for (const [, strip] of strippings) {
        const answer = await world().send(call, strip(payment));
        expect([answer.status, kindOf(await readProblem(answer))]).toEqual([
          400,
          'binding-required',
        ]);
      }
    for (const [, strip] of strippings) {
      const answer = await world().send(translate, { ...strip(payment), 'Dry-Run': '?1' });
      expect(kindOf(await readProblem(answer))).toBe('binding-required');
    }
    expect(await isUsed(world(), payment)).toBe(false);
  });

  it("uses up no call id and writes nothing to its payer's log", async () => {
    const payer = await fundedAccount(world(), 100_000n);
    const payment = await bind(world(), payer, report);
    for (let round = 0; round < 3; round += 1)
      for (const [, strip] of strippings)
        expect((await world().send(report, strip(payment))).status).toBe(400);
    const answer = await world().send(report, bound(payment));
    expect(answer.status, await answer.text()).toBe(200);
    await expect
      .poll(async () => (await world().audit.entries(accountOf(payer.address))).length, {
        timeout: 30_000,
        interval: 200,
      })
      .toBeGreaterThan(0);
    const [entry] = await world().audit.entries(accountOf(payer.address));
    expect(entry).toMatchObject({ seq: 1, type: 'call.accepted', call: callOf(payment) });
  });

  it('is rejected while its call runs, and the call ends as usual', async () => {
    const hanging: ToolCall = { path: '/tools/flaky?hang=1' };
    const counts = await world().counts();
    const payment = await bind(world(), account, hanging);
    const running = world().send(hanging, bound(payment));
    await expect
      .poll(async () => (await world().counts()).flaky, { timeout: 30_000, interval: 20 })
      .toBe(counts.flaky + 1);
    for (const [, strip] of strippings)
      for (const call of [hanging, { path: '/tools/flaky?status=200' }]) {
        const answer = await world().send(call, strip(payment));
        expect(kindOf(await readProblem(answer))).toBe('binding-required');
      }
    expect((await running).status).toBe(504);
    expect(await runsSince(world(), counts)).toEqual({ flaky: 1 });
    expect(await isUsed(world(), payment)).toBe(false);
  });

  it.each([
    ['deferred', translate, 20_000n],
    ['upfront', report, 50_000n],
  ])(
    'is rejected while the bound one runs once, fifty of each at once (%s)',
    async (_, call, price) => {
      const counts = await world().counts();
      const paid = (await transfersFrom(world(), account.address)).length;
      const payment = await bind(world(), account, call);
      await Promise.all(
        Array.from({ length: 100 }, async (__, at) => {
          const [, strip] = strippings[(at >> 1) % strippings.length] ?? [];
          if (at % 2 === 0 || strip === undefined) {
            const answer = await world().send(call, bound(payment));
            expect([200, 409]).toContain(answer.status);
          } else {
            const answer = await world().send(call, strip(payment));
            expect(kindOf(await readProblem(answer))).toBe('binding-required');
          }
        }),
      );
      expect(Object.values(await runsSince(world(), counts))).toEqual([1]);
      await settled(world(), payment);
      expect((await transfersFrom(world(), account.address)).slice(paid)).toEqual([price]);
    },
  );

  it('is rejected with an intent of the attacker instead', async () => {
    const attacker = await trustedAccount(world(), { reports: 1, balance: 100_000n });
    const payment = await bind(world(), account, notarise);
    const counts = await world().counts();
    for (const agent of [attacker.address, account.address]) {
      const intent = await paidIntentFor(world(), agent, notarise);
      const answer = await world().send(notarise, bound({ ...payment, intent }));
      expect(answer.status).toBe(400);
    }
    expect(await runsSince(world(), counts)).toEqual({});
    expect(await isUsed(world(), payment)).toBe(false);
  });
});
