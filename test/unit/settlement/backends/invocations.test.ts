import { createExecutionContext } from 'cloudflare:test';
import { describe, expect, inject, test, vi } from 'vitest';
import type { PostAll } from '../../../../src/settlement/backends/backend.ts';
import { postSettles } from '../../../../src/settlement/backends/facilitator-api.ts';
import { openInvocations } from '../../../../src/settlement/backends/invocations.ts';
import { facilitatorAt, paymentNumber } from '../scripted.ts';
import { answerHosts } from '../scripted-chain.ts';
import {
  A,
  NETWORK,
  open,
  patience,
  presentables,
  success,
  useBackendsWorld,
  world,
} from './backends-world.ts';

useBackendsWorld();

/** Counts requests over all invocations: `most` at once, and the size of each group. */
const countRequests = () => {
  const counted = { running: 0, most: 0, groups: [] as number[] };
  vi.restoreAllMocks();
  answerHosts({
    'a.test': async () => {
      counted.running += 1;
      counted.most = Math.max(counted.most, counted.running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      counted.running -= 1;
      return success();
    },
  });
  const postAll: PostAll = async (requests) => {
    counted.groups.push(requests.length);
    return postSettles(requests);
  };
  return { counted, postAll };
};

const presentAll = async (backends: ReturnType<typeof open>, count: number, options: object) =>
  (await backends.for(NETWORK)[0]?.present(presentables(count), { ...patience(), ...options })) ??
  [];

const settled = (answers: Awaited<ReturnType<typeof presentAll>>) =>
  answers.filter(({ kind }) => kind === 'claimed_success').length;

describe('the invocations of a batch', () => {
  test('carry six requests each, all at once', async () => {
    const { counted, postAll } = countRequests();
    const invocations = openInvocations(postAll);
    const backends = open([facilitatorAt(A, { concurrency: 100 })]);
    expect(settled(await presentAll(backends, 100, { invocations }))).toBe(100);
    expect(counted.groups).toHaveLength(17);
    expect(Math.max(...counted.groups)).toBe(6);
    expect(counted.most).toBe(100);
    expect(invocations.remaining()).toBe(31 - 17);
  });

  test('are 31 at most; then each connection of the batch is used once, and the rest finds no place', async () => {
    const { counted, postAll } = countRequests();
    const invocations = openInvocations(postAll);
    const backends = open([facilitatorAt(A, { concurrency: 186 })]);
    expect(settled(await presentAll(backends, 100, { invocations }))).toBe(100);
    counted.most = 0;
    expect(settled(await presentAll(backends, 100, { invocations }))).toBe(14 * 6 + 6);
    expect(counted.groups).toHaveLength(31);
    expect(invocations.remaining()).toBe(0);
    counted.most = 0;
    const answers = await presentAll(backends, 100, { invocations });
    expect(settled(answers)).toBe(6);
    expect(answers.slice(6)).toEqual(Array(94).fill({ kind: 'declined', why: 'busy' }));
    expect(counted.groups).toHaveLength(31);
    expect(counted.most).toBe(6);
  });

  test('are not used for what fits into the connections of the batch itself', async () => {
    const { counted, postAll } = countRequests();
    const backends = open([facilitatorAt(A, { concurrency: 100 })]);
    expect(settled(await presentAll(backends, 6, { invocations: openInvocations(postAll) }))).toBe(
      6,
    );
    expect(counted.groups).toEqual([]);
  });

  test('keep the concurrency of a facilitator', async () => {
    const { counted, postAll } = countRequests();
    const backends = open([facilitatorAt(A, { concurrency: 20 })]);
    expect(
      settled(await presentAll(backends, 100, { invocations: openInvocations(postAll) })),
    ).toBe(100);
    expect(counted.groups.length).toBeGreaterThan(0);
    expect(counted.most).toBeLessThanOrEqual(20);
    expect(counted.most).toBeGreaterThan(6);
  });

  test('keep the requests a second of a facilitator', async () => {
    const { counted, postAll } = countRequests();
    const backends = open([facilitatorAt(A, { concurrency: 100, perSecond: 15 })]);
    // The clock stands still, so only the tokens of one second are available.
    const answers = await presentAll(backends, 100, { invocations: openInvocations(postAll) });
    expect(settled(answers)).toBe(15);
    expect(counted.most).toBe(15);
    expect(answers.filter(({ kind }) => kind === 'declined')).toHaveLength(85);
  });

  test('that are lost leave their payments unknown, and are no fault of the facilitator', async () => {
    const { counted, postAll } = countRequests();
    let calls = 0;
    const invocations = openInvocations(async (requests) => {
      calls += 1;
      if (calls > 2) throw new Error('Worker invocation limit reached');
      return postAll(requests);
    });
    const backends = open([facilitatorAt(A, { concurrency: 12 })]);
    const answers = await presentAll(backends, 40, { invocations });
    const lost = answers.filter(({ kind }) => kind === 'unreachable');
    expect(lost).not.toHaveLength(0);
    expect(lost.every((one) => 'why' in one && one.why === 'invocation_lost')).toBe(true);
    // The other payments went through invocations before the failure, and over the batch's own connections after it.
    expect(settled(answers)).toBe(40 - lost.length);
    expect(counted.groups).toHaveLength(2);
    expect(invocations.remaining()).toBe(0);
    expect(backends.health()[0]).toMatchObject({ state: 'closed', failed: 0 });
  });

  test('that answer for too few payments leave the others unknown', async () => {
    const invocations = openInvocations(async (requests) => (await postSettles(requests)).slice(1));
    const backends = open([facilitatorAt(A, { concurrency: 6 })]);
    const answers = await presentAll(backends, 12, { invocations, connections: 1 });
    expect(answers.filter(({ kind }) => kind === 'unreachable')).toHaveLength(2);
  });

  test('do not exist without a loopback', () => {
    expect(openInvocations().remaining()).toBe(0);
    expect(openInvocations().take()).toBeUndefined();
  });
});

test('the loopback of the Worker presents payments and returns the answers of the facilitator', async () => {
  vi.restoreAllMocks();
  const { SettlementRequests } = createExecutionContext().exports;
  const requests = [1, 2].map((number) => ({
    url: inject('facilitator'),
    headers: {},
    payment: paymentNumber(number),
    timeoutMs: 10_000,
  }));
  const answers = await SettlementRequests.postAll(requests);
  // The payments are not signed.
  expect(answers.map(({ kind }) => kind)).toEqual(['claimed_failure', 'claimed_failure']);
  expect(world.requests).toEqual([]);
});
