import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { openLessees } from '../../../../durable-objects/account/tree/issued-lease.ts';
import {
  accountOf,
  callOf,
  factsOf,
  failure,
  intentCallOf,
  randomHex,
  storedAccountOf,
  stubOf,
  success,
  tablesOf,
  topUp,
} from '../../support.ts';
import {
  AUDIENCE,
  callOnce,
  denialOf,
  enrol,
  freeOnce,
  freeze,
  limitOf,
  LONG,
  ownerWith,
  pass,
  putToSleep,
  restore,
  rowsOf,
  ruleOf,
  setPolicy,
  watchLeases,
  watchRecalls,
  watchReports,
} from '../../tree-support.ts';

afterEach(restore);

const WINDOW = `window:${LONG}s`;
const windowOf = (limit: number) => ({ windows: [{ every: LONG, limit: `${limit}u` }] });
/** Number of denied calls and dry runs that an account may make at once. */
const BURST = 300;

/** An owner with a window limit of 1,000, three busy agents that spent 50 each, and a fourth agent. */
const fleet = async () => {
  const owner = await ownerWith(1_000_000n, windowOf(1_000));
  const siblings = [randomHex(20), randomHex(20), randomHex(20)];
  const agent = randomHex(20);
  for (const each of [...siblings, agent]) await enrol(owner, each);
  for (const each of siblings) {
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(each, 10n))).toBe('go');
  }
  return { owner, siblings, agent };
};

const rowsOfAll = (payers: readonly Hex[]): Promise<number[]> => Promise.all(payers.map(rowsOf));

/** Counts what a call of one agent costs its siblings: written rows, and lease requests. */
const costTo = async (siblings: readonly Hex[], work: () => Promise<unknown>) => {
  const before = await rowsOfAll(siblings);
  const leases = watchLeases();
  const recalls = watchRecalls();
  await work();
  const rows = (await rowsOfAll(siblings)).map((after, at) => after - (before[at] ?? 0));
  const accounts = siblings.map(accountOf);
  return {
    rows: rows.reduce((sum, each) => sum + each, 0),
    leases: leases.filter(({ message }) => accounts.includes(message.child)).length,
    recalls: recalls.length,
  };
};

const dry = (payer: Hex, price: bigint) => callOnce(payer, price, { dryRun: true });

const times = async (count: number, work: () => Promise<unknown>): Promise<void> => {
  for (let i = 0; i < count; i += 1) await work();
};

const NOTHING = { rows: 0, leases: 0, recalls: 0 };

