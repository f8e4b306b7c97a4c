import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { periodOf } from '../../../../src/policy/window.ts';
import type { Share, Shares } from '../../../../src/protocol/account/lease.ts';
import { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import type { Ledger } from '../../../../durable-objects/account/ledger.ts';
import { encodePurse } from '../../../../durable-objects/account/purse.ts';
import { HELD_GRANT } from '../../../../durable-objects/account/tree/held-grant.ts';
import { ISSUED_GRANT } from '../../../../durable-objects/account/tree/issued-grant.ts';
import {
  ISSUED_LEASE,
  type IssuedLease,
} from '../../../../durable-objects/account/tree/issued-lease.ts';
import { openRecalls } from '../../../../durable-objects/account/tree/recalls.ts';
import { REVOKED_GRANT } from '../../../../durable-objects/account/tree/revoked-grant.ts';
import { allReturned } from '../../../../durable-objects/account/tree/share.ts';
import { encodeTree } from '../../../../durable-objects/account/tree/tree.ts';
import { ENTRY } from '../../../../durable-objects/store/entry.ts';
import { type Noun, put } from '../../../../durable-objects/store/noun.ts';
import {
  accountOf,
  asset,
  callOf,
  entriesOf,
  factsOf,
  failure,
  intentCallOf,
  onDisk,
  purseOf,
  randomHex,
  snapshotOf,
  storedAccountOf,
  stubOf,
  success,
  tablesOf,
  topUp,
  topUpOf,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  callWhile,
  denialOf,
  enrol,
  faultOf,
  grantOf,
  limitOf,
  LONG,
  ownerWith,
  pass,
  putToSleep,
  putValues,
  register,
  restore,
  revoke,
  ruleOf,
  setStatus,
  watchLeases,
  watchRecalls,
} from '../../tree-support.ts';

afterEach(restore);

const DAY = 86_400;
const windowOf = (limit: number) => ({ windows: [{ every: LONG, limit: `${limit}u` }] });
const WINDOW = `window:${LONG}s`;

const countOf = <Value, Fields extends string>(
  payer: Hex,
  noun: Noun<Value, Fields>,
): Promise<number> => onDisk(payer, (disk) => disk.count(noun));

/** D1 has every entry and the alarm ran: everything that can be pruned is gone. */
const tidy = async (payer: Hex): Promise<void> => {
  await stubOf(payer).exported((await snapshotOf(payer)).seq);
  await runDurableObjectAlarm(stubOf(payer));
};

describe('shares that one idle agent holds', () => {
  const share = (start: number, granted: bigint, spent = 0n): Share => ({
    start,
    granted,
    spent,
    returned: 0n,
    held: 0n,
  });
  const lastHour = (): Share => share(periodOf('hour', nowSeconds()).start - 3_600, 9_000n);
  const kinds: readonly (readonly [string, () => Shares])[] = [
    ['unused shares of the last hour', () => ({ hour: lastHour() })],
    ['those, and spent credit', () => ({ hour: lastHour(), credit: share(0, 50n, 50n) })],
    ['those, and one unit of credit each', () => ({ hour: lastHour(), credit: share(0, 1n) })],
  ];

  test.for(kinds)('are found behind 64 sleeping agents with %s', async ([, shares]) => {
    const owner = await ownerWith(1_000_000n, windowOf(10_000));
    const [holder, ninth] = [randomHex(20), randomHex(20)];
    for (const agent of [holder, ninth]) {
      await topUp(agent, 100_000n);
      expect(await register(grantOf(owner, agent))).toMatchObject({ verdict: 'applied' });
    }
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(holder, 10n))).toBe('go');
    const sleepers = Array.from({ length: 64 }, (): IssuedLease => ({
      child: accountOf(randomHex(20)),
      issued: randomHex(32),
      asset,
      until: nowSeconds() - 60,
      shares: shares(),
    }));
    await putValues(
      owner,
      sleepers.map((lease) => put(ISSUED_LEASE, lease)),
    );
    const { remaining } = await limitOf(owner, WINDOW);
    const recalls = watchRecalls(({ to, message }, real) => {
      if (to === accountOf(holder)) return real();
      const branches = Object.entries(message.branches).map(([issued, branch]) => [
        issued,
        allReturned(branch.shares),
      ]);
      return Promise.resolve({ verdict: 'returned', branches: Object.fromEntries(branches) });
    });
    expect(ruleOf(await callOnce(ninth, BigInt(remaining) + 3n))).toBe('go');
    expect(recalls.map(({ to }) => to)).toContain(accountOf(holder));
  });
});

