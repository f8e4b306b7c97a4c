import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { bind, bound, boundField } from './support/bound.ts';
import { isUsed, newAccount, settled, transfersFrom, v1, v2 } from './support/payment.ts';
import { startSecond, useSecondGateway, worldAt, trustedAtBoth } from './support/second-gateway.ts';
import { newTranscript, runsSince, type Transcript } from './support/transcript.ts';
import {
  notarise,
  report,
  type ToolCall,
  translate,
  useSharedWorld,
  type World,
} from './support/world.ts';

const world = useSharedWorld();
const second = useSecondGateway(world);
let account: LocalAccount;
beforeAll(async () => {
  account = await trustedAtBoth(world(), second().there, { reports: 4, balance: 1_000_000n });
});

const describeStep = (gateway: 'A' | 'B', call: ToolCall, what: string): string =>
  `${gateway === 'A' ? 'agent at gateway A' : 'attacker at gateway B'}: ${call.method} ${call.path}, ${what}`;

/** Prints the transcript and returns the tool runs and transfers since its start. */
const summarize = async (
  transcript: Transcript,
  before: Awaited<ReturnType<World['counts']>>,
  paid: number,
) => {
  const ran = await runsSince(world(), before);
  const transfers = (await transfersFrom(world(), account.address)).slice(paid);
  transcript.print(ran, transfers);
  return { ran, transfers };
};

describe('a captured bound payment at a second gateway with the same payee', () => {
  it.each([
    ['deferred', translate, 20_000n, 'translate'],
    ['upfront', notarise, 10_000n, 'notarise'],
  ])('is rejected there before and after its use: %s', async (_, call, price, tool) => {
    const transcript = newTranscript(`Captured bound payment (${tool})`);
    const before = await world().counts();
    const paid = (await transfersFrom(world(), account.address)).length;
    const payment = await bind(world(), account, call);
    const { gateway, there } = second();
    expect((await there.offer(call)).accepts).toEqual((await world().offer(call)).accepts);

    const replay = async (): Promise<void> => {
      const answer = await transcript.step(
        describeStep('B', call, 'the captured payment'),
        await there.send(call, bound(payment)),
      );
      expect([answer.status, answer.kind]).toEqual([400, 'intent-mismatch']);
      expect(JSON.parse(answer.text)).toMatchObject({
        field: boundField('audience'),
        expected: gateway.audience,
        got: world().stack.description.audience,
      });
      // Changing the intent to gateway B's audience changes its digest, which the nonce commits to.
      const intent = { ...payment.intent, audience: gateway.audience };
      const altered = await transcript.step(
        describeStep('B', call, "its intent altered to B's audience"),
        await there.send(call, bound({ ...payment, intent })),
      );
      expect([altered.status, altered.kind]).toEqual([400, 'intent-mismatch']);
      expect(JSON.parse(altered.text)).toMatchObject({
        field: 'PAYMENT-SIGNATURE.payload.authorization.nonce',
      });
    };
    await replay();
    expect(await isUsed(world(), payment)).toBe(false);
    const mine = await transcript.step(
      describeStep('A', call, 'the payment'),
      await world().send(call, bound(payment)),
    );
    expect(mine.status).toBe(200);
    await settled(world(), payment);
    await replay();
    const { ran, transfers } = await summarize(transcript, before, paid);
    expect(ran).toEqual({ [tool]: 1 });
    expect(transfers).toEqual([price]);
  });
});

describe('a captured bound payment at a gateway with its own payee', () => {
  // SECURITY.md requires a payee of its own for each gateway. With it, every other gateway rejects the payment in every form.
  it('is rejected, bound and stripped, on a tool that accepts vanilla payments', async () => {
    const transcript = newTranscript(
      'Captured bound payment, stripped, where the payee is another',
    );
    const third = await startSecond(world(), newAccount().address);
    try {
      const elsewhere = worldAt(world(), third.url);
      const before = await world().counts();
      const paid = (await transfersFrom(world(), account.address)).length;
      const payment = await bind(world(), account, report);
      const [accepted] = (await elsewhere.offer(report)).accepts;
      for (const [how, headers, kind] of [
        ['the captured payment', bound(payment), 'requirement-mismatch'],
        ["the same, accepting B's offer", bound({ ...payment, accepted }), 'recipient-mismatch'],
        ['the payment without its intent', v2(payment), 'binding-required'],
        ["the same, accepting B's offer", v2({ ...payment, accepted }), 'binding-required'],
        ['the same, as v1', v1(payment), 'binding-required'],
      ] as const) {
        const answer = await transcript.step(
          describeStep('B', report, how),
          await elsewhere.send(report, headers),
        );
        expect([answer.status, answer.kind]).toEqual([400, kind]);
      }
      const mine = await transcript.step(
        describeStep('A', report, 'the payment'),
        await world().send(report, bound(payment)),
      );
      expect(mine.status).toBe(200);
      const { ran, transfers } = await summarize(transcript, before, paid);
      expect(ran).toEqual({ report: 1 });
      expect(transfers).toEqual([50_000n]);
    } finally {
      await third.stop();
    }
  });
});
