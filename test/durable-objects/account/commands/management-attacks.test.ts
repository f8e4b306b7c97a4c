import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { CommandVerdict } from '../../../../src/protocol/account/command-verdict.ts';
import type {
  AccountCommand,
  CommandIntent,
  CommandSigner,
  Status,
} from '../../../../src/protocol/account/command.ts';
import type { SignedGrant } from '../../../../src/protocol/account/grant.ts';
import type { AgentAccountRpc } from '../../../../src/protocol/account/rpc.ts';
import type { Entry } from '../../../../src/protocol/entry.ts';
import type { SettlementResult } from '../../../../src/protocol/payment.ts';
import {
  accountOf,
  callOf,
  entriesOf,
  factsOf,
  purseOf,
  randomHex,
  stubOf,
  success,
  trust,
} from '../../support.ts';
import {
  branchWith,
  callOnce,
  enrol,
  faultOf,
  grantOf,
  LONG,
  ownerWith,
  pass,
  register,
  restore,
  revoke,
  ruleOf,
  setPolicy,
} from '../../tree-support.ts';

afterEach(restore);

const intentOf = (): CommandIntent => ({
  fields: { tool: 'countersign.admin.test' },
  signature: `0x${'77'.repeat(65)}`,
  digest: randomHex(32),
  attempt: randomHex(16),
  validBefore: nowSeconds() + 300,
});

const ownerBy = (payer: Hex): CommandSigner => ({ account: accountOf(payer), role: 'owner' });
const operator: CommandSigner = { account: accountOf(`0x${'0e'.repeat(20)}`), role: 'operator' };

const commandStatus = (payer: Hex, by: CommandSigner, status: Status): Promise<CommandVerdict> =>
  stubOf(payer).apply({ kind: 'status', status, by, intent: intentOf() });

const commandLabel = (
  payer: Hex,
  by: CommandSigner,
  label: string | null,
  changes: Partial<Extract<AccountCommand, { readonly kind: 'label' }>> = {},
): Promise<CommandVerdict> =>
  stubOf(payer).apply({ kind: 'label', label, by, intent: intentOf(), ...changes });

const alertsOf = async (payer: Hex, rule: string): Promise<Entry[]> =>
  (await entriesOf(payer)).filter((entry) => entry.type === 'alert.raised' && entry.rule === rule);

const standingOf = async (payer: Hex) => {
  const stub: Pick<AgentAccountRpc, 'standing'> = stubOf(payer);
  const found = await stub.standing({ account: accountOf(payer), by: operator });
  if (found.verdict !== 'found') throw new Error(found.verdict);
  return found.standing;
};

/** Sends more commands than an account stores. */
const flood = async (payer: Hex, by: CommandSigner, count: number): Promise<CommandVerdict[]> => {
  const all: CommandVerdict[] = [];
  for (let at = 0; at < count; at += 100) {
    const some = Array.from({ length: Math.min(100, count - at) }, () =>
      commandLabel(payer, by, null, { expected: '*' }),
    );
    all.push(...(await Promise.all(some)));
  }
  return all;
};

describe('commands sent to fill the memory of commands', () => {
  test('do not keep an operator from freezing an account without a parent', async () => {
    const payer = await ownerWith(1_000n);
    const filled = await flood(payer, ownerBy(payer), 1_100);
    expect(filled.at(-1)).toMatchObject({ fault: { reason: 'too_many_commands' } });
    expect(await commandStatus(payer, operator, 'frozen')).toMatchObject({ verdict: 'applied' });
  });

  test('do not keep an owner from stopping its manager’s agent', async () => {
    const { owner, manager, agent } = await branchWith(10_000n);
    const filled = await flood(agent, ownerBy(manager), 2_100);
    expect(filled.at(-1)).toMatchObject({ fault: { reason: 'too_many_commands' } });
    expect(await commandStatus(agent, ownerBy(owner), 'frozen')).toMatchObject({
      verdict: 'applied',
    });
  });

  test('are limited to a few for an account that never paid (law 12)', async () => {
    const agent = randomHex(20);
    const owner = randomHex(20);
    await enrol(owner, agent);
    const filled = await flood(owner, ownerBy(owner), 200);
    const remembered = filled.filter(({ verdict }) => verdict !== 'unavailable');
    expect(remembered.length).toBeLessThanOrEqual(100);
  });
});