describe('lent credit of an agent that ended', () => {
  /** An agent with some lent credit unused; its report of the return may be lost. */
  const lent = async (gives: 'in time' | 'in vain' | 'nothing', changes = {}) => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent, changes);
    for (let i = 0; i < 9; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect((await purseOf(owner)).creditLent).not.toBe('0');
    if (gives !== 'nothing') {
      const spy = vi.spyOn(AgentAccount.prototype, 'giveBack');
      if (gives === 'in vain') spy.mockResolvedValue({ verdict: 'unavailable' });
      pass(70);
      await runDurableObjectAlarm(stubOf(agent));
      expect(spy).toHaveBeenCalledTimes(1);
      spy.mockRestore();
    }
    return { owner, agent, grant };
  };

  test('is returned with the revocation of its grant', async () => {
    const { owner, agent, grant } = await lent('nothing');
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({
      acknowledged: [accountOf(agent)],
    });
    expect(await purseOf(owner)).toMatchObject({ credit: '9910', creditLent: '0' });
  });

  test('is returned by the next recall when the report of the return was lost', async () => {
    const { owner, grant } = await lent('in vain');
    expect((await purseOf(owner)).creditLent).not.toBe('0');
    await revoke(owner, grant.delegation.id);
    expect(ruleOf(await callOnce(owner, 9_910n))).toBe('go');
    expect(await purseOf(owner)).toMatchObject({ credit: '0', creditLent: '0' });
  });

  test('keeps its lease stored as long as the credit can still be returned', async () => {
    const { owner } = await lent('in vain', { validUntil: BigInt(nowSeconds() + 3_600) });
    const { creditLent } = await purseOf(owner);
    expect(creditLent).not.toBe('0');
    pass(33 * DAY);
    await tidy(owner);
    expect(await countOf(owner, ISSUED_GRANT)).toBe(0);
    expect(await countOf(owner, ISSUED_LEASE)).toBe(1);
    expect((await purseOf(owner)).creditLent).toBe(creditLent);
    expect(ruleOf(await callOnce(owner, 9_910n))).toBe('go');
    expect(await purseOf(owner)).toMatchObject({ credit: '0', creditLent: '0' });
    // Nothing is outstanding now, so the row is pruned: the rows of an owner are bounded.
    pass(2 * DAY);
    await tidy(owner);
    expect(await countOf(owner, ISSUED_LEASE)).toBe(0);
  });

  test('leaves no row when it was returned in time', async () => {
    const { owner } = await lent('in time', { validUntil: BigInt(nowSeconds() + 3_600) });
    expect(await purseOf(owner)).toMatchObject({ credit: '9910', creditLent: '0' });
    pass(33 * DAY);
    await tidy(owner);
    expect(await countOf(owner, ISSUED_LEASE)).toBe(0);
  });

  test('is returned up to what was not spent, even if the agent forgot its grant meanwhile', async () => {
    const owner = await ownerWith(10_000n, { lifetime: '5000u' });
    const agent = randomHex(20);
    await enrol(owner, agent, { validUntil: BigInt(nowSeconds() + 3_600) });
    // The last calls used what the agent held already: the owner has no report of them.
    const { went } = await callWhile(agent, 10n, 21);
    const { spent: heard } = await limitOf(owner, 'lifetime');
    const spent = 10n * BigInt(went);
    expect(BigInt(heard)).toBeLessThan(spent);
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    pass(2 * 3_600 + 100);
    await tidy(agent);
    // One unit more than remains, so the owner recalls unused shares from every descendant.
    expect(ruleOf(await callOnce(owner, 5_000n - spent + 1n))).toBe('lifetime');
    const { credit, creditLent } = await purseOf(owner);
    expect(BigInt(credit) - BigInt(creditLent)).toBeLessThanOrEqual(10_000n - spent);
  });
});

