import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { AccountCommand } from '../../../../src/protocol/account/command.ts';
import { accountOf, asset, purseOf, randomHex, stubOf, tablesOf } from '../../support.ts';
import {
  branchWith,
  callOnce,
  enrol,
  ownerWith,
  pass,
  restore,
  revoke,
  ruleOf,
} from '../../tree-support.ts';
import {
  intentOf,
  ownerBy,
  operator,
  applyStatus,
  applyPolicy,
  applyLabel,
  adjust,
  standingOf,
  changed,
  refused,
  seqOf,
  wide,
} from './command-support.ts';

afterEach(restore);

describe('permission for a command', () => {
  test('is granted as owner to ancestors, and to an account without a parent for itself', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    const other = await ownerWith(1_000n);
    for (const by of [owner, manager]) {
      expect(await applyStatus(agent, ownerBy(by), 'frozen')).toMatchObject(changed);
      expect(await applyStatus(agent, ownerBy(by), 'active')).toMatchObject(changed);
    }
    expect(await applyStatus(owner, ownerBy(owner), 'paused')).toMatchObject(changed);
    const before = await seqOf(agent);
    const strangers = [other, randomHex(20), agent];
    for (const by of strangers) {
      const commands: readonly AccountCommand[] = [
        { kind: 'status', status: 'frozen', by: ownerBy(by), intent: intentOf() },
        { kind: 'policy', slot: 'owner', document: wide, by: ownerBy(by), intent: intentOf() },
        { kind: 'label', label: 'mine', by: ownerBy(by), intent: intentOf() },
        { kind: 'default', grant: randomHex(32), by: ownerBy(by), intent: intentOf() },
        {
          kind: 'document',
          type: 'webhook',
          name: 'a',
          document: {},
          by: ownerBy(by),
          intent: intentOf(),
        },
      ];
      for (const command of commands) {
        expect(await stubOf(agent).apply(command)).toEqual(refused('forbidden'));
      }
    }
    // A manager has no permission over its ancestors or siblings.
    expect(await applyStatus(owner, ownerBy(manager), 'frozen')).toEqual(refused('forbidden'));
    expect(await applyStatus(other, ownerBy(manager), 'frozen')).toEqual(refused('forbidden'));
    expect(await seqOf(agent)).toBe(before);
  });

  test('keeps operator commands from owners and owner commands from operators', async () => {
    const owner = await ownerWith(1_000n);
    const call = randomHex(32);
    const owners: readonly AccountCommand[] = [
      { kind: 'policy', slot: 'operator', document: wide, by: ownerBy(owner), intent: intentOf() },
      { kind: 'redrive', call, by: ownerBy(owner), intent: intentOf() },
      { kind: 'writeOff', call, reason: 'no', by: ownerBy(owner), intent: intentOf() },
      {
        kind: 'document',
        type: 'tool',
        name: 'x',
        document: {},
        by: ownerBy(owner),
        intent: intentOf(),
      },
    ];
    const operators: readonly AccountCommand[] = [
      { kind: 'policy', slot: 'owner', document: wide, by: operator, intent: intentOf() },
      { kind: 'default', grant: call, by: operator, intent: intentOf() },
    ];
    for (const command of [...owners, ...operators]) {
      expect(await stubOf(owner).apply(command)).toEqual(refused('forbidden'));
    }
    const applied = await stubOf(owner).apply({
      kind: 'adjust',
      asset,
      amount: 5n,
      reason: 'for me',
      by: ownerBy(owner),
      intent: intentOf(),
    });
    expect(applied).toEqual(refused('forbidden'));
    expect((await purseOf(owner)).credit).toBe('1000');
  });

  test('is denied to an unknown key for its own account, without a row (law 12)', async () => {
    const key = randomHex(20);
    expect(await applyStatus(key, ownerBy(key), 'frozen')).toEqual({
      verdict: 'refused',
      fault: { reason: 'penniless', field: 'account' },
    });
    expect(await applyLabel(key, ownerBy(key), 'mine')).toMatchObject(refused('penniless'));
    expect(await applyLabel(key, ownerBy(randomHex(20)), 'mine')).toEqual(refused('forbidden'));
    // An operator's refused command creates no table either.
    expect(await applyPolicy(key, operator, { perCall: 'much' })).toMatchObject(
      refused('malformed_policy'),
    );
    expect(await adjust(key, -1n)).toMatchObject(refused('credit_too_low'));
    expect(await tablesOf(key)).toEqual([]);
  });

  test('remains with an owner after it revoked the agent’s grant, and after the grant expired', async () => {
    const owner = await ownerWith(1_000n);
    const [agent, late] = [randomHex(20), randomHex(20)];
    const grant = await enrol(owner, agent);
    await enrol(owner, late, { validUntil: BigInt(nowSeconds() + 100) });
    for (const each of [agent, late]) expect(ruleOf(await callOnce(each, 10n))).toBe('go');
    await revoke(owner, grant.delegation.id);
    await revoke(agent, grant.delegation.id);
    pass(8_000);
    await runDurableObjectAlarm(stubOf(late));
    for (const each of [agent, late]) {
      expect(await stubOf(each).relation({ by: accountOf(owner) })).toMatchObject({
        relation: 'ancestor',
      });
      expect(await applyStatus(each, ownerBy(owner), 'frozen')).toMatchObject(changed);
      expect((await standingOf(each, ownerBy(owner))).ownerStatus).toBe('frozen');
      // The agent still has a parent, so it may not act as its own owner.
      expect(await applyStatus(each, ownerBy(each), 'active')).toEqual(refused('forbidden'));
    }
  });

  test('remains with all ancestors after every grant was pruned', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(await applyStatus(agent, ownerBy(owner), 'frozen')).toMatchObject(changed);
    // The account prunes grants 91 days after their end.
    pass(91 * 86_400 + 7_200);
    await runDurableObjectAlarm(stubOf(agent));
    // The agent has returned its shares by now.
    pass(600);
    await runDurableObjectAlarm(stubOf(agent));
    await evictDurableObject(stubOf(agent));
    expect((await standingOf(agent)).grants).toEqual([]);
    expect(await stubOf(agent).relation({ by: accountOf(owner) })).toMatchObject({
      relation: 'ancestor',
    });
    expect(await applyStatus(agent, ownerBy(manager), 'active')).toEqual(refused('forbidden'));
  });

  test('follows the relation self, ancestor or none, and reading it writes no row', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    const stranger = randomHex(20);
    const kin = (of: Hex, by: Hex) => stubOf(of).relation({ by: accountOf(by) });
    const found = { verdict: 'found', exists: true };
    expect(await kin(agent, agent)).toEqual({ ...found, relation: 'self', hasParent: true });
    expect(await kin(agent, manager)).toEqual({ ...found, relation: 'ancestor', hasParent: true });
    expect(await kin(agent, owner)).toEqual({ ...found, relation: 'ancestor', hasParent: true });
    expect(await kin(agent, stranger)).toEqual({ ...found, relation: 'none', hasParent: true });
    expect(await kin(owner, agent)).toEqual({ ...found, relation: 'none', hasParent: false });
    expect(await kin(owner, owner)).toEqual({ ...found, relation: 'self', hasParent: false });
    expect(await kin(stranger, stranger)).toEqual({
      verdict: 'found',
      relation: 'self',
      hasParent: false,
      exists: false,
    });
    expect(await tablesOf(stranger)).toEqual([]);
    for (const by of [agent, manager, owner]) {
      expect((await standingOf(agent, ownerBy(by))).parent).toBe(accountOf(manager));
    }
    const asked = { account: accountOf(agent), by: ownerBy(stranger) };
    expect(await stubOf(agent).standing(asked)).toEqual({ verdict: 'unknown_account' });
  });
});
