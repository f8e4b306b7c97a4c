import { beforeAll, describe, expect, it } from 'vitest';
import { expectSettledOnce, expectTrue } from './expectations.ts';
import { CLAIMS_FAILURE, newLiar, presentAsStranger, settleOneOfTwins, SPOILED } from './lies.ts';
import { type PaidRequest, repeatUntilFinal, send, sendAndLeave } from './support/agent.ts';
import { callOf, ledgerOf, movedBy, verifyBook } from './support/account-records.ts';
import { hasEnded, type Lie, type LyingStage, pause } from './support/lying-stage.ts';
import { PRICES } from './support/stage.ts';

/** What must be true whatever a payer does or leaves undone. All at once: they mostly wait. */
export const tellOfPayers = (lying: () => LyingStage): void => {
  let world: LyingStage;
  beforeAll(() => {
    world = lying();
  });

  describe.concurrent('a payer that', () => {
    it.for(Object.entries(SPOILED))('%s owes a deferred call', async ([name, spoil]) => {
      const agent = await world.knownAgent(name);
      const liar = newLiar(CLAIMS_FAILURE);
      // Too short to be served first: accepted before there is a debt, and money that comes after it.
      const failing = await world.sign(agent, 'failing', liar.lie, 300);
      expect(await send(failing)).toMatchObject({ status: 503 });
      const request = await world.sign(agent, 'deferred', spoil);
      expect(await send(request)).toMatchObject({ status: 200 });

      const owing = await world.bookOf(
        agent,
        (book) => callOf(book, request)?.payment !== undefined,
      );
      expect(callOf(owing, request)).toMatchObject({ payment: 'failed', fault: 'payer' });
      expect(owing.purse.credit).toBe(-PRICES.deferred);
      for (const tool of ['deferred', 'upfront'] as const) {
        const refused = await send(await world.sign(agent, tool, undefined));
        expect(refused.status).toBe(403);
        expect(JSON.parse(refused.body)).toMatchObject({ rule: 'debt' });
      }

      liar.beHonest();
      // Its last attempt may be less than the pause ago that the gateway keeps between two.
      expect(await repeatUntilFinal(failing, 20_000, [])).toMatchObject({ status: 404 });
      const cleared = await world.bookOf(agent, hasEnded(failing, request));
      expect(callOf(cleared, failing)).toMatchObject({ state: 'released', charged: 0n });
      expect(cleared.purse.credit).toBe(0n);
      const next = await world.sign(agent, 'deferred', undefined);
      expect(await send(next)).toMatchObject({ status: 200 });
      await expectTrue(world, agent, await world.bookOf(agent, hasEnded(failing, request, next)));
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
        const book = await world.bookOf(agent, hasEnded(request, next));
        expect(callOf(book, request)).toMatchObject({ payment: 'failed', charged: 0n });
        expect(book.purse.credit).toBe(0n);
        await expectTrue(world, agent, book);
      },
    );

    it('settles a released payment after all gets nothing for it while it could be presented', async () => {
      const agent = await world.knownAgent('generous');
      const failing = await world.sign(agent, 'failing', undefined);
      expect(await send(failing)).toMatchObject({ status: 404 });
      await presentAsStranger(world.stage, failing);
      // It is looked at when its authorization has ended, and is credit then: an hour later.
      const next = await world.sign(agent, 'deferred', undefined);
      expect(await send(next)).toMatchObject({ status: 200 });
      const book = await world.bookOf(agent, hasEnded(failing, next));
      expect(callOf(book, failing)).toMatchObject({ payment: 'released', charged: 0n });
      expect(callOf(book, next)).toMatchObject({ paidBy: 'deferred', payment: 'settled' });
      expect(book.purse.credit).toBe(0n);
      expect(world.presentedOf(failing)).toBe(0);
      const moved = await movedBy(world.stage, agent.address);
      expect(ledgerOf(book) + PRICES.failing).toBe(moved);
      expect(await verifyBook(agent.id, book)).toMatchObject({ ok: true });
    });

    it('settles what was never run has credit, which pays', async () => {
      const agent = await world.knownAgent('impatient');
      const left = await world.sign(agent, 'failing', CLAIMS_FAILURE, 15);
      expect(await send(left)).toMatchObject({ status: 503 });
      await presentAsStranger(world.stage, left);
      const book = await world.bookOf(agent, ({ purse }) => purse.credit > 0n);
      expect(book.purse.credit).toBe(PRICES.failing);
      expect(world.runsOf(left)).toBe(0);
      const next = await world.sign(agent, 'deferred', undefined);
      expect(await send(next)).toMatchObject({ status: 200 });
      const paid = await world.bookOf(agent, hasEnded(left, next));
      expect(callOf(paid, left)).toMatchObject({ state: 'released', charged: 0n });
      expect(callOf(paid, next)).toMatchObject({ paidBy: 'credit', charged: PRICES.deferred });
      expect(world.presentedOf(next)).toBe(0);
      await expectTrue(world, agent, paid);
    });

    it('settles one of two equal payments in one transaction owes the other', async () => {
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
      const book = await world.bookOf(agent, hasEnded(...requests));
      expect(requests.map((request) => callOf(book, request)?.payment)).toEqual([
        'settled',
        'failed',
      ]);
      expect(book.purse.credit).toBe(-PRICES.deferred);
      await expectTrue(world, agent, book);
    });
  });

  describe.concurrent('a client that hangs up', () => {
    it('has paid once for what was run', async () => {
      const agent = await world.knownAgent('deferred, gone');
      const request = await world.sign(agent, 'deferred', undefined);
      await sendAndLeave(request);
      await pause(500);
      await expectSettledOnce(world, agent, request);
    });

    it('has paid once for what was to be settled first', async () => {
      const agent = await world.newcomer('upfront, gone');
      const request = await world.sign(agent, 'upfront', undefined);
      await sendAndLeave(request);
      await expectSettledOnce(world, agent, request);
    });
  });
};