describe('ten denied calls of one agent cost its siblings no row and no lease', () => {
  test('when the price exceeds what remains of the limit, wherever it is', async () => {
    const { owner, siblings, agent } = await fleet();
    const cost = await costTo(siblings, () =>
      times(10, async () => {
        const denial = denialOf(await callOnce(agent, 851n));
        expect(denial).toMatchObject({ rule: 'window', account: accountOf(owner) });
        // Unused shares of siblings count as remaining, so a call of that price would be allowed.
        expect(denial.limit).toMatchObject({ spent: '150', held: '0', remaining: '850' });
      }),
    );
    expect(cost).toEqual(NOTHING);
    // The siblings still have their shares.
    const leases = watchLeases();
    for (const each of siblings) expect(ruleOf(await callOnce(each, 1n))).toBe('go');
    expect(leases).toEqual([]);
    expect(ruleOf(await callOnce(agent, 847n))).toBe('go');
  });

  test('when the price exceeds the whole limit: the account collects no report', async () => {
    const { siblings, agent } = await fleet();
    const reports = watchReports();
    const cost = await costTo(siblings, () =>
      times(10, async () => expect(ruleOf(await callOnce(agent, 2_000n))).toBe('window')),
    );
    expect(cost).toEqual(NOTHING);
    expect(reports).toEqual([]);
  });

  test('when the price would fit only if running calls failed', async () => {
    const { owner, siblings, agent } = await fleet();
    const [busy = agent] = siblings;
    const call = intentCallOf(busy, { price: 600n, settlement: 'credit', audience: AUDIENCE });
    const attempt = randomHex(16);
    expect(ruleOf(await stubOf(busy).reserve(call, attempt, {}))).toBe('go');
    const reports = watchReports();
    const cost = await costTo(siblings, () =>
      times(10, async () => expect(ruleOf(await callOnce(agent, 300n))).toBe('window')),
    );
    expect(cost).toEqual(NOTHING);
    // Each sibling reported at most once a second, and its report wrote no row.
    expect(reports.length).toBeLessThanOrEqual(2 * siblings.length);
    await stubOf(busy).finish(call.id, attempt, failure);
    pass(2);
    expect(ruleOf(await callOnce(agent, 300n))).toBe('go');
    expect((await limitOf(owner, WINDOW)).remaining).not.toBe('0');
  });

  test('when the agent has no money: it takes no share of the limit', async () => {
    const owner = await ownerWith(1_000n, windowOf(1_000));
    const siblings = [randomHex(20), randomHex(20)];
    const agent = randomHex(20);
    for (const each of [...siblings, agent]) await enrol(owner, each);
    for (const each of siblings) {
      await topUp(each, 1_000n);
      for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(each, 10n))).toBe('go');
    }
    const before = await rowsOfAll([owner, ...siblings]);
    const cost = await costTo(siblings, () =>
      times(10, async () => {
        const call = callOf(agent, { price: 390n, audience: AUDIENCE });
        const verdict = await stubOf(agent).reserve(
          { ...call, settlement: 'upfront' },
          randomHex(16),
          { facts: { ...factsOf(1_000n), nonceUsed: true } },
        );
        expect(ruleOf(verdict)).toBe('nonce_used');
      }),
    );
    expect(cost).toEqual(NOTHING);
    expect(await rowsOfAll([owner, ...siblings])).toEqual(before);
  });

  test('when they are dry runs, for the remaining amount or more', async () => {
    const { owner, siblings, agent } = await fleet();
    const cost = await costTo(siblings, async () => {
      await times(5, async () =>
        expect(await dry(agent, 850n)).toMatchObject({ verdict: 'dry_run', decision: 'go' }),
      );
      await times(5, async () => expect(ruleOf(await dry(agent, 851n))).toBe('window'));
      await times(5, async () =>
        expect(await dry(owner, 850n)).toMatchObject({ verdict: 'dry_run', decision: 'go' }),
      );
      await times(5, async () => expect(ruleOf(await dry(owner, 851n))).toBe('window'));
    });
    expect(cost).toEqual(NOTHING);
  });

  test('when the parent’s own calls are denied', async () => {
    const { owner, siblings } = await fleet();
    const cost = await costTo(siblings, () =>
      times(10, async () => expect(ruleOf(await callOnce(owner, 851n))).toBe('window')),
    );
    expect(cost).toEqual(NOTHING);
    expect(ruleOf(await callOnce(owner, 850n))).toBe('go');
  });
});

describe('a sibling that does not answer', () => {
  test('delays one call of the others, not each', async () => {
    const { siblings, agent } = await fleet();
    const [silent = agent] = siblings;
    let asked = 0;
    for (const watch of [watchReports, watchRecalls]) {
      watch(({ to }, real) => {
        if (to !== accountOf(silent)) return real();
        asked += 1;
        return new Promise(() => undefined);
      });
    }
    expect(ruleOf(await callOnce(agent, 851n))).toBe('window');
    expect(asked).toBe(1);
    // The owner sends a silent account another request after ten seconds. `pass` would add the time that a slow machine needs, so mock the
    // clock.
    const silentSince = Date.now();
    for (const milliseconds of [2_000, 4_000]) {
      vi.spyOn(Date, 'now').mockReturnValue(silentSince + milliseconds);
      expect(ruleOf(await callOnce(agent, 851n))).toBe('window');
    }
    expect(asked).toBe(1);
  });
});