describe('an account that has never paid', () => {
  const withoutFacts = (issuer: Hex) =>
    stubOf(issuer).apply({
      kind: 'revoke',
      revocation: { issuer, id: randomHex(32), epoch: 0n, issuedAt: 1n },
      hash: randomHex(32),
      signature: '0x66',
    });

  test('writes no row when it revokes a grant of another issuer', async () => {
    const stranger = randomHex(20);
    for (let i = 0; i < 5; i += 1) {
      expect(faultOf(await revoke(stranger, randomHex(32)))).toMatchObject({
        reason: 'unknown_grant',
      });
      expect(await withoutFacts(stranger)).toMatchObject({ verdict: 'refused' });
    }
    expect(await tablesOf(stranger)).toEqual([]);
  });

  test('writes no row for such a revocation when it has a parent, either', async () => {
    const stranger = randomHex(20);
    const grant = await enrol(stranger, randomHex(20));
    const before = await countOf(stranger, ENTRY);
    for (let i = 0; i < 5; i += 1) {
      expect(faultOf(await revoke(stranger, randomHex(32)))).toMatchObject({
        reason: 'unknown_grant',
      });
      expect(await withoutFacts(stranger)).toMatchObject({ verdict: 'refused' });
    }
    expect(await countOf(stranger, REVOKED_GRANT)).toBe(0);
    expect(await countOf(stranger, ENTRY)).toBe(before);
    // It may revoke a grant that it issued itself.
    expect(await revoke(stranger, grant.delegation.id)).toMatchObject({ verdict: 'applied' });
    expect(await countOf(stranger, REVOKED_GRANT)).toBe(1);
  });

  test('cannot revoke an id before its registration; a paying account can', async () => {
    const owner = await ownerWith(1_000n);
    const grant = grantOf(owner, randomHex(20));
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({ verdict: 'applied' });
    expect(faultOf(await register(grant))).toMatchObject({ reason: 'grant_revoked' });
  });
});

describe('grants that have ended', () => {
  test('leave no shares, answers or counters in the rows of their agent and manager', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(100_000));
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const sizeOf = (payer: Hex) =>
      storedAccountOf(payer).then(({ tree, purses }) => ({
        t: JSON.stringify(encodeTree(tree)).length,
        p: JSON.stringify(Object.values(purses).map(encodePurse)).length,
      }));
    const sizes = [];
    for (let i = 0; i < 20; i += 1) {
      const own = {
        validUntil: BigInt(nowSeconds() + 600),
        windowSeconds: 60n,
        maxPerWindow: 1_000n,
        maxTotal: 100_000n,
      };
      const { hash: parent } = await enrol(owner, manager, { ...own, depth: 1 });
      await enrol(manager, agent, { ...own, parent });
      for (const payer of [agent, manager]) {
        for (let each = 0; each < 3; each += 1) {
          expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
        }
      }
      pass(70);
      for (const payer of [agent, manager]) await runDurableObjectAlarm(stubOf(payer));
      pass(600 + 2 * 3_600);
      for (const payer of [agent, manager]) await tidy(payer);
      sizes.push({ agent: await sizeOf(agent), manager: await sizeOf(manager) });
    }
    const [, first] = sizes;
    const last = sizes.at(-1);
    // Totals may grow by a few digits; the data of a grant would be hundreds of characters.
    for (const who of ['agent', 'manager'] as const) {
      for (const column of ['t', 'p'] as const) {
        expect(last?.[who][column]).toBeLessThanOrEqual((first?.[who][column] ?? 0) + 20);
      }
    }
    // The grants' own rows are gone, too, once the next grant arrived.
    pass(2 * DAY);
    const { hash: parent } = await enrol(owner, manager, { depth: 1 });
    await enrol(manager, agent, { parent });
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    pass(4_300);
    await tidy(agent);
    expect(await countOf(agent, HELD_GRANT)).toBe(1);
  });
});

