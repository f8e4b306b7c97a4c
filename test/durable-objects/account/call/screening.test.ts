import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Call, Evidence } from '../../../../src/protocol/account/call.ts';
import type {
  Screened,
  ScreeningEvidence,
  ScreeningVerdict,
} from '../../../../src/protocol/account/screening.ts';
import {
  accountOf,
  asset,
  callOf,
  entriesOf,
  factsOf,
  intentCallOf,
  purseOf,
  randomHex,
  stubOf,
  success,
  tablesOf,
  topUp,
  topUpOf,
} from '../../support.ts';
import { askingBranch, bigCall, decide, reserve } from '../approval/approval-support.ts';
import {
  AUDIENCE,
  denialOf,
  enrol,
  ownerWith,
  pass,
  putToSleep,
  restore,
  rowsOf,
  ruleOf,
} from '../../tree-support.ts';

afterEach(restore);

const SETTINGS: Hex = `0x${'5e'.repeat(32)}`;
const DAY = 86_400;

const verdictOn = (payer: Hex, verdict: Screened, allows = false): ScreeningVerdict => ({
  account: accountOf(payer),
  verdict,
  source: 'list:test',
  passes: verdict === 'clear' || (verdict === 'unanswered' && allows),
  at: nowSeconds(),
});

const ASKS: ScreeningEvidence = { settings: SETTINGS };
const brings = (...verdicts: ScreeningVerdict[]): ScreeningEvidence => ({ ...ASKS, verdicts });

/** Reserves a call from credit, and finishes it if it may run. */
const call = async (payer: Hex, screening?: ScreeningEvidence, changes: Partial<Call> = {}) => {
  const made = intentCallOf(payer, { settlement: 'credit', audience: AUDIENCE, ...changes });
  const attempt = randomHex(16);
  const evidence: Evidence = {
    facts: factsOf(0n),
    ...(screening === undefined ? {} : { screening }),
  };
  const verdict = await stubOf(payer).reserve(made, attempt, evidence);
  if (verdict.verdict === 'go') await stubOf(payer).finish(made.id, attempt, success);
  return verdict;
};

const screenings = async (payer: Hex) =>
  (await entriesOf(payer))
    .filter(({ type }) => type === 'account.screened')
    .map(({ decision, outcome }) => [decision, outcome]);

const withCredit = async (): Promise<Hex> => {
  const payer = randomHex(20);
  await topUp(payer, 10_000n);
  return payer;
};

describe('a payer that everything else allows', () => {
  test('is screened once a day; without screening nothing is asked and nothing is written', async () => {
    const payer = await withCredit();
    expect((await call(payer)).verdict).toBe('go');
    expect(await call(payer, ASKS)).toEqual({
      verdict: 'unscreened',
      accounts: [accountOf(payer)],
    });
    const at = nowSeconds();
    expect((await call(payer, brings(verdictOn(payer, 'clear')))).verdict).toBe('go');
    // The verdict survives an eviction, and a second one that arrives meanwhile replaces nothing.
    await putToSleep(payer);
    expect((await call(payer, ASKS)).verdict).toBe('go');
    expect((await call(payer, brings(verdictOn(payer, 'listed')))).verdict).toBe('go');
    expect(await screenings(payer)).toEqual([
      [
        'clear',
        {
          account: accountOf(payer),
          source: 'list:test',
          passes: true,
          at: expect.closeTo(at, -1) as number,
        },
      ],
    ]);
    pass(DAY);
    expect((await call(payer, ASKS)).verdict).toBe('unscreened');
  });

  test('is screened again once the setting has changed', async () => {
    const payer = await withCredit();
    await call(payer, brings(verdictOn(payer, 'clear')));
    const other = { settings: `0x${'0f'.repeat(32)}` as const };
    expect((await call(payer, other)).verdict).toBe('unscreened');
  });

  test('stores its verdict in the commit of its call, which costs no further row', async () => {
    const [plain, screened] = [await withCredit(), await withCredit()];
    const costOf = async (payer: Hex, screening?: ScreeningEvidence): Promise<number> => {
      const before = await rowsOf(payer);
      await stubOf(payer).reserve(
        intentCallOf(payer, { settlement: 'credit' }),
        randomHex(16),
        screening === undefined ? {} : { screening },
      );
      return (await rowsOf(payer)) - before;
    };
    const usual = await costOf(plain);
    expect(await costOf(screened, brings(verdictOn(screened, 'clear')))).toBe(usual);
  });
});