describe('a flood of denied calls', () => {
  /** Sends denied calls until their rate limit is used up. Returns how many answers named the rule. */
  const flood = async (payer: Hex, price: bigint, most = 2 * BURST) => {
    freeze();
    const rules: string[] = [];
    for (let i = 0; i < most; i += 1) rules.push(ruleOf(await callOnce(payer, price)));
    return rules;
  };

  test('gets the rule, then 429 with the time to wait, and writes no more rows than before', async () => {
    const { agent } = await fleet();
    const before = await rowsOf(agent);
    const rules = await flood(agent, 5_000n);
    const heard = rules.filter((rule) => rule === 'window').length;
    expect(heard).toBe(BURST);
    expect(rules.at(-1)).toBe('denial_rate');
    const denial = denialOf(await callOnce(agent, 5_000n));
    expect(denial).toMatchObject({
      rule: 'denial_rate',
      account: accountOf(agent),
      retryAllowed: true,
      limit: { rule: 'denial_rate', limit: `${BURST}`, remaining: '0', window: 60 },
    });
    expect(denial.retryAfter).toBeGreaterThan(0);
    // The account writes a bucket for each of the two rules, and the alarm that turns the buckets into entries.
    expect((await rowsOf(agent)) - before).toBeLessThanOrEqual(4);
    pass(2);
    expect(ruleOf(await callOnce(agent, 5_000n))).toBe('window');
  });

  test('does not affect calls that need no lease, or less than the denied amount', async () => {
    const { owner, agent } = await fleet();
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await flood(agent, 5_000n);
    const leases = watchLeases();
    expect(ruleOf(await callOnce(agent, 5_000n))).toBe('denial_rate');
    expect(leases).toEqual([]);
    for (let i = 0; i < 20; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(ruleOf(await freeOnce(agent))).toBe('go');
    expect(leases.every(({ message }) => message.need <= 10n)).toBe(true);
    expect((await limitOf(owner, WINDOW)).spent).not.toBe('0');
  });

  test('counts dry runs, which get 429 once their rate is used up', async () => {
    const { agent } = await fleet();
    freeze();
    const rules: string[] = [];
    for (let i = 0; i < BURST + 10; i += 1) rules.push(ruleOf(await dry(agent, 10n)));
    expect(rules.slice(0, BURST).every((rule) => rule === 'dry_run')).toBe(true);
    const leases = watchLeases();
    expect(denialOf(await dry(agent, 10n))).toMatchObject({
      rule: 'denial_rate',
      retryAllowed: true,
    });
    expect(leases).toEqual([]);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
  });

  test('keeps its rate when its object has slept', async () => {
    const { agent } = await fleet();
    await flood(agent, 5_000n);
    // `pass` would add the time that a slow machine needs for the flood, so mock the clock.
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 11_000);
    await runDurableObjectAlarm(stubOf(agent));
    await putToSleep(agent);
    const rules = await flood(agent, 5_000n, BURST);
    // In eleven seconds the limit recovered 55 of them.
    expect(rules.filter((rule) => rule === 'window').length).toBeLessThan(120);
  });

  test('of a stranger is limited without a table', async () => {
    const stranger = randomHex(20);
    const rules = await flood(stranger, 10n, BURST + 10);
    expect(rules.slice(0, BURST).every((rule) => rule === 'credit')).toBe(true);
    expect(rules.at(-1)).toBe('denial_rate');
    expect(await tablesOf(stranger)).toEqual([]);
  });

  test('of a key with an empty wallet causes chain queries only at that rate', async () => {
    const payer = randomHex(20);
    await topUp(payer, 10n);
    await stubOf(payer).reserve(callOf(payer), randomHex(16), { facts: factsOf(0n, 11) });
    const ask = async (): Promise<string> => {
      const call = callOf(payer, { price: 5_000n });
      const attempt = randomHex(16);
      const first = await stubOf(payer).reserve(call, attempt, {});
      if (first.verdict !== 'stale_payer') return ruleOf(first);
      const then = await stubOf(payer).reserve(call, attempt, { facts: factsOf(0n) });
      return `${ruleOf(then)}, asked`;
    };
    freeze();
    const rules: string[] = [];
    for (let i = 0; i < 2 * BURST; i += 1) rules.push(await ask());
    expect(rules.filter((rule) => rule === 'balance, asked').length).toBeLessThanOrEqual(BURST);
    expect(rules.at(-1)).toBe('denial_rate');
    // An accepted call from credit does not count as a denied call.
    expect(ruleOf(await callOnce(payer, 10n, {}, success))).toBe('go');
  });
});

describe('an owner that writes one policy after another', () => {
  test('leaves nothing of earlier policies in the rows of its descendants', async () => {
    const owner = await ownerWith(1_000_000n);
    const agent = randomHex(20);
    const { hash } = await enrol(owner, agent);
    const names = async () => Object.keys((await storedAccountOf(agent)).tree.shares[hash] ?? {});
    for (let i = 0; i < 6; i += 1) {
      await setPolicy(owner, { windows: [{ every: 60 + i, limit: '1000u' }] });
      expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
      expect(await names()).toContain(`${60 + i}s`);
      pass(100_000);
    }
    expect(await names()).toEqual(expect.arrayContaining(['credit', '65s']));
    expect((await names()).length).toBeLessThanOrEqual(3);
  });
});

describe('an account with many descendants', () => {
  test('leaves the equal parts of its siblings unchanged', () => {
    const [manager, sibling, other] = [randomHex(32), randomHex(32), randomHex(32)];
    const lessees = openLessees([]);
    for (const issued of [manager, sibling, other]) {
      lessees.set({ child: accountOf(randomHex(20)), issued }, 100);
    }
    const before = lessees.parts(sibling, 10);
    for (let i = 0; i < 1_000; i += 1) {
      lessees.set({ child: accountOf(randomHex(20)), issued: manager }, 50);
    }
    expect(lessees.parts(sibling, 11)).toBe(before);
    expect(lessees.parts(manager, 11)).toBe(before * 1_001);
    expect(lessees.count(11)).toBe(1_003);
    expect(lessees.count(60)).toBe(3);
    expect(lessees.count(100)).toBe(0);
  });
});
