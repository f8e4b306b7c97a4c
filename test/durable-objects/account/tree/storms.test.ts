import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { openLessees } from '../../../../durable-objects/account/tree/lessees.ts';
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
/** Denied calls and dry runs that an account may make at once. */
const BURST = 300;

/** An owner with a window of 1,000, three agents at work that spent 50 each, and one more agent. */
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

/** What a call of one agent costs its siblings: rows, and requests for leases. */
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
  test('where more is asked than is left, wherever it rests', async () => {
    const { owner, siblings, agent } = await fleet();
    const cost = await costTo(siblings, () =>
      times(10, async () => {
        const denial = denialOf(await callOnce(agent, 851n));
        expect(denial).toMatchObject({ rule: 'window', account: accountOf(owner) });
        // What the siblings do not use remains: a call of that price would be let run.
        expect(denial.limit).toMatchObject({ spent: '150', held: '0', remaining: '850' });
      }),
    );
    expect(cost).toEqual(NOTHING);
    // They still have what they had.
    const leases = watchLeases();
    for (const each of siblings) expect(ruleOf(await callOnce(each, 1n))).toBe('go');
    expect(leases).toEqual([]);
    expect(ruleOf(await callOnce(agent, 847n))).toBe('go');
  });

  test('where more is asked than the whole limit: nobody is even asked how it stands', async () => {
    const { siblings, agent } = await fleet();
    const reports = watchReports();
    const cost = await costTo(siblings, () =>
      times(10, async () => expect(ruleOf(await callOnce(agent, 2_000n))).toBe('window')),
    );
    expect(cost).toEqual(NOTHING);
    expect(reports).toEqual([]);
  });

  test('where it would fit only if their running calls failed', async () => {
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
    // Each was asked how it stands at most once a second, and told so without a row.
    expect(reports.length).toBeLessThanOrEqual(2 * siblings.length);
    await stubOf(busy).finish(call.call, attempt, failure);
    pass(2);
    expect(ruleOf(await callOnce(agent, 300n))).toBe('go');
    expect((await limitOf(owner, WINDOW)).remaining).not.toBe('0');
  });

  test('where the agent has no money: it takes no share of the limit', async () => {
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

  test('where they are dry runs, of what is there or of more', async () => {
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

  test('where the parent denies itself', async () => {
    const { owner, siblings } = await fleet();
    const cost = await costTo(siblings, () =>
      times(10, async () => expect(ruleOf(await callOnce(owner, 851n))).toBe('window')),
    );
    expect(cost).toEqual(NOTHING);
    expect(ruleOf(await callOnce(owner, 850n))).toBe('go');
  });
});

describe('a sibling that does not answer', () => {
  test('delays the others once, and not each time', async () => {
    const { siblings, agent } = await fleet();
    const [silent = agent] = siblings;
    for (const watch of [watchReports, watchRecalls]) {
      watch(({ to }, real) => (to === accountOf(silent) ? new Promise(() => undefined) : real()));
    }
    const took: number[] = [];
    const clock = performance.now.bind(performance);
    for (let i = 0; i < 3; i += 1) {
      const began = clock();
      expect(ruleOf(await callOnce(agent, 851n))).toBe('window');
      took.push(clock() - began);
      pass(2);
    }
    expect(Math.max(...took.slice(1))).toBeLessThan(1_000);
  });
});

describe('a flood of denied calls', () => {
  /** Denied calls until their rate is used up: how many heard why. */
  const flood = async (payer: Hex, price: bigint, most = 2 * BURST) => {
    freeze();
    const rules: string[] = [];
    for (let i = 0; i < most; i += 1) rules.push(ruleOf(await callOnce(payer, price)));
    return rules;
  };

  test('hears why, then 429 with the time to wait, and writes no more rows than before', async () => {
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
    // A bucket for each of the two rules, and the alarm that turns them into entries.
    expect((await rowsOf(agent)) - before).toBeLessThanOrEqual(4);
    pass(2);
    expect(ruleOf(await callOnce(agent, 5_000n))).toBe('window');
  });

  test('leaves calls alone that need nobody, or less than what was too much', async () => {
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

  test('counts dry runs, which are not decided any more once their rate is used up', async () => {
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

  test('goes on where it was when its object has slept', async () => {
    const { agent } = await fleet();
    await flood(agent, 5_000n);
    pass(11);
    await runDurableObjectAlarm(stubOf(agent));
    await putToSleep(agent);
    const rules = await flood(agent, 5_000n, BURST);
    // Eleven seconds have given 55 of them back.
    expect(rules.filter((rule) => rule === 'window').length).toBeLessThan(120);
  });

  test('of a stranger is paced without a table', async () => {
    const stranger = randomHex(20);
    const rules = await flood(stranger, 10n, BURST + 10);
    expect(rules.slice(0, BURST).every((rule) => rule === 'credit')).toBe(true);
    expect(rules.at(-1)).toBe('denial_rate');
    expect(await tablesOf(stranger)).toEqual([]);
  });

  test('of a key with an empty wallet has the chain asked at that rate only', async () => {
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
    // What its credit pays is no denied call.
    expect(ruleOf(await callOnce(payer, 10n, {}, success))).toBe('go');
  });
});

describe('an owner that writes one policy after the other', () => {
  test('leaves nothing of the earlier ones in the rows of those below', async () => {
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

describe('an account with many below it', () => {
  test('leaves the shares of its siblings as they were', () => {
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