describe('law 12: nothing is asked, and no row is written, for', () => {
  test('a penniless stranger, a policy denial, a dry run and a known call', async () => {
    const stranger = randomHex(20);
    const poor = callOf(stranger);
    const evidence = { facts: factsOf(0n), screening: ASKS };
    expect(ruleOf(await stubOf(stranger).reserve(poor, randomHex(16), evidence))).toBe('balance');
    const free = callOf(stranger, { settlement: 'free', price: 0n });
    expect(ruleOf(await stubOf(stranger).reserve(free, randomHex(16), evidence))).toBe('penniless');
    expect(await tablesOf(stranger)).toEqual([]);

    const payer = await withCredit();
    expect(ruleOf(await call(payer, ASKS, { price: 1_000_000_000n }))).not.toBe('unscreened');
    expect((await call(payer, ASKS, { dryRun: true })).verdict).toBe('dry_run');
    const known = intentCallOf(payer, { settlement: 'credit' });
    await stubOf(payer).reserve(known, randomHex(16), {});
    const repeated = await stubOf(payer).reserve(known, randomHex(16), { screening: ASKS });
    expect(repeated.verdict).toBe('in_progress');
    expect(await screenings(payer)).toEqual([]);
  });

  test('a funded stranger that is listed: one entry, and none for the calls after it', async () => {
    const stranger = randomHex(20);
    const facts = factsOf(1_000_000n);
    const reserve = (screening: ScreeningEvidence) =>
      stubOf(stranger).reserve(callOf(stranger), randomHex(16), { facts, screening });
    expect((await reserve(ASKS)).verdict).toBe('unscreened');
    expect(await tablesOf(stranger)).toEqual([]);
    expect(ruleOf(await reserve(brings(verdictOn(stranger, 'listed'))))).toBe('screening');
    const rows = await rowsOf(stranger);
    for (let i = 0; i < 10; i += 1) expect(ruleOf(await reserve(ASKS))).toBe('screening');
    expect(await rowsOf(stranger)).toBe(rows);
    expect(await screenings(stranger)).toHaveLength(1);
  });
});

describe('a listed payer', () => {
  test('spends nothing, buys nothing and keeps its credit until a later screening clears it', async () => {
    const payer = await withCredit();
    const denied = await call(payer, brings(verdictOn(payer, 'listed')));
    expect(denialOf(denied)).toMatchObject({ rule: 'screening', retryAllowed: false });
    const facts = factsOf(1_000_000n);
    const own = { facts, screening: ASKS };
    for (const made of [callOf(payer), callOf(payer, { settlement: 'free', price: 0n })]) {
      expect(ruleOf(await stubOf(payer).reserve(made, randomHex(16), own))).toBe('screening');
    }
    const more = topUpOf(payer, 1_000n);
    expect(ruleOf(await stubOf(payer).reserve(more, randomHex(16), own))).toBe('screening');
    // Turning the screening off clears nobody.
    expect(ruleOf(await call(payer))).toBe('screening');
    const take = () => {
      const validBefore = nowSeconds() + 60;
      const digest = randomHex(32);
      const signature = randomHex(65);
      const intent = { fields: {}, signature, digest, attempt: randomHex(16), validBefore };
      return stubOf(payer).apply({ kind: 'adjust', asset, amount: -1n, reason: 'take', intent });
    };
    expect(await take()).toMatchObject({
      verdict: 'refused',
      fault: { reason: 'not_writable', hint: expect.stringContaining('frozen') as string },
    });
    expect((await purseOf(payer)).credit).toBe('10000');

    const standing = () => stubOf(payer).standing({ account: accountOf(payer) });
    expect(await standing()).toMatchObject({ standing: { creditFrozen: true } });
    const question = { account: accountOf(payer), asset, audience: AUDIENCE };
    const rights = () => stubOf(payer).rights(question);
    expect(await rights()).toMatchObject({ rights: { stopped: { rule: 'screening' } } });

    pass(DAY);
    expect(await rights()).not.toHaveProperty('rights.stopped');
    expect(ruleOf(await call(payer))).toBe('screening');
    expect((await call(payer, ASKS)).verdict).toBe('unscreened');
    // A source that does not answer clears nobody either, whatever `onFailure` says.
    const unanswered = verdictOn(payer, 'unanswered', true);
    expect(ruleOf(await call(payer, brings(unanswered)))).toBe('screening');
    pass(61);
    expect((await call(payer, brings(verdictOn(payer, 'clear')))).verdict).toBe('go');
    expect(await screenings(payer)).toMatchObject([
      ['listed', { passes: false }],
      ['unanswered', { passes: false }],
      ['clear', { passes: true }],
    ]);
    expect((await take()).verdict).toBe('applied');
    expect(await standing()).not.toHaveProperty('standing.creditFrozen');
  });

  test('is denied by a verdict that ends in the same second', async () => {
    const payer = await withCredit();
    const old = { ...verdictOn(payer, 'listed'), at: nowSeconds() - DAY };
    expect(ruleOf(await call(payer, brings(old)))).toBe('screening');
    expect((await call(payer, ASKS)).verdict).toBe('unscreened');
  });

  test('is denied by an entry that follows the one of its verdict', async () => {
    const payer = await withCredit();
    const denied = await call(payer, brings(verdictOn(payer, 'listed')));
    expect(denied.verdict).toBe('denied');
    const [screened, entry] = (await entriesOf(payer)).slice(-2);
    expect([screened?.type, entry?.type, entry?.rule]).toEqual([
      'account.screened',
      'call.denied',
      'screening',
    ]);
    // A verifier judges the denial on the state after the verdict.
    expect(entry?.outcome).toMatchObject({ after: screened?.seq, account: accountOf(payer) });
  });
});

