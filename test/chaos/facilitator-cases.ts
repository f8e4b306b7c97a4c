import { beforeAll, describe, expect, it } from 'vitest';
import {
  CLAIMS_FAILURE,
  CLAIMS_SUCCESS,
  NEVER_ANSWERS,
  newLiar,
  NOTHING_MOVED,
  once,
  SETTLED_ALL_THE_SAME,
} from './lies.ts';
import { expectSettledOnce, expectTrue } from './expectations.ts';
import { type PaidRequest, repeatUntilFinal, send, sendAfter } from './support/agent.ts';
import { callOf, movedBy } from './support/account-records.ts';
import type { Lie, LyingStage } from './support/lying-stage.ts';
import { PRICES } from './support/stage.ts';

const down: Lie = async (_, __, forward, presented) => (presented < 3 ? 'drop' : await forward());

/** The chain decides, whatever a facilitator answers. The cases run concurrently, because they mostly wait. */
export const describeFacilitators = (lying: () => LyingStage): void => {
  let world: LyingStage;
  beforeAll(() => {
    world = lying();
  });

  describe.concurrent('a payment settles exactly once if the facilitator', () => {
    const deferred = {
      ...SETTLED_ALL_THE_SAME,
      ...Object.fromEntries(Object.entries(NOTHING_MOVED).map(([name, lie]) => [name, once(lie)])),
      'never answers after broadcasting': NEVER_ANSWERS,
      'is down for a while': down,
    };
    it.for(Object.entries(deferred))('%s: deferred', async ([name, lie]) => {
      const agent = await world.knownAgent(name);
      const request = await world.sign(agent, 'deferred', lie);
      expect(await send(request)).toMatchObject({ status: 200 });
      await expectSettledOnce(world, agent, request);
      expect(world.presentedOf(request)).toBeGreaterThanOrEqual(name in NOTHING_MOVED ? 2 : 1);
    });

    const upfront = { ...SETTLED_ALL_THE_SAME, 'never answers after broadcasting': NEVER_ANSWERS };
    it.for(Object.entries(upfront))('%s: upfront', async ([name, lie]) => {
      const agent = await world.newcomer(name);
      const request = await world.sign(agent, 'upfront', lie);
      expect(await repeatUntilFinal(request, 60_000, [])).toMatchObject({ status: 200 });
      await expectSettledOnce(world, agent, request);
    });

    it.for(Object.entries(NOTHING_MOVED))(
      '%s: upfront, and the tool runs only after it settled honestly',
      async ([name, lie]) => {
        const agent = await world.newcomer(name);
        const liar = newLiar(lie);
        const request = await world.sign(agent, 'upfront', liar.lie);
        // The answer must not be 402: the client would sign again, although anyone who has this payment can still settle it.
        let refused = await send(request);
        expect(refused).toMatchObject({ status: 503 });
        // Concurrent cases produce failures too, and ten failures in a row open the facilitator's circuit for a while.
        for (let times = 0; world.presentedOf(request) < 2 && times < 10; times += 1) {
          refused = await sendAfter(refused, request);
          expect(refused).toMatchObject({ status: 503 });
        }
        expect(world.presentedOf(request)).toBeGreaterThanOrEqual(2);
        expect(world.runsOf(request)).toBe(0);
        expect(await movedBy(world.stage, agent.address)).toBe(0n);

        liar.beHonest();
        await sendAfter(refused, request);
        const answer = await repeatUntilFinal(request, 60_000, []);
        expect(answer).toMatchObject({ status: 200 });
        expect(await send(request)).toMatchObject({ status: 200, body: answer.body });
        await expectSettledOnce(world, agent, request);
      },
    );

    it('claims success for a long time: unsettled payments count in the exposure until they settle', async () => {
      const agent = await world.knownAgent('lied to');
      const liar = newLiar(CLAIMS_SUCCESS);
      const requests: PaidRequest[] = [];
      // Add unsettled calls up to the amount that this payer has settled here before (law 7).
      for (let owed = 0n; owed < PRICES.upfront; owed += PRICES.deferred)
        requests.push(await world.sign(agent, 'deferred', liar.lie));
      for (const request of requests) expect(await send(request)).toMatchObject({ status: 200 });
      const open = await world.recordOf(agent, (record) =>
        requests.every(
          (request) =>
            callOf(record, request)?.state === 'committed' && world.presentedOf(request) >= 2,
        ),
      );
      for (const request of requests) {
        expect(world.presentedOf(request)).toBeGreaterThanOrEqual(2);
        expect(callOf(open, request)).toMatchObject({ state: 'committed', payment: undefined });
      }
      expect(open.purse).toMatchObject({
        ...{ credit: 0n, unsettled: PRICES.upfront, settled: PRICES.upfront },
      });
      expect(await movedBy(world.stage, agent.address)).toBe(PRICES.upfront);
      const unserved = await world.sign(agent, 'deferred', CLAIMS_FAILURE);
      expect(await send(unserved)).toMatchObject({ status: 503 });
      expect(world.runsOf(unserved)).toBe(0);
      const moved = await world.sign(agent, 'deferred', undefined);
      expect(await repeatUntilFinal(moved, 60_000, [])).toMatchObject({ status: 200 });
      expect(await movedBy(world.stage, agent.address)).toBe(PRICES.upfront + PRICES.deferred);

      liar.beHonest();
      const settled = await world.recordOf(agent, (record) =>
        requests.every((request) => callOf(record, request)?.payment !== undefined),
      );
      for (const request of requests) {
        expect(callOf(settled, request)).toMatchObject({ state: 'committed', payment: 'settled' });
        expect(world.runsOf(request)).toBe(1);
      }
      expect(callOf(settled, moved)).toMatchObject({ paidBy: 'upfront', payment: 'settled' });
      expect(settled.purse).toMatchObject({ credit: 0n, unsettled: 0n });
      await expectTrue(world, agent, settled);
    });
  });
};