describe('a manager that leaves its owner', () => {
  test('cannot keep or reactivate an agent that the owner has stopped (law 8)', async () => {
    const { owner, manager, agent } = await branchWith(10_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await commandStatus(agent, ownerBy(owner), 'frozen');
    // The manager has returned its shares, so it holds no money of its owner any more.
    pass(400);
    await runDurableObjectAlarm(stubOf(agent));
    pass(400);
    await runDurableObjectAlarm(stubOf(manager));
    const second = await ownerWith(10_000n);
    const moved = grantOf(second, manager, { depth: 2 });
    expect(await register(moved)).toMatchObject({ verdict: 'applied', changed: true });
    const again = grantOf(manager, agent, { parent: moved.hash, depth: 1 });
    expect(faultOf(await register(again)).reason).toBe('grant_refused');
    await commandStatus(agent, ownerBy(manager), 'active');
    expect((await standingOf(agent)).status).toBe('frozen');
  });
});

describe('a former owner', () => {
  test('loses its webhook on an agent that moves to another owner', async () => {
    const first = await ownerWith(10_000n);
    const second = await ownerWith(10_000n);
    const agent = randomHex(20);
    await register(grantOf(first, agent));
    const name = `${accountOf(agent)}/spy`;
    const put = await stubOf(agent).apply({
      ...{ kind: 'document', type: 'webhook', name, by: ownerBy(first), intent: intentOf() },
      document: { url: 'https://first.example/', events: ['*'] },
    });
    expect(put).toMatchObject({ verdict: 'applied', changed: true });
    expect(await register(grantOf(second, agent))).toMatchObject({ changed: true });
    expect(await stubOf(agent).document('webhook', name)).toMatchObject({ verdict: 'unknown' });
    expect((await entriesOf(agent)).at(-1)).toMatchObject({
      ...{ type: 'webhook.removed', outcome: { name } },
    });
  });
});

describe('a manager that its owner has cut off', () => {
  test('loses permission over its agents, while its owner keeps it', async () => {
    const { owner, manager, agent, upper } = await branchWith(10_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(await commandStatus(agent, ownerBy(manager), 'paused')).toMatchObject({ changed: true });
    expect(await revoke(owner, upper.delegation.id)).toMatchObject({ changed: true });
    expect(await stubOf(agent).relation({ by: accountOf(manager) })).toMatchObject({
      relation: 'none',
    });
    // Otherwise the manager would keep its permission for ever.
    expect(faultOf(await commandStatus(agent, ownerBy(manager), 'revoked')).reason).toBe(
      'forbidden',
    );
    expect(await stubOf(agent).relation({ by: accountOf(owner) })).toMatchObject({
      relation: 'ancestor',
    });
    expect(await commandStatus(agent, ownerBy(owner), 'active')).toMatchObject({ changed: true });
  });

  test('is missing among the ancestors that the next entry of the agent names, and one entry names them', async () => {
    const { owner, agent, upper } = await branchWith(10_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const before = (await entriesOf(agent)).length;
    await revoke(owner, upper.delegation.id);
    await commandStatus(agent, ownerBy(owner), 'paused');
    await commandStatus(agent, ownerBy(owner), 'active');
    const entries = (await entriesOf(agent)).slice(before);
    expect(entries.map(({ type, outcome }) => [type, outcome?.ancestors])).toEqual([
      ['account.status', [accountOf(owner)]],
      ['account.status', undefined],
    ]);
  });

  test('is missing among the ancestors that a denial names if the agent learns of it by that call', async () => {
    const { owner, agent, upper } = await branchWith(10_000n);
    await revoke(owner, upper.delegation.id);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('revoked');
    const last = (await entriesOf(agent)).at(-1);
    expect(last).toMatchObject({
      ...{ type: 'call.denied', outcome: { ancestors: [accountOf(owner)] } },
    });
  });

  test('remains cut off after the agent has forgotten the grant that ended', async () => {
    const [owner, manager, agent] = [await ownerWith(10_000n), randomHex(20), randomHex(20)];
    const validUntil = BigInt(nowSeconds() + 1_000);
    const upper = await enrol(owner, manager, { depth: 2, validUntil });
    await enrol(manager, agent, { parent: upper.hash, depth: 1, validUntil });
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await revoke(owner, upper.delegation.id);
    const forget = async () => {
      pass(1_000 + 3_700);
      for (const _ of Array(3)) {
        await runDurableObjectAlarm(stubOf(agent));
        pass(600);
      }
    };
    await forget();
    const relation = () => stubOf(agent).relation({ by: accountOf(manager) });
    expect(await relation()).toMatchObject({ relation: 'none' });
    await commandStatus(agent, ownerBy(owner), 'paused');
    await forget();
    expect(await standingOf(agent)).toMatchObject({ grants: [] });
    expect(await relation()).toMatchObject({ relation: 'none' });
  });

  test('is an ancestor again by the next grant that it gives', async () => {
    const { owner, manager, agent, upper } = await branchWith(10_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await revoke(owner, upper.delegation.id);
    await commandStatus(agent, ownerBy(owner), 'paused');
    const next = await enrol(owner, manager, { depth: 1 });
    await enrol(manager, agent, { parent: next.hash });
    expect(await stubOf(agent).relation({ by: accountOf(manager) })).toMatchObject({
      relation: 'ancestor',
    });
    const last = (await entriesOf(agent)).at(-1);
    expect(last?.outcome).toEqual({ above: [accountOf(manager), accountOf(owner)] });
  });
});

describe('a manager with two grants of its owner', () => {
  const relationOf = (agent: Hex, to: Hex) => stubOf(agent).relation({ by: accountOf(to) });

  test('remains an ancestor after one of them was revoked, and is cut off with the other one', async () => {
    const [owner, manager, agent] = [await ownerWith(10_000n), randomHex(20), randomHex(20)];
    const upper = [
      await enrol(owner, manager, { depth: 1 }),
      await enrol(owner, manager, { depth: 1 }),
    ];
    for (const { hash: parent } of upper) {
      const { hash: authority } = await enrol(manager, agent, { parent });
      // An agent that holds a lease learns of a revocation at once.
      expect(ruleOf(await callOnce(agent, 10n, { authority }))).toBe('go');
    }
    const [first, last] = upper as [SignedGrant, SignedGrant];
    await revoke(owner, last.delegation.id);
    await commandStatus(agent, ownerBy(owner), 'paused');
    expect(await relationOf(agent, manager)).toMatchObject({ relation: 'ancestor' });
    await revoke(owner, first.delegation.id);
    await commandStatus(agent, ownerBy(owner), 'active');
    expect(await relationOf(agent, manager)).toMatchObject({ relation: 'none' });
    const named = (await entriesOf(agent)).flatMap(({ outcome }) => outcome?.['ancestors'] ?? []);
    expect(named).toEqual([accountOf(owner)]);
  });

  test('remains an ancestor when the agent forgets the newer one before the revoked one', async () => {
    const [owner, manager, agent] = [await ownerWith(10_000n), randomHex(20), randomHex(20)];
    const upper = await enrol(owner, manager, { depth: 1 });
    await enrol(manager, agent, { parent: upper.hash });
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await revoke(owner, upper.delegation.id);
    expect(await relationOf(agent, manager)).toMatchObject({ relation: 'none' });
    const next = await enrol(owner, manager, { depth: 1 });
    const validUntil = BigInt(nowSeconds() + 1_000);
    await enrol(manager, agent, { parent: next.hash, validUntil });
    pass(1_000 + 3_700);
    for (const _ of Array(3)) {
      await runDurableObjectAlarm(stubOf(agent));
      pass(600);
    }
    expect((await standingOf(agent)).grants).toMatchObject([{ status: 'revoked' }]);
    expect(await relationOf(agent, manager)).toMatchObject({ relation: 'ancestor' });
  });
});

describe('a grant that its delegate gives up', () => {
  test('leaves the limits of an earlier grant in force (law 8)', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const first = await enrol(owner, agent, { validUntil: BigInt(nowSeconds() + 1_000) });
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    pass(1_000 + 3_700);
    await runDurableObjectAlarm(stubOf(agent));
    pass(600);
    await runDurableObjectAlarm(stubOf(agent));
    expect(await standingOf(agent)).toMatchObject({
      grants: [],
    });
    await commandStatus(agent, ownerBy(owner), 'frozen');
    const renewed = await enrol(owner, agent);
    expect(renewed.hash).not.toBe(first.hash);
    await revoke(agent, renewed.delegation.id);
    expect((await standingOf(agent)).status).toBe('frozen');
    expect(await stubOf(agent).relation({ by: accountOf(owner) })).toMatchObject({
      relation: 'ancestor',
    });
    const next = await ownerWith(1_000n);
    expect(faultOf(await register(grantOf(next, agent))).reason).toBe('grant_refused');
  });
});

describe('an attempt to raise many alerts', () => {
  test('raises at most one alert for each of sixteen short windows in ten minutes', async () => {
    const windows = Array.from({ length: 16 }, (_, at) => ({ every: at + 1, limit: '10u' }));
    const payer = await ownerWith(100_000n, { windows, softPercent: 1 });
    for (let at = 0; at < 5; at += 1) {
      expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
      pass(17);
    }
    const alerts = await alertsOf(payer, 'soft_limit');
    expect(alerts.length).toBeLessThanOrEqual(16);
    pass(600);
    await callOnce(payer, 10n);
    expect((await alertsOf(payer, 'soft_limit')).length).toBeGreaterThan(alerts.length);
  });

  test('raises no more alerts than the account remembers when limits change before each call', async () => {
    const payer = await ownerWith(100_000n);
    for (let at = 0; at < 12; at += 1) {
      const windows = Array.from({ length: 16 }, (_, nth) => ({
        ...{ every: LONG + nth, limit: `${1_000 + at}u` },
      }));
      await setPolicy(payer, { windows, softPercent: 1 });
      expect(ruleOf(await callOnce(payer, 20n))).toBe('go');
    }
    expect((await alertsOf(payer, 'soft_limit')).length).toBeLessThanOrEqual(64);
  });

  test('raises no repeated alerts for loops of more tools than the account remembers', async () => {
    const payer = await ownerWith(100_000n, { repeat: { times: 1, seconds: 86_400 } });
    const round = async (): Promise<void> => {
      for (let tool = 0; tool < 70; tool += 1) {
        const request = `0x${tool.toString(16).padStart(64, '0')}` as const;
        await callOnce(payer, 1n, { tool: `tool-${tool}`, request });
        await callOnce(payer, 1n, { tool: `tool-${tool}`, request });
      }
    };
    for (const _ of Array(3)) await round();
    expect((await alertsOf(payer, 'breaker')).length).toBeLessThanOrEqual(70);
  });
});

describe('a payment that was written off', () => {
  test('is settled when the chain shows that it moved after all (law 5)', async () => {
    const payer = randomHex(20);
    await trust(payer, 10_000n, 100_000n);
    const call = callOf(payer, { price: 1_000n });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, { facts: factsOf(100_000n, 11) });
    await stubOf(payer).finish(call.id, attempt, success);
    pass(3_700);
    const intent = intentOf();
    expect(
      await stubOf(payer).apply({
        ...{ kind: 'writeOff', call: call.id, reason: 'no answer', by: operator, intent },
      }),
    ).toMatchObject({ verdict: 'applied' });
    // Hours later, because the settlement queue retries that long.
    pass(40_000);
    await runDurableObjectAlarm(stubOf(payer));
    const settled: SettlementResult = {
      ...{ call: call.id, transaction: randomHex(32), block: 20 },
      outcome: 'settled',
    };
    await stubOf(payer).settled([settled]);
    await stubOf(payer).settled([settled]);
    const last = (await entriesOf(payer)).at(-1);
    expect(last).toMatchObject({ type: 'payment.settled', payment: { block: 20 } });
    const settlements = (await entriesOf(payer)).filter(
      ({ type, call: of }) => type === 'payment.settled' && of === call.id,
    );
    expect(settlements).toHaveLength(1);
    expect(await purseOf(payer)).toMatchObject({ unsettled: '0', credit: '0', settled: '10000' });
    await stubOf(payer).settled([
      { call: call.id, outcome: 'failed', fault: 'payer', reason: 'unfunded' },
    ]);
    expect(await purseOf(payer)).toMatchObject({ credit: '0', settled: '10000' });
  });
});

describe('readers that wait for entries', () => {
  test('may hold 300 waits each, so that no reader keeps another out', async () => {
    const payer = await ownerWith(1_000n);
    const head = (await entriesOf(payer)).length;
    const listen = (by: Hex) => stubOf(payer).entries(head, 2_000, 10, accountOf(by));
    const crowd = Promise.all(Array.from({ length: 400 }, () => listen(payer)));
    const owner = listen(randomHex(20));
    const heard = (await crowd).filter(({ verdict }) => verdict !== 'unavailable');
    expect(heard).toHaveLength(300);
    expect((await owner).verdict).not.toBe('unavailable');
  });
});
