import { beforeAll, describe, expect, it } from 'vitest';
import { expectSettledOnce, expectTrue } from './expectations.ts';
import { CLAIMS_FAILURE, newLiar, presentAsStranger, settleOneOfTwins, SPOILED } from './lies.ts';
import { type PaidRequest, repeatUntilFinal, send, sendAndLeave } from './support/agent.ts';
import { callOf, ledgerOf, movedBy, verifyRecord } from './support/account-records.ts';
import { hasEnded, type Lie, type LyingStage } from './support/lying-stage.ts';
import { PRICES } from './support/stage.ts';

/** Hostile and impatient payers neither gain nor lose more than they signed for. The cases run concurrently, because they mostly wait. */
export const describePayers = (lying: () => LyingStage): void => {
  let world: LyingStage;
  beforeAll(() => {
    world = lying();
  });

  describe.concurrent('a payer that', () => {
    it.for(Object.entries(SPOILED))('%s owes a deferred call', async ([name, spoil]) => {
      const agent = await world.knownAgent(name);
      const liar = newLiar(CLAIMS_FAILURE);
      // The authorization is too short for deferred settlement. The account accepts it before the debt arises, and its money moves
      // afterwards.
      const failing = await world.sign(agent, 'failing', liar.lie, 300);
      expect(await send(failing)).toMatchObject({ status: 503 });
      const request = await world.sign(agent, 'deferred', spoil);
      expect(await send(request)).toMatchObject({ status: 200 });

      const owing = await world.recordOf(
        agent,
        (record) => callOf(record, request)?.payment !== undefined,
      );
      expect(callOf(owing, request)).toMatchObject({ payment: 'failed', fault: 'payer' });
      expect(owing.purse.credit).toBe(-PRICES.deferred);
      for (const tool of ['deferred', 'upfront'] as const) {
        const refused = await send(await world.sign(agent, tool, undefined));
        expect(refused.status).toBe(403);
        expect(JSON.parse(refused.body)).toMatchObject({ rule: 'debt' });
      }

      liar.beHonest();
      // The gateway may still be waiting before it presents the payment again.
      expect(await repeatUntilFinal(failing, 60_000, [])).toMatchObject({ status: 404 });
      const cleared = await world.recordOf(agent, hasEnded(failing, request));
      expect(callOf(cleared, failing)).toMatchObject({ state: 'released', charged: 0n });
      expect(cleared.purse.credit).toBe(0n);
      const next = await world.sign(agent, 'deferred', undefined);
      expect(await send(next)).toMatchObject({ status: 200 });
      await expectTrue(world, agent, await world.recordOf(agent, hasEnded(failing, request, next)));
    });

    it.for(Object.entries(SPOILED))(
      '%s gets nothing upfront, and owes nothing',
      async ([name, spoil]) => {
        const agent = await world.newcomer(name);
        const request = await world.sign(agent, 'upfront', spoil);
        expect(await repeatUntilFinal(request, 60_000, [])).toMatchObject({ status: 403 });
        expect(await send(request)).toMatchObject({ status: 409 });
        expect(world.runsOf(request)).toBe(0);
        const next = await world.sign(agent, 'upfront', undefined);
        expect(await repeatUntilFinal(next, 60_000, [])).toMatchObject({ status: 200 });
        const record = await world.recordOf(agent, hasEnded(request, next));
        expect(callOf(record, request)).toMatchObject({ payment: 'failed', charged: 0n });
        expect(record.purse.credit).toBe(0n);
        await expectTrue(world, agent, record);
      },
    );

    it('settles a released payment gets no credit for it before the authorization has ended', async () => {
      const agent = await world.knownAgent('generous');
      const failing = await world.sign(agent, 'failing', undefined);
      expect(await send(failing)).toMatchObject({ status: 404 });
      await presentAsStranger(world.stage, failing);
      // The gateway observes this payment only when its authorization ends, an hour later, and credits it then.
      const next = await world.sign(agent, 'deferred', undefined);
      expect(await send(next)).toMatchObject({ status: 200 });
      const record = await world.recordOf(agent, hasEnded(failing, next));
      expect(callOf(record, failing)).toMatchObject({ payment: 'released', charged: 0n });
      expect(callOf(record, next)).toMatchObject({ paidBy: 'deferred', payment: 'settled' });
      expect(record.purse.credit).toBe(0n);
      expect(world.presentedOf(failing)).toBe(0);
      const moved = await movedBy(world.stage, agent.address);
      expect(ledgerOf(record) + PRICES.failing).toBe(moved);
      expect(await verifyRecord(agent.id, record)).toMatchObject({ ok: true });
    });

    it('settles a payment whose tool never ran gets credit, which pays the next call', async () => {
      const agent = await world.knownAgent('impatient');
      // The account accepts the payment while six seconds are left, and observes it once the authorization has ended.
      const left = await world.sign(agent, 'failing', CLAIMS_FAILURE, 40);
      expect(await send(left)).toMatchObject({ status: 503 });
      await presentAsStranger(world.stage, left);
      const record = await world.recordOf(agent, ({ purse }) => purse.credit > 0n);
      expect(record.purse.credit).toBe(PRICES.failing);
      expect(world.runsOf(left)).toBe(0);
      const next = await world.sign(agent, 'deferred', undefined);
      expect(await send(next)).toMatchObject({ status: 200 });
      const paid = await world.recordOf(agent, hasEnded(left, next));
      expect(callOf(paid, left)).toMatchObject({ state: 'released', charged: 0n });
      expect(callOf(paid, next)).toMatchObject({ paidBy: 'credit', charged: PRICES.deferred });
      expect(world.presentedOf(next)).toBe(0);
      await expectTrue(world, agent, paid);
    });

    it('spends one of two equal payments on itself while settling the other owes the first', async () => {
      const agent = await world.knownAgent('twins');
      const delivered = Promise.withResolvers<void>();
      const requests: PaidRequest[] = [];
      let settling: Promise<void> | undefined;
      const lie: Lie = async (stage, _, forward) => {
        const [paid, twin] = requests;
        await delivered.promise;
        if (paid !== undefined && twin !== undefined)
          await (settling ??= settleOneOfTwins(stage, paid, twin));
        return await forward();
      };
      requests.push(await world.sign(agent, 'deferred', lie));
      requests.push(await world.sign(agent, 'deferred', lie));
      for (const request of requests) expect(await send(request)).toMatchObject({ status: 200 });
      delivered.resolve();
      const record = await world.recordOf(agent, hasEnded(...requests));
      expect(requests.map((request) => callOf(record, request)?.payment)).toEqual([
        'settled',
        'failed',
      ]);
      expect(record.purse.credit).toBe(-PRICES.deferred);
      await expectTrue(world, agent, record);
    });
  });

  describe.concurrent('a client that hangs up', () => {
    it('pays once for a deferred call, which runs', async () => {
      const agent = await world.knownAgent('deferred, gone');
      const request = await world.sign(agent, 'deferred', undefined);
      await sendAndLeave(request);
      await expectSettledOnce(world, agent, request);
    });

    it('pays once for an upfront call, which runs', async () => {
      const agent = await world.newcomer('upfront, gone');
      const request = await world.sign(agent, 'upfront', undefined);
      await sendAndLeave(request);
      await expectSettledOnce(world, agent, request);
    });
  });
};
