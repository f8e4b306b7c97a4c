import { afterEach, beforeAll, afterAll, expect, test, vi } from 'vitest';
import { rowsOf } from '../durable-objects/row-count.ts';
import { addressOf, type Who } from '../unit/gateway/signing.ts';
import { type CountedGateway, countedGateway } from './gateway.ts';
import { bound, requestWith } from './payments.ts';

/**
 * Number of concurrent calls. The tests count the rows that paid calls write until they are settled, exported and pruned, because written
 * rows are the largest part of the bill.
 */
const AT_ONCE = 32;

let gateway: CountedGateway;
beforeAll(async () => {
  gateway = await countedGateway();
});
afterEach(() => vi.useRealTimers());
afterAll(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const rowsOfCalls = (who: Who, count: number): Promise<number> =>
  rowsOf(addressOf(who), async () => {
    const payloads = await Promise.all(Array.from({ length: count }, () => bound(who)));
    const answers = await Promise.all(
      payloads.map((payload) => gateway.fetch(requestWith(payload))),
    );
    expect(answers.map(({ status }) => status)).toEqual(payloads.map(() => 200));
    return payloads.map(({ payload }) => payload.authorization.nonce);
  });

test('a single call writes at most 5 rows', async () => {
  const rows = await rowsOfCalls('agent', 1);
  console.log(`rows written by a paid call alone: ${rows}`);
  expect(rows).toBeLessThanOrEqual(5);
});

test('each of 32 concurrent calls writes at most 0.8 rows', async () => {
  const rows = (await rowsOfCalls('owner', AT_ONCE)) / AT_ONCE;
  console.log(`rows written by each of ${AT_ONCE} paid calls at once: ${rows}`);
  expect(rows).toBeLessThanOrEqual(0.8);
});
