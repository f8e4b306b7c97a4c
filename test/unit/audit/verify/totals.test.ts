import { describe, expect, it } from 'vitest';
import { verify } from '../../../../src/audit/verify/verify.ts';
import { type TreeCall, treeLog } from '../../../support/tree-log.ts';
import { fileOf, textOf } from '../../../support/verify-log.ts';
import { START } from '../history.ts';

const CAP = { policy: { lifetime: '100u' }, since: START };

const totalsOf = async (calls: readonly TreeCall[], limit = CAP) => {
  const entries = [...treeLog(limit, calls)].map(([account, log]) =>
    fileOf(`${account}.ndjson`, textOf(log)),
  );
  const { checks } = await verify({ entries });
  const { verdict, first } = checks.find(({ check }) => check === 'totals') ?? {};
  return first === undefined ? verdict : `${first.field}: ${first.reason}`;
};

/** Calls of two agents, some seconds after the owner's policy came into force. */
const pair = (seconds: number, prices: readonly [number, number], isListed = true): TreeCall[] =>
  prices.map((price, agent) => ({
    ...{ agent: agent as 0 | 1, at: START + seconds, price, isListed },
  }));

describe('the total of a tree', () => {
  it.each([1, 30, 64, 66, 900])(
    'is broken by calls that list the policy and pass its cap, %i s after it came into force',
    async (seconds) => {
      expect(await totalsOf(pair(seconds, [60, 41]))).toBe('lifetime: over_limit');
    },
  );

  it('is proved up to the cap to the unit', async () => {
    expect(await totalsOf(pair(900, [60, 40]))).toBe('proved');
  });

  it('is bounded by calls that do not list a policy which is younger than a lease', async () => {
    expect(await totalsOf(pair(30, [60, 41], false))).toBe('bounded');
  });

  it('is broken by one call too many, although others did not yet list the policy', async () => {
    const calls = [...pair(1, [60, 41], false), ...pair(2, [60, 41])];
    expect(await totalsOf(calls)).toBe('lifetime: over_limit');
  });
});
