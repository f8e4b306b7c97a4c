import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { bind, type Bound, bound, boundTree } from './support/bound.ts';
import { paidIntentFor } from './support/intent.ts';
import { kindOf, readProblem } from './support/offer.ts';
import {
  encode,
  isUsed,
  settled,
  transfersFrom,
  trustedAccount,
  v1,
  v2,
} from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { newTranscript, runsSince } from './support/transcript.ts';
import { notarise, report, type ToolCall, translate, useWorld } from './support/world.ts';

// The strip attack (design §4.6): who sees a bound payment, in flight or on the chain, takes the intent out and sends the rest.
const world = useWorld();
let account: LocalAccount;
beforeAll(async () => {
  account = await trustedAccount(world(), { reports: 4, left: 1_000_000n });
});

/** Every form in which the signature can be sent without what it is bound to. */
const strippings: readonly (readonly [string, (payment: Bound) => Record<string, string>])[] = [
  ['v2 without extensions', (payment) => v2(payment)],
  ['v2 with a payment-identifier of the attacker', (payment) => v2(payment, 'a'.repeat(32))],
  ['v1', (payment) => v1(payment)],
  [
    'v2 with the advert alone',
    (payment) => {
      const extensions = { 'agent-intent': { info: payment.advert } };
      return { 'PAYMENT-SIGNATURE': encode({ ...boundTree(payment), extensions }) };
    },
  ],
];
const ELSEWHERE: ToolCall = { ...translate, path: '/tools/translate?moved=1' };
const REFUSALS = ['already-used', 'conflict', 'in-progress'];

const kindOfRefusal = async (answer: Response): Promise<string> => {
  expect(answer.status).toBe(409);
  return kindOf(await readProblem(answer));
};

