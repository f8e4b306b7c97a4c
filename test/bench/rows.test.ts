import { afterEach, test, vi } from 'vitest';
import { BALANCE, BLOCK, rowsOf } from '../durable-objects/row-count.ts';
import { callOf, factsOf, randomHex, stubOf, success } from '../durable-objects/support.ts';

const AT_ONCE = 32;

afterEach(() => {
  vi.useRealTimers();
});

/** Counts the rows of concurrent calls of one account. */
const rowsOfCalls = async (count: number): Promise<number> => {
  const payer = randomHex(20);
  const stub = stubOf(payer);
  return rowsOf(payer, () => {
    const facts = factsOf(BALANCE, BLOCK);
    return Promise.all(
      Array.from({ length: count }, async () => {
        const call = callOf(payer);
        const attempt = randomHex(16);
        const { verdict } = await stub.reserve(call, attempt, { facts });
        if (verdict !== 'go') throw new Error(`a payable call received ${verdict}`);
        await stub.finish(call.call, attempt, success);
        return call.call;
      }),
    );
  });
};

test('counts the rows of a single call and of concurrent calls', async ({ task }) => {
  const alone = await rowsOfCalls(1);
  const together = await rowsOfCalls(AT_ONCE);
  task.meta.rows = { alone, atOnce: together / AT_ONCE };
});
