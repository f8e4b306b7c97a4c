import { abortAllDurableObjects, evictDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import type { ReserveVerdict } from '../../../../src/protocol/account/call-verdict.ts';
import { callOf, factsOf, randomHex, stubOf, trust } from '../../support.ts';

const count = (verdicts: readonly ReserveVerdict[], verdict: ReserveVerdict['verdict']): number =>
  verdicts.filter((one) => one.verdict === verdict).length;

describe('laws 6 and 7: limits hold under storm, eviction and abort', () => {
  const storm = async (payer: Hex, price: bigint): Promise<ReserveVerdict[]> => {
    const verdicts: ReserveVerdict[] = [];
    for (let wave = 0; wave < 4; wave += 1) {
      verdicts.push(
        ...(await Promise.all(
          Array.from({ length: 50 }, async () =>
            stubOf(payer).reserve(callOf(payer, { price }), randomHex(16), {}),
          ),
        )),
      );
      if (wave === 1) await evictDurableObject(stubOf(payer));
      if (wave === 2) await abortAllDurableObjects();
    }
    return verdicts;
  };

  test('runs exactly 37 of 200 calls when the exposure cap allows 37', async () => {
    const payer = randomHex(20);
    // The default policy allows $1.00 of unsettled payments.
    await trust(payer, 2_000_000n, 100_000_000n);
    const verdicts = await storm(payer, 27_000n);
    expect(count(verdicts, 'go')).toBe(37);
    expect(count(verdicts, 'denied')).toBe(163);
    expect(verdicts.find(({ verdict }) => verdict === 'denied')).toMatchObject({
      denial: {
        rule: 'exposure',
        retryAllowed: true,
        limit: { limit: '1000000', held: '999000', remaining: '1000' },
      },
    });
  });

  test('runs exactly 37 of 200 calls when the balance covers 37, and requests fresh facts for the others', async () => {
    const payer = randomHex(20);
    await trust(payer, 500_000n, 370_000n + 500_000n, 10);
    await stubOf(payer).settled([]);
    const one = await stubOf(payer).reserve(callOf(payer, { price: 1n }), randomHex(16), {
      facts: factsOf(370_000n, 11),
    });
    expect(one.verdict).toBe('go');
    const verdicts = await storm(payer, 10_000n);
    expect(count(verdicts, 'go')).toBe(36);
    expect(count(verdicts, 'stale_payer')).toBe(164);
    const asked = await stubOf(payer).reserve(callOf(payer, { price: 10_000n }), randomHex(16), {
      facts: factsOf(370_000n, 12),
    });
    expect(asked).toMatchObject({ verdict: 'denied', denial: { rule: 'balance' } });
  });

  test('settles a payment before the tool runs for a payer without a settled payment', async () => {
    const payer = randomHex(20);
    expect(
      (await stubOf(payer).reserve(callOf(payer), randomHex(16), { facts: factsOf(9_000n) }))
        .verdict,
    ).toBe('settle');
    const trusted = randomHex(20);
    await trust(trusted, 1_500n, 1_000_000n);
    expect((await stubOf(trusted).reserve(callOf(trusted), randomHex(16), {})).verdict).toBe('go');
    // The settled amount covers one such call at a time.
    expect((await stubOf(trusted).reserve(callOf(trusted), randomHex(16), {})).verdict).toBe(
      'settle',
    );
  });
});
