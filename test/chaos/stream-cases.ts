import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelMode } from '../../dev/upstream/model-answer.ts';
import { expectTrue } from './expectations.ts';
import { CLAIMS_SUCCESS, NEVER_ANSWERS, once, SETTLED_ALL_THE_SAME } from './lies.ts';
import { send } from './support/agent.ts';
import { callOf, movedBy } from './support/account-records.ts';
import { hasEnded, type LyingStage } from './support/lying-stage.ts';
import { PRICES } from './support/stage.ts';

const TOKENS = 1_260;
const MOVES_NOTHING = 'claims success without a transfer';
/** Only the sender that a permit names can present it. */
const { 'is overtaken by a third account': _, ...SENT_ALL_THE_SAME } = SETTLED_ALL_THE_SAME;

/** Money equals usage, whatever becomes of a stream or of its settlement. The cases run concurrently, because they mostly wait. */
export const describeStreams = (lying: () => LyingStage): void => {
  let world: LyingStage;
  beforeAll(() => {
    world = lying();
  });

  describe.concurrent('a metered stream that is paid by permit', () => {
    it.for<[ModelMode, bigint]>([
      ['complete', BigInt(TOKENS)],
      ['overuses', PRICES.streamed],
      ['breaks', 0n],
      ['hangs', 0n],
      ['absurd', 0n],
    ])('moves what it has used: %s', async ([mode, charge]) => {
      const agent = await world.knownAgent(mode);
      const request = await world.signStream(agent, 'upto', { mode, events: 3, tokens: TOKENS });
      const broke = mode === 'breaks' || mode === 'hangs';
      expect(await send(request)).toMatchObject({ status: broke ? 0 : 200 });
      const record = await world.recordOf(agent, hasEnded(request));
      expect(callOf(record, request)).toMatchObject({
        ...{ charged: charge, payment: charge === 0n ? 'released' : 'settled' },
        state: charge === 0n ? 'released' : 'committed',
      });
      expect(world.runsOf(request)).toBe(1);
      expect(await movedBy(world.stage, agent.address)).toBe(PRICES.upfront + charge);
      await expectTrue(world, agent, record);
    });

    const lies = {
      ...SENT_ALL_THE_SAME,
      [MOVES_NOTHING]: once(CLAIMS_SUCCESS),
      'never answers after broadcasting': NEVER_ANSWERS,
    };
    it.for(Object.entries(lies))('settles once if the facilitator %s', async ([name, lie]) => {
      const agent = await world.knownAgent(name);
      const script = { mode: 'complete', events: 3, tokens: TOKENS } as const;
      const request = await world.signStream(agent, 'upto', script, lie);
      expect(await send(request)).toMatchObject({ status: 200 });
      const record = await world.recordOf(agent, hasEnded(request));
      expect(callOf(record, request)).toMatchObject({
        ...{ state: 'committed', payment: 'settled', charged: BigInt(TOKENS) },
      });
      expect(world.presentedOf(request)).toBeGreaterThanOrEqual(name === MOVES_NOTHING ? 2 : 1);
      expect(await movedBy(world.stage, agent.address)).toBe(PRICES.upfront + BigInt(TOKENS));
      await expectTrue(world, agent, record);
    });
  });
};
