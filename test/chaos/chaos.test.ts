import { afterAll, beforeAll, vi } from 'vitest';
import { tellOfFacilitators } from './facilitator-cases.ts';
import { tellOfKills } from './kill-cases.ts';
import { type Killed, killEverywhere } from './kills.ts';
import { tellOfPayers } from './payer-cases.ts';
import { type LyingStage, startLyingStage } from './support/lying-stage.ts';

vi.setConfig({ maxConcurrency: 64 });

let killed: Killed | undefined;
let lying: LyingStage | undefined;

const started = <T>(stage: T | undefined): T => {
  if (stage === undefined) throw new Error('the stage has not been started');
  return stage;
};

beforeAll(async () => {
  killed = await killEverywhere();
  lying = await startLyingStage();
}, 240_000);
afterAll(async () => {
  await Promise.all([killed?.stop(), lying?.stage.stop()]);
});

// In this order: the leases of the killed last a minute and a half, and the lies are told meanwhile.
tellOfFacilitators(() => started(lying));
tellOfPayers(() => started(lying));
tellOfKills(() => started(killed));
