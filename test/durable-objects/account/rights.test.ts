import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { allowedTools } from '../../../src/policy/allowed-tools.ts';
import type { Rights, RightsQuestion } from '../../../src/protocol/account/rights.ts';
import { asset, accountOf, randomHex, stubOf, tablesOf } from '../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  enrol,
  LONG,
  ownerWith,
  pass,
  putToSleep,
  restore,
  revoke,
  rowsOf,
  ruleOf,
  setPolicy,
  setStatus,
  watchLeases,
} from '../tree-support.ts';

afterEach(restore);

/** Seconds after which the account asks its ancestors again: `PAUSE_MS`, and for a refused lease `REFUSED_SECONDS`. */
const FORGOTTEN = 3;

const TOOLS = ['echo', 'pay.card', 'pay.wire', 'pay', 'payroll', 'translate'].map((id) => ({ id }));

const ask = async (account: Hex, changes: Partial<RightsQuestion> = {}) => {
  const question = { account: accountOf(account), asset, audience: AUDIENCE, ...changes };
  return stubOf(account).rights(question);
};

const rightsOf = async (account: Hex, changes: Partial<RightsQuestion> = {}): Promise<Rights> => {
  const verdict = await ask(account, changes);
  if (verdict.verdict !== 'found') throw new Error(verdict.verdict);
  return verdict.rights;
};

const seenBy = async (account: Hex, changes: Partial<RightsQuestion> = {}) => {
  const { policies } = await rightsOf(account, changes);
  return allowedTools(policies, TOOLS).map(({ id }) => id);
};

describe('the tools of an account', () => {
  test('are those that its calls are not denied by the rule `tool`, in every place of a chain', async () => {
    const { owner, manager, agent } = await branchWith(1_000n, {
      tools: ['pay.*', 'echo', 'translate'],
    });
    await setPolicy(manager, { tools: ['pay.*', 'translate', 'payroll'] });
    await setPolicy(agent, { tools: ['pay.card', 'translate', 'echo'] });
    await setPolicy(agent, { tools: ['pay.*', 'echo'] }, 'owner');
    for (const account of [owner, manager, agent]) {
      const seen = await seenBy(account);
      const callable: string[] = [];
      for (const { id } of TOOLS) {
        const verdict = await callOnce(account, 0n, { tool: id, settlement: 'free', dryRun: true });
        if (ruleOf(verdict) !== 'tool') callable.push(id);
      }
      expect(seen).toEqual(callable);
    }
    expect(await seenBy(agent)).toEqual(['pay.card']);
    expect(await seenBy(manager)).toEqual(['pay.card', 'pay.wire', 'translate']);
    expect(await seenBy(owner)).toEqual(['echo', 'pay.card', 'pay.wire', 'translate']);
  });

  test('are those of the grant that the intent names, else of the default grant', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const one = await enrol(owner, agent, { tools: ['echo'] });
    const two = await enrol(owner, agent, { tools: ['pay.*'] });
    expect(await seenBy(agent)).toEqual(['pay.card', 'pay.wire']);
    expect(await seenBy(agent, { authority: one.hash })).toEqual(['echo']);
    expect(await seenBy(agent, { authority: randomHex(32) })).toEqual([]);
    expect(await seenBy(agent, { audience: 'https://other.example' })).toEqual([]);
    await revoke(owner, two.delegation.id);
    pass(FORGOTTEN);
    expect(await seenBy(agent)).toEqual(['echo']);
    await revoke(owner, one.delegation.id);
    pass(FORGOTTEN);
    expect(await rightsOf(agent)).toMatchObject({ stopped: { rule: 'revoked' } });
  });

  test('follow an ancestor’s policy and revocation also after the account forgot its leases', async () => {
    const { owner, agent, upper } = await branchWith(1_000n);
    await setPolicy(owner, { tools: ['echo'] });
    await putToSleep(agent);
    expect(await seenBy(agent)).toEqual(['echo']);
    await putToSleep(agent);
    await revoke(owner, upper.delegation.id);
    expect(await rightsOf(agent)).toMatchObject({
      stopped: { rule: 'revoked', account: accountOf(owner) },
    });
  });

  test('are unknown while an ancestor does not answer', async () => {
    const { agent } = await branchWith(1_000n);
    await putToSleep(agent);
    watchLeases(async () => ({ verdict: 'unavailable' }));
    expect(await ask(agent)).toEqual({ verdict: 'unavailable' });
  });

  test('of a stranger are those of the default policy, and asking writes nothing', async () => {
    const stranger = randomHex(20);
    const verdict = await stubOf(stranger).rights({
      account: accountOf(stranger),
      asset,
      audience: AUDIENCE,
    });
    expect(verdict).toMatchObject({ verdict: 'found', rights: { credit: '0', policies: [] } });
    expect(await tablesOf(stranger)).toEqual([]);
  });

  test('are known to its ancestors’ objects once a second at most, and writing none of them', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    await putToSleep(agent);
    await seenBy(agent);
    const all = [owner, manager, agent];
    const before = await Promise.all(all.map(rowsOf));
    await putToSleep(agent);
    const leases = watchLeases();
    await Promise.all(Array.from({ length: 20 }, () => seenBy(agent)));
    expect(leases.length).toBe(2);
    expect(await Promise.all(all.map(rowsOf))).toEqual(before);
  });
});

describe('the limits of an account', () => {
  test('are what it counts itself, with the least price cap of its chain and its own credit', async () => {
    const owner = await ownerWith(1_000n, { perCall: '90u' });
    const agent = randomHex(20);
    await enrol(owner, agent, { maxTotal: 500n, windowSeconds: BigInt(LONG), maxPerWindow: 200n });
    await setPolicy(agent, { windows: [{ every: LONG, limit: '150u' }] });
    expect(ruleOf(await callOnce(agent, 40n))).toBe('go');
    expect(await rightsOf(agent)).toMatchObject({
      perCall: '90',
      credit: '0',
      debt: '0',
      limits: [
        { rule: `window:${LONG}s`, remaining: '110' },
        { rule: `grant:window:${LONG}s`, remaining: '160', account: accountOf(agent) },
        { rule: 'grant:lifetime', remaining: '460' },
      ],
    });
    expect(await rightsOf(owner)).toMatchObject({ perCall: '90' });
  });

  test('name what stops the account', async () => {
    const { owner, agent } = await branchWith(1_000n);
    await setStatus(owner, 'paused');
    expect(await rightsOf(agent)).toMatchObject({
      stopped: { rule: 'paused', account: accountOf(owner) },
    });
    await setStatus(owner, 'active');
    pass(FORGOTTEN);
    expect(await rightsOf(agent)).not.toHaveProperty('stopped');
    await setPolicy(agent, { validFrom: nowSeconds() + 60 });
    expect(await rightsOf(agent)).toMatchObject({ stopped: { rule: 'not_yet' } });
  });
});
