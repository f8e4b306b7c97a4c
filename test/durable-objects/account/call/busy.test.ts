import { describe, expect, test } from 'vitest';
import type { Question } from '../../../../src/protocol/account/rpc.ts';
import { intentCallOf, purseOf, randomHex, stubOf, success, topUp } from '../../support.ts';

describe('an account with more calls than it decides at once', () => {
  test('refuses the rest without holding or charging anything, and ends what has begun', async () => {
    const payer = randomHex(20);
    await topUp(payer, 10_000n);
    const running = intentCallOf(payer, { price: 1n });
    expect(await stubOf(payer).reserve(running, '0x01', {})).toMatchObject({ verdict: 'go' });
    const calls = Array.from({ length: 1_200 }, () => intentCallOf(payer, { price: 1n }));
    const questions = calls.map((call): Question => ['reserve', call, '0x01', {}]);
    const verdicts = await stubOf(payer).decide([
      ...questions,
      ['finish', running.id, '0x01', success],
    ]);
    expect(verdicts.at(-1)).toMatchObject({ verdict: 'finished', charged: 1n });
    const refused = calls.filter((_, at) => verdicts[at]?.verdict === 'busy');
    const went = calls.filter((_, at) => verdicts[at]?.verdict === 'go');
    expect(refused).toHaveLength(200);
    // The default policy denies some of the others by their rate.
    expect(went.length).toBeGreaterThan(500);
    expect(await purseOf(payer)).toMatchObject({
      credit: '9999',
      creditHeld: went.length.toString(),
    });
    // The same signatures are decided a moment later.
    const again = await stubOf(payer).decide(
      refused.map((call): Question => ['reserve', call, '0x02', {}]),
    );
    expect(again.filter(({ verdict }) => verdict === 'busy')).toEqual([]);
    expect(again.filter(({ verdict }) => verdict === 'already_used')).toEqual([]);
  });
});
