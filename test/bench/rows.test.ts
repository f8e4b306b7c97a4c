import { afterEach, test, vi } from 'vitest';
import { BALANCE, BLOCK, rowsOf } from '../durable-objects/row-count.ts';
import { callOf, factsOf, randomHex, stubOf, success } from '../durable-objects/support.ts';

const AT_ONCE = 32;

afterEach(() => {
  vi.useRealTimers();
});

/** Of so many calls that an account is asked for by itself, at once. */
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
        if (verdict !== 'go') throw new Error(`a call that can be paid heard ${verdict}`);
        await stub.finish(call.call, attempt, success);
        return call.call;
      }),
    );
  });
};

test('rows of a call alone, and of calls at once', async ({ task }) => {
  const alone = await rowsOfCalls(1);
  const together = await rowsOfCalls(AT_ONCE);
  task.meta.rows = { alone, atOnce: together / AT_ONCE };
});