describe('the grant of a call that names none', () => {
  const grantsOf = async (payer: Hex) =>
    (await entriesOf(payer))
      .filter(({ type, tool }) => type === 'call.accepted' && tool === 'lookup')
      .map(({ payment }) => payment?.['grant']);

  test.for([
    ['for the called origin', { audience: 'https://other.example' }],
    ['that is already valid', { validAfter: BigInt(nowSeconds() + DAY) }],
  ] as const)('is one %s', async ([, changes]) => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    await enrol(owner, agent, changes);
    const { hash } = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await putToSleep(agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(await grantsOf(agent)).toEqual([hash, hash]);
  });
});

describe('a recall round that fails', () => {
  test('does not break later rounds, nor a caller that waits for the next one', async () => {
    let fails = true;
    let rounds = 0;
    const disk = {
      find: () => {
        rounds += 1;
        if (fails) throw new Error('disk');
        return [];
      },
    };
    const ledger: unknown = {
      disk: () => disk,
      submit: (_: unknown, refused: unknown) => Promise.resolve(refused),
    };
    const recalls = openRecalls(accountOf(randomHex(20)), ledger as Ledger, () => {
      throw new Error('no such object');
    });
    expect(await Promise.all([recalls.round(), recalls.round()])).toEqual([0, 0]);
    expect(rounds).toBe(2);
    fails = false;
    for (let i = 0; i < 3; i += 1) {
      expect(await Promise.all([recalls.round(), recalls.round()])).toEqual([0, 0]);
    }
    expect(rounds).toBe(8);
  });

  test('denies the call that waited for it; the next round returns the shares', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(1_000));
    const [holder, other] = [randomHex(20), randomHex(20)];
    for (const agent of [holder, other]) await enrol(owner, agent);
    for (let i = 0; i < 6; i += 1) expect(ruleOf(await callOnce(holder, 10n))).toBe('go');
    watchRecalls(() => Promise.reject(new Error('lost')));
    expect(ruleOf(await callOnce(other, 940n))).toBe('window');
    restore();
    expect(ruleOf(await callOnce(other, 940n))).toBe('go');
    expect(ruleOf(await callOnce(holder, 1n))).toBe('window');
  });
});

describe('a registration that fails on its own fields', () => {
  test('sends no request to ancestors', async () => {
    const { agent, manager, upper, lower } = await branchWith(1_000n);
    for (let i = 0; i < 10; i += 1) await enrol(manager, agent, { parent: upper.hash });
    const leases = watchLeases();
    const refusedOf = [
      // Wider than its parent, with a later end, and of an unknown parent grant.
      { parent: upper.hash, depth: 5 },
      { parent: upper.hash, validUntil: upper.delegation.validUntil + 1n },
      { parent: randomHex(32) },
      { id: lower.delegation.id, parent: upper.hash },
    ];
    for (const changes of refusedOf) {
      expect((await register(grantOf(manager, randomHex(20), changes))).verdict).toBe('refused');
    }
    expect(leases).toEqual([]);
    // A valid registration does send a request: the check above measures something.
    await enrol(manager, randomHex(20), { parent: upper.hash });
    expect(leases.length).toBeGreaterThan(0);
  });
});

