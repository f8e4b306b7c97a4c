import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Agent,
  newAgent,
  type PaidRequest,
  repeatUntilFinal,
  type Reply,
  send,
  signRequest,
} from './support/agent.ts';
import { movedBy, readAccountRecords } from './support/account-records.ts';
import { PRICES, type Stage, startStage } from './support/stage.ts';

/** The exposure cap: three calls of the deferred tool (law 7). */
const EXPOSURE = 3n * PRICES.deferred;
const RECOVERY_MS = 60_000;

let isCut = false;
let stage: Stage;
const runs = new Map<string, number>();

beforeAll(async () => {
  stage = await startStage(
    async ({ party, path }, forward) => {
      if (party === 'upstream') runs.set(path, (runs.get(path) ?? 0) + 1);
      return isCut && party !== 'upstream' ? 'drop' : await forward();
    },
    {
      DEFAULT_POLICY: JSON.stringify({
        perCall: '1000000u',
        exposure: `${EXPOSURE}u`,
        rate: { limit: 600, seconds: 60 },
      }),
    },
  );
}, 120_000);
afterAll(async () => {
  await stage?.stop();
});

const problemOf = ({ status, body, retryAfter }: Reply) => ({
  status,
  type: status === 200 ? '' : (JSON.parse(body) as { type: string }).type,
  retryAfter,
});

const runsOf = ({ nonce }: PaidRequest): number =>
  [...runs].reduce(
    (sum, [path, count]) => (path.endsWith(nonce.slice(2, 10)) ? sum + count : sum),
    0,
  );

describe('while neither chain nor facilitator answers', () => {
  let trusted: Agent;
  let newcomer: Agent;
  /** Requests that the gateway rejected during the outage. */
  let refused: readonly PaidRequest[] = [];
  let served: readonly PaidRequest[] = [];

  test('serves a trusted payer within its exposure, answers all others 503, and reserves nothing for them', async () => {
    trusted = await newAgent(stage, 'trusted');
    newcomer = await newAgent(stage, 'newcomer');
    expect(await send(await signRequest(stage, trusted, 'upfront'))).toMatchObject({ status: 200 });

    isCut = true;
    served = await Promise.all(
      Array.from({ length: 3 }, async () => await signRequest(stage, trusted, 'deferred')),
    );
    for (const request of served) expect(await send(request)).toMatchObject({ status: 200 });

    const first = await signRequest(stage, newcomer, 'upfront');
    const fourth = await signRequest(stage, trusted, 'deferred');
    const upfront = await signRequest(stage, trusted, 'upfront');
    refused = [first, fourth, upfront];
    // The gateway detects the outage when it reads a payer's facts from the chain. It detects it after two attempts.
    for (const _ of [1, 2]) {
      const { status, retryAfter } = await send(first);
      expect(status).toBe(503);
      expect(retryAfter).toBeGreaterThan(0);
    }
    const problems = await Promise.all(
      refused.map(async (request) => problemOf(await send(request))),
    );
    for (const each of problems) {
      expect(each).toMatchObject({
        status: 503,
        type: 'urn:countersign:problem:settlement-unavailable',
      });
      expect(each.retryAfter).toBeGreaterThan(0);
    }
    expect(refused.map(runsOf)).toEqual([0, 0, 0]);
    const records = await readAccountRecords(stage.directory);
    expect(records.has(newcomer.id)).toBe(false);
    expect(records.get(trusted.id)?.purse).toMatchObject({
      unsettled: EXPOSURE,
      deferredHeld: 0n,
      upfrontHeld: 0n,
    });
  });

  test('accepts the same signatures after the outage, and each pays once', async () => {
    isCut = false;
    const replies: Reply[] = [];
    const answers = await Promise.all(
      refused.map(async (request) => await repeatUntilFinal(request, RECOVERY_MS, replies)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(replies.map(({ status }) => status)).not.toContain(402);
    // A repeat after the run gets the first answer, without a second run.
    for (const request of refused) expect(await send(request)).toMatchObject({ status: 200 });
    expect([...served, ...refused].map(runsOf)).toEqual([1, 1, 1, 1, 1, 1]);
    await expect
      .poll(async () => await movedBy(stage, trusted.address), { timeout: RECOVERY_MS })
      .toBe(2n * PRICES.upfront + 4n * PRICES.deferred);
    expect(await movedBy(stage, newcomer.address)).toBe(PRICES.upfront);
  });
});
