import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../../../src/core/canonical-json.ts';
import { sha256Hex, utf8 } from '../../../../src/crypto/bytes.ts';
import { accountOf, entriesOf, purseOf, randomHex, stubOf } from '../../support.ts';
import {
  branchWith,
  callOnce,
  CHAIN,
  enrol,
  ownerWith,
  restore,
  revoke,
  ruleOf,
  setPolicy,
  setStatus,
} from '../../tree-support.ts';

afterEach(restore);

describe('the chain of entries', () => {
  test('records grants, revocations, statuses, policies and lent credit, with what was signed', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    const policy = { perCall: '$0.005', windows: [{ every: 'day', limit: '$0.009' }] };
    await setPolicy(owner, policy);
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    await setStatus(owner, 'paused');
    await setStatus(owner, 'active');
    await setPolicy(owner, null);
    await revoke(owner, grant.delegation.id);

    const above = await entriesOf(owner);
    const kinds = above.map(({ type }) => type).filter((type) => type !== 'credit.lent');
    expect(kinds.slice(-6)).toEqual([
      'grant.issued',
      'account.policy',
      'account.status',
      'account.status',
      'account.policy',
      'grant.revoked',
    ]);
    const of = (type: string) => above.filter((entry) => entry.type === type);
    expect(of('grant.issued')).toMatchObject([
      {
        evidence: {
          grant: grant.hash,
          delegation: { issuer: owner, delegate: agent, id: grant.delegation.id, validAfter: '0' },
          signature: grant.signature,
        },
      },
    ]);
    expect(of('account.policy')).toMatchObject([
      { decision: 'operator', evidence: { policy } },
      { decision: 'operator', outcome: { hash: null } },
    ]);
    expect(of('account.status').map(({ decision }) => decision)).toEqual(['paused', 'active']);
    expect(of('grant.revoked')).toMatchObject([
      { evidence: { revocation: { issuer: owner, id: grant.delegation.id, epoch: '0' } } },
    ]);
    // The lent credit adds up across both logs.
    const lent = of('credit.lent');
    expect(lent.length).toBeGreaterThan(0);
    expect(lent.every(({ payment }) => payment?.['to'] === accountOf(agent))).toBe(true);
    expect(lent.reduce((sum, { amounts }) => sum + BigInt(amounts?.['amount'] ?? 0), 0n)).toBe(
      500n,
    );
    expect(await purseOf(owner)).toMatchObject({ credit: '9500', creditLent: '0' });

    const below = await entriesOf(agent);
    expect(below.filter(({ type }) => type === 'grant.taken')).toMatchObject([
      { evidence: { grant: grant.hash, signature: grant.signature, consent: { proof: 'intent' } } },
    ]);
    expect(below.filter(({ type }) => type === 'call.accepted')).toHaveLength(5);
    for (const { type, payment } of below) {
      if (type === 'call.accepted') {
        expect(payment).toMatchObject({ paidBy: 'lent', grant: grant.hash, lender: grant.hash });
      }
    }
  });

  test('names the account of the rule in each denial', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent, { maxPerCall: 10n });
    await callOnce(agent, 11n);
    await setStatus(owner, 'frozen');
    await callOnce(agent, 1n);
    const denied = (await entriesOf(agent)).filter(({ type }) => type === 'call.denied');
    expect(denied).toMatchObject([
      {
        rule: 'per_call',
        outcome: { account: accountOf(agent), grant: grant.hash, authority: grant.hash },
      },
      { rule: 'frozen', outcome: { account: accountOf(owner), authority: grant.hash } },
    ]);
  });

  test('names every policy and grant that bound a call', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent, { maxPerCall: 10n });
    await callOnce(agent, 1n);
    await callOnce(agent, 11n);
    const decided = (await entriesOf(agent)).filter(({ type }) =>
      ['call.accepted', 'call.denied'].includes(type),
    );
    expect(decided.map(({ type }) => type)).toEqual(['call.accepted', 'call.denied']);
    for (const { policy, evidence } of decided) {
      const policies = evidence?.['policies'];
      expect(policies).toContainEqual({
        kind: 'grant',
        account: accountOf(agent),
        hash: grant.hash,
      });
      expect(sha256Hex(utf8(canonicalJson(policies)))).toBe(policy);
    }
  });

  test('survives a restart of every object, with what each holds', async () => {
    const { owner, manager, agent, upper, lower } = await branchWith(10_000n);
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    for (const each of [owner, manager, agent]) await evictDurableObject(stubOf(each));
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    for (const each of [owner, manager, agent]) await entriesOf(each);
    const page = await stubOf(owner).children(undefined, 10);
    expect(page.children).toMatchObject([
      { account: accountOf(manager), grant: upper.hash, status: 'active' },
    ]);
    expect((await stubOf(manager).children(undefined, 10)).children).toMatchObject([
      { account: accountOf(agent), grant: lower.hash, status: 'active' },
    ]);
    expect(upper.chainId).toBe(CHAIN);
  });
});