describe('an agent with an empty wallet', () => {
  const kinds = [
    ['a vanilla payment', { binding: 'none', settlement: 'deferred' }],
    ['a vanilla payment that is settled first', { binding: 'none', settlement: 'upfront' }],
    ['a bound payment', { binding: 'intent', settlement: 'deferred' }],
  ] as const;

  const ask = (
    payer: Hex,
    changes: Partial<Parameters<typeof callOf>[1] & object>,
    balance = 0n,
  ) => {
    const call = callOf(payer, { price: 100n, audience: AUDIENCE, ...changes });
    const attempt = randomHex(16);
    return stubOf(payer)
      .reserve(call, attempt, { facts: factsOf(balance) })
      .then((verdict) => ({ call, attempt, verdict }));
  };

  test.for(kinds)('is paid for by its owner when it presents %s', async ([, changes]) => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const { call, attempt, verdict } = await ask(agent, changes);
    expect(verdict).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
    expect(await stubOf(agent).finish(call.call, attempt, success)).toMatchObject({
      state: 'committed',
      charged: 100n,
      payment: 'none',
    });
    const accepted = (await entriesOf(agent)).find(({ type }) => type === 'call.accepted');
    expect(accepted?.payment).toMatchObject({ paidBy: 'lent' });
    await setStatus(owner, 'paused');
    expect(await purseOf(owner)).toMatchObject({ credit: '900', creditLent: '0' });
    expect(await purseOf(agent)).toMatchObject({ credit: '0' });
  });

  test.for(kinds)('pays itself for what its wallet covers, with %s', async ([, changes]) => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    // Nothing has settled here yet, so the payment settles first.
    expect((await ask(agent, changes, 100n)).verdict).toMatchObject({
      verdict: 'settle',
      paidFrom: 'payment',
    });
    expect((await purseOf(owner)).creditLent).toBe('0');
  });

  test('cannot make its owner pay for a top-up', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const topUps = [
      topUpOf(agent, 100n),
      topUpOf(agent, 100n, { topUp: { to: accountOf(owner) } }),
    ];
    for (const call of topUps) {
      const verdict = await stubOf(agent).reserve(call, randomHex(16), { facts: factsOf(0n) });
      expect(ruleOf(verdict)).toBe('balance');
    }
    expect(await purseOf(owner)).toMatchObject({ credit: '1000', creditLent: '0' });
  });

  test.for(kinds)('without a grant is denied by its balance, with %s', async ([, changes]) => {
    const { verdict } = await ask(randomHex(20), changes);
    expect(denialOf(verdict)).toMatchObject({
      rule: 'balance',
      limit: { limit: '0' },
      retryAllowed: true,
    });
  });

  test('gets a denial by its balance when its owner has no money either', async () => {
    const owner = await ownerWith(50n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(ruleOf((await ask(agent, {})).verdict)).toBe('balance');
    expect((await purseOf(owner)).creditLent).toBe('0');
  });
});

