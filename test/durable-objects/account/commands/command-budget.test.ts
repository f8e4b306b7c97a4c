import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { entryText } from '../../../../src/audit/entry.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { CommandVerdict } from '../../../../src/protocol/account/command-verdict.ts';
import type {
  AccountCommand,
  CommandIntent,
  CommandSigner,
} from '../../../../src/protocol/account/command.ts';
import { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import { spendBudget } from '../../../../durable-objects/account/commands/command-budget.ts';
import { emptyAccount } from '../../../../durable-objects/account/state.ts';
import { ENTRY } from '../../../../durable-objects/store/entry.ts';
import {
  accountOf,
  entriesOf,
  onDisk,
  randomHex,
  snapshotOf,
  stubOf,
  trust,
} from '../../support.ts';
import { branchWith, enrol, grantOf, ownerWith, restore } from '../../tree-support.ts';

const DAY = 86_400;
const MIB = 1_048_576;

/** A stopped clock, so that no minute or day ends during a test and the rate limit does not recover. */
let clock = 0;
const pass = (seconds: number): void => {
  clock += seconds * 1_000;
  vi.spyOn(Date, 'now').mockImplementation(() => clock);
};
beforeEach(() => {
  clock = Math.floor(Date.now() / 1_000) * 1_000;
  pass(DAY - (nowSeconds() % DAY) + 60);
});
afterEach(restore);

const intentOf = (changes: Partial<CommandIntent> = {}): CommandIntent => ({
  fields: { tool: 'countersign.admin.test' },
  signature: `0x${'77'.repeat(65)}`,
  digest: randomHex(32),
  attempt: randomHex(16),
  validBefore: nowSeconds() + 300,
  ...changes,
});
const ownerBy = (payer: Hex): CommandSigner => ({ account: accountOf(payer), role: 'owner' });
const operator: CommandSigner = { account: accountOf(`0x${'0e'.repeat(20)}`), role: 'operator' };

/** A policy of 28 KB. Its hash depends on `seed`. */
const large = (seed: string) => ({
  require: Array.from({ length: 3 }, (_, at) => ({
    ...{ param: `p${at}`, op: 'in' },
    value: Array.from({ length: 64 }, (__, number) => `${seed}-${number}-`.padEnd(140, 'x')),
  })),
});

const setPolicy = (
  payer: Hex,
  by: CommandSigner,
  document: unknown,
  intent = intentOf(),
): Promise<CommandVerdict> =>
  stubOf(payer).apply({
    ...{ kind: 'policy', slot: by.role, document, by, intent, expected: '*' },
    ...(intent.fields['first'] === 'yes' ? { expected: 'none' } : {}),
  } as Extract<AccountCommand, { kind: 'policy' }>);
const first = () => intentOf({ fields: { first: 'yes' } });

const setLabel = (
  payer: Hex,
  by: CommandSigner,
  label: string,
  intent = intentOf(),
): Promise<CommandVerdict> =>
  stubOf(payer).apply({ kind: 'label', label, by, intent, expected: '*' });

/** Sets a label as an operator, whose commands count against no budget. Concurrent commands may replace it. */
const named = async (payer: Hex): Promise<Hex> => {
  const { verdict } = await stubOf(payer).apply({
    ...{ kind: 'label', label: 'first', by: operator, intent: intentOf() },
  });
  expect(verdict).toBe('applied');
  return payer;
};

const setStatus = (
  payer: Hex,
  by: CommandSigner,
  status: 'active' | 'frozen',
): Promise<CommandVerdict> =>
  stubOf(payer).apply({ kind: 'status', status, by, intent: intentOf() });

const tooMany = (rule: string, payer: Hex, more = {}) => ({
  verdict: 'refused',
  fault: { reason: 'too_many_commands', rule, account: accountOf(payer), ...more },
});

/** An account without a parent that has made a payment. */
const payerOf = async (): Promise<Hex> => {
  const payer = randomHex(20);
  await trust(payer, 1_000n, 1_000n);
  return payer;
};

/** Sends commands of 28 KB, `atOnce` of them concurrently, until the account refuses one. */
const flood = async (payer: Hex, by: CommandSigner, target = payer, atOnce = 100) => {
  await setPolicy(target, by, large('first'), first());
  for (let sent = 0; sent < 1_000; sent += atOnce) {
    const answers = await Promise.all(
      Array.from({ length: atOnce }, (_, at) => setPolicy(target, by, large(`${sent}-${at}`))),
    );
    const refused = answers.find(({ verdict }) => verdict === 'refused');
    if (refused !== undefined) return refused;
    // The rate allows two commands a second for ever. Only the daily budget of bytes stops this flood.
    pass(atOnce);
  }
  throw new Error('nothing was refused');
};

const loggedBy = async (payer: Hex): Promise<number> =>
  onDisk(payer, (disk) =>
    [...disk.find(ENTRY)].reduce((sum, entry) => sum + entryText(entry).length, 0),
  );

describe('the daily budget of bytes', () => {
  test('stops a flood of large policies, however many are concurrent', async () => {
    const payer = await payerOf();
    const refused = await flood(payer, ownerBy(payer));
    const reset = nowSeconds() + DAY - (nowSeconds() % DAY);
    expect(refused).toMatchObject(tooMany('command_bytes', payer, { limit: 4 * MIB, window: DAY }));
    const { retryAfter, resetsAt } = (
      refused as { fault: { retryAfter: number; resetsAt: number } }
    ).fault;
    expect(Math.abs(resetsAt - reset)).toBeLessThanOrEqual(1);
    expect(Math.abs(retryAfter - (reset - nowSeconds()))).toBeLessThanOrEqual(1);
    expect(await loggedBy(payer)).toBeLessThanOrEqual(4 * MIB + 8_192);
    // A short command may still fit. The next day every command fits again.
    pass(DAY);
    expect(await setPolicy(payer, ownerBy(payer), large('next day'))).toMatchObject({
      verdict: 'applied',
    });
  }, 120_000);

  test('refuses without a row: the same signed command passes the next day', async () => {
    const payer = await payerOf();
    await flood(payer, ownerBy(payer));
    pass(60);
    const before = await snapshotOf(payer);
    const intent = intentOf({ validBefore: nowSeconds() + 2 * DAY });
    for (let sent = 0; sent < 5; sent += 1) {
      expect(await setPolicy(payer, ownerBy(payer), large('late'), intent)).toMatchObject(
        tooMany('command_bytes', payer),
      );
    }
    const after = await snapshotOf(payer);
    expect([after.seq, after.rowsWritten]).toEqual([before.seq, before.rowsWritten]);
    pass(DAY);
    expect(await setPolicy(payer, ownerBy(payer), large('late'), intent)).toMatchObject({
      verdict: 'applied',
    });
  }, 120_000);

  test('survives an eviction', async () => {
    const payer = await payerOf();
    await flood(payer, ownerBy(payer));
    pass(60);
    await evictDurableObject(stubOf(payer));
    expect(await setPolicy(payer, ownerBy(payer), large('again'))).toMatchObject(
      tooMany('command_bytes', payer),
    );
  }, 120_000);

  test('is an eighth for an account that has never paid', () => {
    const budget = { now: 1_800_000_000, commandBytes: 8_000 };
    const nobody = emptyAccount(accountOf(randomHex(20)));
    expect(spendBudget(nobody, 'own', 1_000, budget)).toHaveProperty('state');
    expect(spendBudget(nobody, 'own', 1_001, budget)).toMatchObject({
      fault: { rule: 'command_bytes', limit: 1_000 },
    });
  });

  test('does not start a new day when the clock goes back', () => {
    const budget = { now: 20 * DAY, commandBytes: 8_000 };
    const nobody = emptyAccount(accountOf(randomHex(20)));
    const spent = spendBudget(nobody, 'own', 900, budget);
    if (!('state' in spent)) throw new Error('refused');
    const back = { ...budget, now: 20 * DAY - 10 };
    expect(spendBudget(spent.state, 'own', 101, back)).toHaveProperty('fault');
  });

  test('does not limit operators', async () => {
    const payer = await payerOf();
    await flood(payer, ownerBy(payer));
    expect(await setPolicy(payer, operator, large('operator'), first())).toMatchObject({
      verdict: 'applied',
    });
    await named(payer);
    const labels = Array.from({ length: 200 }, (_, at) => setLabel(payer, operator, `l${at}`));
    const answers = await Promise.all(labels);
    expect(answers.every(({ verdict }) => verdict === 'applied')).toBe(true);
  }, 120_000);

  test('does not keep an owner from stopping an account', async () => {
    const { owner, agent } = await branchWith(10_000n);
    await named(agent);
    await Promise.all(
      Array.from({ length: 140 }, () => setLabel(agent, ownerBy(owner), randomHex(8))),
    );
    expect(await setStatus(agent, ownerBy(owner), 'frozen')).toMatchObject({ verdict: 'applied' });
    // Reactivating the account is an ordinary command.
    expect(await setStatus(agent, ownerBy(owner), 'active')).toMatchObject(
      tooMany('command_rate', owner),
    );
  });
});

describe('the rate', () => {
  test('admits a burst of 120 commands, then two a second', async () => {
    const payer = await named(await payerOf());
    const many = (count: number) =>
      Promise.all(
        Array.from({ length: count }, () => setLabel(payer, ownerBy(payer), randomHex(8))),
      );
    const answers = await many(150);
    const passed = answers.filter(({ verdict }) => verdict === 'applied').length;
    expect(passed).toBe(120);
    expect(answers.at(-1)).toMatchObject(
      tooMany('command_rate', payer, { limit: 120, window: 60, retryAfter: 1 }),
    );
    pass(10);
    const later = (await many(40)).filter(({ verdict }) => verdict === 'applied').length;
    expect(later).toBe(20);
  });

  test('counts refused commands too, because the account remembers them', async () => {
    const payer = await payerOf();
    const wrong = () =>
      stubOf(payer).apply({
        ...{ kind: 'label', label: 'x', by: ownerBy(payer), intent: intentOf() },
        expected: `0x${'99'.repeat(32)}`,
      });
    const answers = await Promise.all(Array.from({ length: 150 }, wrong));
    const reasons = answers.map((each) => (each.verdict === 'refused' ? each.fault.reason : ''));
    expect(reasons.filter((reason) => reason === 'precondition_failed').length).toBeLessThan(125);
    expect(reasons.at(-1)).toBe('too_many_commands');
  });

  test('is not used up by copies of one signed command', async () => {
    const { owner, agent } = await branchWith(10_000n);
    await named(agent);
    const intent = intentOf();
    const copies = Array.from({ length: 200 }, () =>
      setLabel(agent, ownerBy(owner), 'once', { ...intent, attempt: randomHex(16) }),
    );
    const answers = await Promise.all(copies);
    expect(answers.filter(({ verdict }) => verdict === 'applied')).toHaveLength(1);
    expect(await setLabel(agent, ownerBy(owner), 'next')).toMatchObject({ verdict: 'applied' });
  });
});

describe('the budget in a tree', () => {
  test('counts an owner’s commands to all its agents in one budget', async () => {
    const owner = await ownerWith(10_000n);
    const agents = [randomHex(20), randomHex(20)] as const;
    for (const agent of agents) {
      await enrol(owner, agent);
      await named(agent);
    }
    const many = (agent: Hex) =>
      Array.from({ length: 80 }, () => setLabel(agent, ownerBy(owner), randomHex(8)));
    const answers = await Promise.all(agents.flatMap(many));
    const passed = answers.filter(({ verdict }) => verdict === 'applied').length;
    expect(passed).toBe(120);
    const refused = answers.filter(({ verdict }) => verdict === 'refused');
    expect(refused[0]).toMatchObject(tooMany('command_rate', owner));
    for (const agent of agents) await entriesOf(agent);
  });

  test('bounds all managers together, and leaves a part for their owner', async () => {
    const owner = await ownerWith(10_000n);
    const branches = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const [manager, agent] = [randomHex(20), randomHex(20)];
        const upper = await enrol(owner, manager, { depth: 2 });
        await enrol(manager, agent, { parent: upper.hash, depth: 1 });
        await named(agent);
        return { manager, agent };
      }),
    );
    const answers = await Promise.all(
      branches.flatMap(({ manager, agent }) =>
        Array.from({ length: 110 }, () => setLabel(agent, ownerBy(manager), randomHex(8))),
      ),
    );
    const passed = answers.filter(({ verdict }) => verdict === 'applied').length;
    // The managers' four grants already count. A 360th of a minute is not a whole number of milliseconds, so the last command may not fit.
    expect([355, 356]).toContain(passed);
    const refused = answers.filter(({ verdict }) => verdict === 'refused');
    expect(refused.at(-1)).toMatchObject(tooMany('command_rate', owner, { limit: 360 }));
    const [branch] = branches;
    expect(await setLabel(branch?.agent ?? '0x', ownerBy(owner), 'owner')).toMatchObject({
      verdict: 'applied',
    });
  });

  test('refuses commands while the account whose budget pays does not answer (law 2)', async () => {
    const { owner, agent } = await branchWith(10_000n);
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.spyOn(AgentAccount.prototype, 'countCommand').mockRejectedValue(new Error('overloaded'));
    const { seq } = await snapshotOf(agent);
    expect(await setLabel(agent, ownerBy(owner), 'x')).toEqual({ verdict: 'unavailable' });
    expect((await snapshotOf(agent)).seq).toBe(seq);
  });

  test('counts the grants that an account issues', async () => {
    const owner = await ownerWith(10_000n);
    const tools = Array.from({ length: 64 }, (_, at) => `tool-${at}-`.padEnd(60, 'x'));
    const facts = {
      hasCode: false,
      balance: 1n,
      asset: 'eip155:84532/erc20:0x',
      block: 1,
    } as const;
    let refused: CommandVerdict | undefined;
    let given = 0;
    for (; refused === undefined && given < 6_000; given += 400) {
      const answers = await Promise.all(
        Array.from({ length: 400 }, () =>
          stubOf(owner).apply({
            kind: 'issue',
            grant: grantOf(owner, randomHex(20), { tools }),
            facts: { ...facts, nonceUsed: false, at: nowSeconds() },
            consent: false,
          }),
        ),
      );
      refused = answers.find(({ verdict }) => verdict !== 'applied');
      pass(60);
    }
    expect(refused).toMatchObject(tooMany('command_bytes', owner, { limit: 16 * MIB }));
    expect(env.AGENT_ACCOUNT).toBeDefined();
  }, 300_000);
});
