import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/protocol/account/call.ts';
import { USD } from '../../src/protocol/fiat-asset.ts';
import {
  asset as TOKEN,
  factsOf,
  intentCallOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  topUp,
} from '../durable-objects/support.ts';
import { AUDIENCE, restore, setPolicy } from '../durable-objects/tree-support.ts';

afterEach(restore);

const LIMIT = 100_000n;
const CREDIT = 1_000_000n;

type Step = {
  readonly kind: 'token' | 'card';
  readonly price: bigint;
  readonly end: 'charged' | 'less' | 'declined' | 'silent' | 'running';
};

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('token', 'card'),
  price: fc.bigInt({ min: 1n, max: 40_000n }),
  end: fc.constantFrom('charged', 'less', 'declined', 'silent', 'running'),
});

/** Exceeds the limit in each kind of money. */
const TOO_MUCH: readonly Step[] = (
  ['token', 'card', 'token', 'card', 'token', 'card'] as const
).map((kind) => ({ kind, price: 40_000n, end: 'charged' }));

const none = { success: false, digest: 'none' } as const;
const OUTCOMES: Readonly<Record<Exclude<Step['end'], 'running'>, (price: bigint) => Outcome>> = {
  charged: () => success,
  less: (price) => ({ ...success, amount: price / 2n }),
  declined: () => ({ ...none, status: 402, reason: 'upstream_status' }),
  silent: () => ({ ...none, status: 0, reason: 'timeout' }),
};

/** What the model counts in one kind of money. It shares no code with the account. */
type Counted = { spent: bigint; held: bigint };

const count = (counted: Counted, { price, end }: Step): void => {
  if (end === 'charged') counted.spent += price;
  else if (end === 'less') counted.spent += price / 2n;
  else if (end !== 'declined') counted.held += price;
};

describe('an account that spends tokens and fiat', () => {
  test('counts each by itself and never passes a limit of either, in any order', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 16 }), async (steps) => {
        const payer = randomHex(20);
        await topUp(payer, CREDIT);
        const windows = [{ every: 'month', limit: `${LIMIT}u` }];
        await setPolicy(payer, { assets: [TOKEN, USD], windows });
        const counted = { token: { spent: 0n, held: 0n }, card: { spent: 0n, held: 0n } };
        for (const each of steps) {
          const of = counted[each.kind];
          const isCard = each.kind === 'card';
          const call = intentCallOf(payer, {
            ...{ price: each.price, audience: AUDIENCE, onSilence: 'keep' },
            ...{ settlement: isCard ? 'card' : 'credit', asset: isCard ? USD : TOKEN },
          });
          const attempt = randomHex(16);
          const facts = factsOf(0n);
          const { verdict } = await stubOf(payer).reserve(call, attempt, { facts });
          const fits = of.spent + of.held + each.price <= LIMIT;
          expect(verdict).toBe(fits ? 'go' : 'denied');
          if (!fits) {
            refused += 1;
            continue;
          }
          count(of, each);
          if (each.end !== 'running')
            await stubOf(payer).finish(call.id, attempt, OUTCOMES[each.end](each.price));
        }
        const { purses } = await snapshotOf(payer);
        for (const [kind, of] of [
          ['token', TOKEN],
          ['card', USD],
        ] as const) {
          const month = purses[of]?.limits.find(({ rule }) => rule === 'window:month');
          const { spent, held } = counted[kind];
          if (month === undefined) expect([spent, held]).toEqual([0n, 0n]);
          else expect(month).toMatchObject({ spent: spent.toString(), held: held.toString() });
        }
        // Credit pays only for calls priced in tokens.
        expect(purses[TOKEN]).toMatchObject({
          credit: (CREDIT - counted.token.spent).toString(),
          creditHeld: counted.token.held.toString(),
        });
        expect(purses[USD]?.credit ?? '0').toBe('0');
      }),
      { numRuns: 25, examples: [[[...TOO_MUCH]]] },
    );
    expect(refused).toBeGreaterThan(0);
  }, 60_000);
});