describe('a bound payment that is stripped of its intent', () => {
  it('after its call meets itself: no second run, and nothing of the answer', async () => {
    const transcript = newTranscript('Strip attack after the bound call (translate, deferred)');
    const counts = await world().counts();
    const paid = (await transfersFrom(world(), account.address)).length;
    const payment = await bind(world(), account, translate);
    const first = await transcript.step(
      'agent: POST /tools/translate, payment bound to it',
      await world().send(translate, bound(payment)),
    );
    expect(first.status).toBe(200);
    const attack = async (when: string): Promise<void> => {
      for (const [how, strip] of strippings)
        for (const call of [translate, ELSEWHERE]) {
          const answer = await world().send(call, strip(payment));
          for (const name of ['PAYMENT-RESPONSE', 'X-PAYMENT-RESPONSE', 'Agent-Receipt'])
            expect(answer.headers.get(name), name).toBeNull();
          const told = await transcript.step(
            `attacker, ${when}: POST ${call.path}, the payment as ${how}`,
            answer,
          );
          expect([told.status, told.kind]).toEqual([409, 'already-used']);
          expect(told.text).not.toContain('bonjour');
        }
    };
    await attack('before settlement');
    await settled(world(), payment);
    await attack('after settlement');
    const ran = await runsSince(world(), counts);
    const transfers = (await transfersFrom(world(), account.address)).slice(paid);
    transcript.print(ran, transfers);
    expect(ran).toEqual({ translate: 1 });
    expect(transfers).toEqual([20_000n]);
  });

  it.each([
    ['deferred', translate, 20_000n],
    ['settled first', report, 50_000n],
  ])('at the same moment, fifty times each: one run (%s)', async (_, call, price) => {
    const counts = await world().counts();
    const paid = (await transfersFrom(world(), account.address)).length;
    const payment = await bind(world(), account, call);
    const told = await Promise.all(
      Array.from({ length: 100 }, async (__, at) => {
        const [, strip] = strippings[(at >> 1) % strippings.length] ?? [];
        const headers = at % 2 === 0 || strip === undefined ? bound(payment) : strip(payment);
        return await world().send(call, headers);
      }),
    );
    const others = await Promise.all(
      told.filter(({ status }) => status !== 200).map(kindOfRefusal),
    );
    for (const kind of others) expect(REFUSALS).toContain(kind);
    expect(Object.values(await runsSince(world(), counts))).toEqual([1]);
    await settled(world(), payment);
    expect((await transfersFrom(world(), account.address)).slice(paid)).toEqual([price]);
  });

  it('while its call runs waits, whatever request it comes with, and is used up when it has ended', async () => {
    const hanging: ToolCall = { path: '/tools/flaky?hang=1' };
    const counts = await world().counts();
    const payment = await bind(world(), account, hanging);
    const running = world().send(hanging, bound(payment));
    await expect
      .poll(async () => (await world().counts()).flaky, { timeout: 5_000, interval: 20 })
      .toBe(counts.flaky + 1);
    for (const [, strip] of strippings)
      for (const call of [hanging, { path: '/tools/flaky?status=200' }])
        expect(await kindOfRefusal(await world().send(call, strip(payment)))).toBe('in-progress');
    expect(await kindOfRefusal(await world().send(hanging, bound(payment)))).toBe('in-progress');
    expect((await running).status).toBe(504);
    for (const [, strip] of strippings)
      expect(await kindOfRefusal(await world().send(hanging, strip(payment)))).toBe('already-used');
    expect(await runsSince(world(), counts)).toEqual({ flaky: 1 });
    expect(await isUsed(world(), payment)).toBe(false);
  });

  it('before its call buys the one run, of whatever request came first; the bound one then meets itself', async () => {
    const transcript = newTranscript('Strip attack before the bound call (translate, deferred)');
    const counts = await world().counts();
    const paid = (await transfersFrom(world(), account.address)).length;
    for (const call of [translate, ELSEWHERE]) {
      const payment = await bind(world(), account, translate);
      const stolen = await transcript.step(
        `attacker: POST ${call.path}, the payment without its intent`,
        await world().send(call, v2(payment)),
      );
      expect(stolen.status).toBe(200);
      const repeated = await world().send(translate, bound(payment));
      // Whatever the repeat shows, the run that it hears of was not bound.
      if (repeated.status === 200)
        expect(await claimsOf(world(), repeated)).toMatchObject({ binding: 'none' });
      const owner = await transcript.step(
        'agent: POST /tools/translate, the bound payment',
        repeated,
      );
      // The intent is the secret: its holder hears what became of it (§4.6), but a run it is not.
      if (call === translate) expect([owner.status, owner.text]).toEqual([200, stolen.text]);
      else expect([owner.status, owner.kind]).toEqual([409, 'conflict']);
      await settled(world(), payment);
    }
    const ran = await runsSince(world(), counts);
    const transfers = (await transfersFrom(world(), account.address)).slice(paid);
    transcript.print(ran, transfers);
    expect(ran).toEqual({ translate: 2 });
    expect(transfers).toEqual([20_000n, 20_000n]);
  });

  it('is refused where a tool wants it bound, in any order, and stays as good', async () => {
    const transcript = newTranscript('Strip attack on a tool that requires binding (notarise)');
    const counts = await world().counts();
    const paid = (await transfersFrom(world(), account.address)).length;
    const payment = await bind(world(), account, notarise);
    const attack = async (): Promise<void> => {
      for (const [how, strip] of strippings) {
        const told = await transcript.step(
          `attacker: POST /tools/notarise, the payment as ${how}`,
          await world().send(notarise, strip(payment)),
        );
        expect([told.status, told.kind]).toEqual([400, 'binding-required']);
      }
    };
    await attack();
    expect(await isUsed(world(), payment)).toBe(false);
    const mine = await transcript.step(
      'agent: POST /tools/notarise, the bound payment',
      await world().send(notarise, bound(payment)),
    );
    expect(mine.status).toBe(200);
    await attack();
    const ran = await runsSince(world(), counts);
    const transfers = (await transfersFrom(world(), account.address)).slice(paid);
    transcript.print(ran, transfers);
    expect(ran).toEqual({ notarise: 1 });
    expect(transfers).toEqual([10_000n]);
  });

  it('with an intent of the attacker in its place is refused', async () => {
    const attacker = await trustedAccount(world(), { reports: 1, left: 100_000n });
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