describe('one restart in the middle', () => {
  const abort = async (payer: Hex): Promise<void> => {
    // An aborted object answers nothing.
    await runInDurableObject(stubOf(payer), (_, state) => state.abort('test')).catch(
      () => undefined,
    );
  };
  const ways = [
    ['evicted', putToSleep],
    ['aborted', abort],
  ] as const;
  const who = ['owner', 'agent', 'both'] as const;
  const cases = ways.flatMap(([way, stop]) => who.map((each) => [each, way, stop] as const));

  /** After every report, what remains at the owner and what descendants were charged is the whole. */
  const expectSum = async (owner: Hex, agent: Hex, all: bigint): Promise<void> => {
    await setStatus(owner, 'paused');
    const charged = (await entriesOf(agent))
      .filter(({ type }) => type === 'call.finished')
      .reduce((sum, { amounts }) => sum + BigInt(String(amounts?.['charged'] ?? 0)), 0n);
    expect(charged).toBeGreaterThan(0n);
    const { credit, creditLent, creditHeld } = await purseOf(owner);
    expect({ credit, creditLent, creditHeld }).toEqual({
      credit: `${all - charged}`,
      creditLent: '0',
      creditHeld: '0',
    });
    const { spent, held } = await limitOf(owner, WINDOW);
    expect({ spent, held }).toEqual({ spent: `${charged}`, held: '0' });
  };

  const fleet = async () => {
    const owner = await ownerWith(10_000n, windowOf(5_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    return { owner, agent };
  };

  test.for(cases)('of a call on lent credit: %s %s', async ([which, , stop]) => {
    for (const outcome of [success, failure, { ...success, amount: 30n }]) {
      const { owner, agent } = await fleet();
      expect(ruleOf(await callOnce(agent, 50n))).toBe('go');
      const call = intentCallOf(agent, { price: 400n, settlement: 'credit', audience: AUDIENCE });
      const attempt = randomHex(16);
      const verdict = await stubOf(agent).reserve(call, attempt, { facts: factsOf(0n) });
      expect(verdict.verdict).toBe('go');
      if (which !== 'agent') await stop(owner);
      if (which !== 'owner') await stop(agent);
      expect(await stubOf(agent).finish(call.call, attempt, outcome)).toMatchObject({
        verdict: 'finished',
      });
      expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
      await expectSum(owner, agent, 10_000n);
    }
  });

  test.for(ways)('of a return, between the commit and the report: %s', async ([, stop]) => {
    const { owner, agent } = await fleet();
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const spy = vi
      .spyOn(AgentAccount.prototype, 'giveBack')
      .mockRejectedValue(new Error('the process has ended'));
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    expect(spy).toHaveBeenCalledTimes(1);
    spy.mockRestore();
    await stop(agent);
    expect((await purseOf(owner)).creditLent).not.toBe('0');
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await expectSum(owner, agent, 10_000n);
  });

  test.for(ways)('of a return, after the parent merged its report: %s', async ([, stop]) => {
    const { owner, agent } = await fleet();
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const spy = vi.spyOn(AgentAccount.prototype, 'giveBack');
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    expect(spy).toHaveBeenCalledTimes(1);
    expect(await purseOf(owner)).toMatchObject({ credit: '9920', creditLent: '0' });
    await stop(agent);
    // The same report once more changes nothing.
    const [[child, branches] = ['eip155:1:0x', {}] as const] = spy.mock.calls;
    await stubOf(owner).giveBack(child, branches);
    expect((await callWhile(agent, 10n, 5)).went).toBe(5);
    await expectSum(owner, agent, 10_000n);
  });

  test('of a return, while its report is on the way', async () => {
    const { owner, agent } = await fleet();
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    let stopped: Promise<void> | undefined;
    const spy = vi.spyOn(AgentAccount.prototype, 'giveBack').mockImplementation(async () => {
      stopped ??= abort(agent);
      await stopped;
      return { verdict: 'unavailable' };
    });
    pass(70);
    await runDurableObjectAlarm(stubOf(agent)).catch(() => undefined);
    expect(stopped).toBeDefined();
    await stopped;
    spy.mockRestore();
    expect((await callWhile(agent, 10n, 5)).went).toBe(5);
    await expectSum(owner, agent, 10_000n);
  });

  test.for(cases)('of a recall whose answer is lost: %s %s', async ([which, , stop]) => {
    const { owner, agent } = await fleet();
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect((await purseOf(owner)).creditLent).not.toBe('0');
    let lost = 0;
    watchRecalls(async (_, real) => {
      await real();
      lost += 1;
      return { verdict: 'unavailable' };
    });
    await setStatus(owner, 'frozen');
    expect(lost).toBe(1);
    restore();
    if (which !== 'agent') await stop(owner);
    if (which !== 'owner') await stop(agent);
    await setStatus(owner, 'active');
    pass(3);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await expectSum(owner, agent, 10_000n);
  });
});