describe.each([
  ['deny', false, 'screening'],
  ['allow', true, 'go'],
])('a source that does not answer, onFailure %s', (_, allows, expected) => {
  test('decides for a minute, and stands in the log', async () => {
    const payer = await withCredit();
    const given = verdictOn(payer, 'unanswered', allows);
    expect(ruleOf(await call(payer, brings(given)))).toBe(expected);
    expect(ruleOf(await call(payer, ASKS))).toBe(expected);
    expect(await screenings(payer)).toMatchObject([['unanswered', { passes: allows }]]);
    pass(61);
    expect((await call(payer, ASKS)).verdict).toBe('unscreened');
  });
});

describe('an agent that spends the credit of its owner', () => {
  const fleet = async () => {
    const owner = await ownerWith(10_000n);
    const [agent, other] = [randomHex(20), randomHex(20)];
    await enrol(owner, agent);
    await enrol(owner, other);
    return { owner, agent, other };
  };

  test('is screened together with the owner', async () => {
    const { owner, agent } = await fleet();
    const both = [accountOf(agent), accountOf(owner)];
    expect(await call(agent, ASKS)).toEqual({ verdict: 'unscreened', accounts: both });
    const clear = brings(verdictOn(agent, 'clear'), verdictOn(owner, 'clear'));
    expect((await call(agent, clear)).verdict).toBe('go');
    expect((await call(agent, ASKS)).verdict).toBe('go');
  });

  test('cannot spend the credit of a listed owner, which is frozen at the owner too', async () => {
    const { owner, agent } = await fleet();
    const listed = verdictOn(owner, 'listed');
    const denied = await call(agent, brings(verdictOn(agent, 'clear'), listed));
    expect(denialOf(denied)).toMatchObject({ rule: 'screening', account: accountOf(owner) });
    const command = { kind: 'screened', verdict: listed, settings: SETTINGS } as const;
    expect(await stubOf(owner).apply(command)).toMatchObject({ changed: true });
    expect(await stubOf(owner).apply(command)).toMatchObject({ changed: false });
    expect(ruleOf(await call(owner, ASKS))).toBe('screening');
    expect(await screenings(owner)).toHaveLength(1);
    // A stranger's account has nothing to freeze, so the command writes nothing.
    const stranger = randomHex(20);
    const other = { ...command, verdict: verdictOn(stranger, 'listed') };
    expect(await stubOf(stranger).apply(other)).toMatchObject({ changed: false });
    expect(await tablesOf(stranger)).toEqual([]);
  });
});

describe('a call that waits for a person', () => {
  test('is screened when it parks, and again when it runs a day later: then the hold stays', async () => {
    const { owner, agent } = await askingBranch();
    const clear = (): ScreeningEvidence =>
      brings(verdictOn(agent, 'clear'), verdictOn(owner, 'clear'));
    const waiting = bigCall(agent, { validBefore: nowSeconds() + 3_000 });
    expect((await reserve(agent, waiting, { screening: clear() })).verdict).toBe('parked');
    expect(await screenings(agent)).toHaveLength(2);
    await decide(agent, waiting.id, owner);
    const other: ScreeningEvidence = { settings: `0x${'0f'.repeat(32)}` };
    const repeated = { ...waiting, showsSecret: true };
    expect((await reserve(agent, repeated, { screening: other })).verdict).toBe('unscreened');
    const listed = [verdictOn(agent, 'clear'), verdictOn(owner, 'listed')];
    const denied = await reserve(agent, repeated, { screening: { ...other, verdicts: listed } });
    expect(denialOf(denied)).toMatchObject({ rule: 'screening', account: accountOf(owner) });
    // The log has both verdicts before the denial.
    expect((await entriesOf(agent)).slice(-3).map(({ type }) => type)).toEqual([
      'account.screened',
      'account.screened',
      'call.denied',
    ]);
    const found = await stubOf(agent).lookUp({ account: accountOf(agent), call: waiting.id });
    expect(found).toMatchObject({ status: { state: 'parked' } });
  });
});
