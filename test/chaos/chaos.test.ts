import { afterAll, beforeAll, vi } from 'vitest';
import { describeFacilitators } from './facilitator-cases.ts';
import { describeKills } from './kill-cases.ts';
import { type Killed, killEverywhere } from './kills.ts';
import { describePayers } from './payer-cases.ts';
import { describeStreams } from './stream-cases.ts';
import { type LyingStage, startLyingStage } from './support/lying-stage.ts';

vi.setConfig({ maxConcurrency: 64, testTimeout: 300_000 });

let killed: Killed | undefined;
let lying: LyingStage | undefined;

const started = <T>(stage: T | undefined): T => {
  if (stage === undefined) throw new Error('beforeAll has not started the stage');
  return stage;
};

beforeAll(async () => {
  killed = await killEverywhere();
  lying = await startLyingStage();
}, 240_000);
afterAll(async () => {
  await Promise.all([killed?.stop(), lying?.stage.stop()]);
});

// The kill cases come last: the leases of killed attempts last 90 seconds, and the other cases run meanwhile.
describeFacilitators(() => started(lying));
describePayers(() => started(lying));
describeStreams(() => started(lying));
describeKills(() => started(killed));
