import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import type { ReserveVerdict } from '../../../../src/protocol/account/call-verdict.ts';
import type { Param } from '../../../../src/protocol/account/call.ts';
import { factsOf, intentCallOf, purseOf, randomHex, stubOf, tablesOf } from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  denialOf,
  enrol,
  LONG,
  ownerWith,
  restore,
  revoke,
  rowsOf,
  ruleOf,
  setPolicy,
  setStatus,
} from '../../tree-support.ts';

afterEach(restore);

const found = (value: string): Param => ({ found: true, value });

describe('a dry run', () => {
  const dry = async (
    payer: Hex,
    price: bigint,
    changes: Parameters<typeof callOnce>[2] = {},
  ): Promise<ReserveVerdict> => {
    const call = intentCallOf(payer, {
      price,
      settlement: 'credit',
      audience: AUDIENCE,
      dryRun: true,
      ...changes,
    });
    const verdict = await stubOf(payer).reserve(call, randomHex(16), {});
    return verdict.verdict === 'stale_payer'
      ? stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(0n) })
      : verdict;
  };
  const rowsOfAll = (accounts: readonly Hex[]): Promise<number[]> =>
    Promise.all(accounts.map(rowsOf));

  test('answers go, and writes, reserves, leases and counts nothing: the same call then runs', async () => {
    const { owner, manager, agent } = await branchWith(1_000n, {
      windows: [{ every: LONG, limit: '1000u' }],
    });
    const all = [owner, manager, agent];
    const id = randomHex(32);
    for (const round of ['cold', 'warm']) {
      if (round === 'warm') expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
      const before = await rowsOfAll(all);
      const purse = await purseOf(owner);
      for (let i = 0; i < 3; i += 1) {
        expect(await dry(agent, 900n, { id: id })).toMatchObject({
          verdict: 'dry_run',
          decision: 'go',
          paidFrom: 'credit',
        });
      }
      expect(await rowsOfAll(all)).toEqual(before);
      expect(await purseOf(owner)).toEqual(purse);
    }
    expect(ruleOf(await callOnce(agent, 900n, { id: id }))).toBe('go');
    expect(ruleOf(await callOnce(agent, 1n))).toBe('window');
  });

  test('of a stranger creates no table', async () => {
    const stranger = randomHex(20);
    expect(ruleOf(await dry(stranger, 10n))).toBe('credit');
    expect(ruleOf(await dry(stranger, 0n, { settlement: 'free' }))).toBe('penniless');
    expect(await tablesOf(stranger)).toEqual([]);
    expect(await rowsOf(stranger)).toBe(0);
  });

  test('of a call that ran returns its outcome to the holder of its secret, and `used` to others', async () => {
    const owner = await ownerWith(1_000n);
    const call = randomHex(32);
    expect(ruleOf(await callOnce(owner, 10n, { id: call }))).toBe('go');
    const before = await rowsOf(owner);
    expect((await dry(owner, 10n, { id: call, showsSecret: true })).verdict).toBe('stored');
    expect((await dry(owner, 10n, { id: call })).verdict).toBe('already_used');
    expect(await rowsOf(owner)).toBe(before);
  });

  const refusals: readonly (readonly [
    string,
    (tree: Awaited<ReturnType<typeof branchWith>>) => Promise<unknown>,
    Parameters<typeof callOnce>[2],
  ])[] = [
    ['a frozen owner', ({ owner }) => setStatus(owner, 'frozen'), {}],
    ['a paused manager', ({ manager }) => setStatus(manager, 'paused'), {}],
    ['a frozen agent', ({ agent }) => setStatus(agent, 'frozen'), {}],
    ['a revoked grant', ({ owner, upper }) => revoke(owner, upper.delegation.id), {}],
    ['tools above', ({ owner }) => setPolicy(owner, { tools: ['search'] }), {}],
    ['a price above', ({ manager }) => setPolicy(manager, { perCall: '99u' }, 'owner'), {}],
    [
      'a deny rule of an ancestor',
      ({ owner }) => setPolicy(owner, { deny: [{ param: 'to', op: 'eq', value: 'evil' }] }),
      { params: { to: found('evil') } },
    ],
    [
      'a window of an ancestor',
      ({ owner }) => setPolicy(owner, { windows: [{ every: LONG, limit: '99u' }] }),
      {},
    ],
    ['a lifetime above', ({ manager }) => setPolicy(manager, { lifetime: '99u' }), {}],
    ['its own policy', ({ agent }) => setPolicy(agent, { perCall: '99u' }), {}],
    ['an authority it does not hold', () => Promise.resolve(), { authority: randomHex(32) }],
    ['more credit than any account has', ({ owner }) => callOnce(owner, 950n), {}],
  ];

  test.for(refusals)(
    'is denied like the call itself, with or without a lease: %s',
    async (each) => {
      const [, prepare, changes] = each;
      for (const warm of [false, true]) {
        const tree = await branchWith(1_000n);
        const { owner, manager, agent } = tree;
        if (warm) {
          const params = { to: found('good') };
          expect(ruleOf(await callOnce(agent, 1n, { params }))).toBe('go');
        }
        await prepare(tree);
        const all = [owner, manager, agent];
        const before = await rowsOfAll(all);
        const rehearsed = denialOf(await dry(agent, 100n, changes));
        expect(await rowsOfAll(all)).toEqual(before);
        const real = denialOf(await callOnce(agent, 100n, changes));
        const essence = ({
          rule,
          account,
          grant,
          param,
          retryAllowed,
          limit,
        }: typeof rehearsed) => ({
          rule,
          account,
          grant,
          param,
          retryAllowed,
          limit,
        });
        expect(essence(rehearsed)).toEqual(essence(real));
      }
    },
  );

  test('counts unused shares of siblings as remaining', async () => {
    const owner = await ownerWith(10_000n, { windows: [{ every: LONG, limit: '1000u' }] });
    const [first, second] = [randomHex(20), randomHex(20)];
    for (const agent of [first, second]) await enrol(owner, agent);
    // The first agent's lease is larger than what it uses.
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(first, 10n))).toBe('go');
    // 50 are spent, so 950 remain in total, even if another account holds them.
    expect(await dry(second, 950n)).toMatchObject({ verdict: 'dry_run', decision: 'go' });
    expect(ruleOf(await dry(second, 951n))).toBe('window');
    expect(await dry(owner, 950n)).toMatchObject({ verdict: 'dry_run', decision: 'go' });
    // The dry run took no share: the first agent continues, and the second one gets the rest.
    expect(ruleOf(await callOnce(first, 10n))).toBe('go');
    expect(ruleOf(await callOnce(second, 940n))).toBe('go');
    expect(ruleOf(await callOnce(first, 1n))).toBe('window');
  });
});
