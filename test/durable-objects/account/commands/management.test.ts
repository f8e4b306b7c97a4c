import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Applied } from '../../../../src/protocol/account/applied.ts';
import type { AccountCommand, Expected } from '../../../../src/protocol/account/command.ts';
import type { AgentAccountRpc } from '../../../../src/protocol/account/rpc.ts';
import type { CommandIntent, CommandSigner } from '../../../../src/protocol/account/signer.ts';
import type { Status } from '../../../../src/protocol/account/status.ts';
import type { Entry, Json } from '../../../../src/protocol/entry.ts';
import type { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import { loadCall } from '../../../../durable-objects/account/call/call-noun.ts';
import { APPLIED_COMMAND } from '../../../../durable-objects/account/commands/applied-command.ts';
import { DOCUMENT } from '../../../../durable-objects/account/commands/document.ts';
import { documentHash } from '../../../../durable-objects/account/commands/precondition.ts';
import {
  accountOf,
  asset,
  callOf,
  entriesOf,
  factsOf,
  intentCallOf,
  onDisk,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  tablesOf,
  trust,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  enrol,
  grantOf,
  offer,
  ownerWith,
  pass,
  register,
  restore,
  revoke,
  rowsOf,
  ruleOf,
} from '../../tree-support.ts';

afterEach(restore);

/** A signed intent as the gateway passes it to the account: each request has its own attempt. */
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

const orderStatus = (
  payer: Hex,
  by: CommandSigner,
  status: Status,
  order = intentOf(),
  expected?: Expected,
): Promise<Applied> =>
  stubOf(payer).apply({
    kind: 'status',
    status,
    by,
    order,
    ...(expected === undefined ? {} : { expected }),
  });

type PolicyChanges = Partial<Extract<AccountCommand, { readonly kind: 'policy' }>>;

const orderPolicy = async (
  payer: Hex,
  by: CommandSigner,
  document: unknown,
  changes: PolicyChanges = {},
): Promise<Applied> =>
  stubOf(payer).apply({
    kind: 'policy',
    slot: by.role,
    document,
    by,
    order: intentOf(),
    ...changes,
  });

const orderLabel = (
  payer: Hex,
  by: CommandSigner,
  label: string | null,
  changes: Partial<Extract<AccountCommand, { readonly kind: 'label' }>> = {},
): Promise<Applied> =>
  stubOf(payer).apply({ kind: 'label', label, by, order: intentOf(), ...changes });

type DocumentChanges = Partial<Extract<AccountCommand, { readonly kind: 'document' }>>;

const orderDocument = async (
  payer: Hex,
  document: unknown,
  changes: DocumentChanges = {},
): Promise<Applied> =>
  stubOf(payer).apply({
    kind: 'document',
    type: 'tool',
    name: 'lookup',
    document,
    by: operator,
    order: intentOf(),
    ...changes,
  });

const adjust = (payer: Hex, amount: bigint, order = intentOf()): Promise<Applied> =>
  stubOf(payer).apply({ kind: 'adjust', asset, amount, reason: 'goodwill', by: operator, order });

const standingOf = async (payer: Hex, by: CommandSigner = operator) => {
  const stub: Pick<AgentAccountRpc, 'standing'> = stubOf(payer);
  const found = await stub.standing({ account: accountOf(payer), by });
  if (found.verdict !== 'found') throw new Error(found.verdict);
  return found.standing;
};

const currentOf = (governed: Applied): Hex => {
  if (governed.verdict !== 'applied' || governed.current === undefined) {
    throw new Error(JSON.stringify(governed));
  }
  return governed.current;
};

const changed = { verdict: 'applied', changed: true } as const;
const refused = (reason: string) => ({ verdict: 'refused', fault: { reason } });

const lastEntry = async (payer: Hex): Promise<Entry> => {
  const last = (await entriesOf(payer)).at(-1);
  if (last === undefined) throw new Error('no entry');
  return last;
};

const seqOf = async (payer: Hex): Promise<number> => (await snapshotOf(payer)).seq;

const tight = { perCall: '10u' };
const wide = { perCall: '1000u' };

describe('permission for a command', () => {
  test('is granted as owner to ancestors, and to an account without a parent for itself', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    const other = await ownerWith(1_000n);
    for (const by of [owner, manager]) {
      expect(await orderStatus(agent, ownerBy(by), 'frozen')).toMatchObject(changed);
      expect(await orderStatus(agent, ownerBy(by), 'active')).toMatchObject(changed);
    }
    expect(await orderStatus(owner, ownerBy(owner), 'paused')).toMatchObject(changed);
    const before = await seqOf(agent);
    const strangers = [other, randomHex(20), agent];
    for (const by of strangers) {
      const orders: readonly AccountCommand[] = [
        { kind: 'status', status: 'frozen', by: ownerBy(by), order: intentOf() },
        { kind: 'policy', slot: 'owner', document: wide, by: ownerBy(by), order: intentOf() },
        { kind: 'label', label: 'mine', by: ownerBy(by), order: intentOf() },
        { kind: 'default', grant: randomHex(32), by: ownerBy(by), order: intentOf() },
        {
          kind: 'document',
          type: 'webhook',
          name: 'a',
          document: {},
          by: ownerBy(by),
          order: intentOf(),
        },
      ];
      for (const order of orders) {
        expect(await stubOf(agent).apply(order)).toEqual(refused('forbidden'));
      }
    }
    // A manager has no permission over its ancestors or siblings.
    expect(await orderStatus(owner, ownerBy(manager), 'frozen')).toEqual(refused('forbidden'));
    expect(await orderStatus(other, ownerBy(manager), 'frozen')).toEqual(refused('forbidden'));
    expect(await seqOf(agent)).toBe(before);
  });

  test('keeps operator commands from owners and owner commands from operators', async () => {
    const owner = await ownerWith(1_000n);
    const call = randomHex(32);
    const owners: readonly AccountCommand[] = [
      { kind: 'policy', slot: 'operator', document: wide, by: ownerBy(owner), order: intentOf() },
      { kind: 'redrive', call, by: ownerBy(owner), order: intentOf() },
      { kind: 'writeOff', call, reason: 'no', by: ownerBy(owner), order: intentOf() },
      {
        kind: 'document',
        type: 'tool',
        name: 'x',
        document: {},
        by: ownerBy(owner),
        order: intentOf(),
      },
    ];
    const operators: readonly AccountCommand[] = [
      { kind: 'policy', slot: 'owner', document: wide, by: operator, order: intentOf() },
      { kind: 'default', grant: call, by: operator, order: intentOf() },
    ];
    for (const order of [...owners, ...operators]) {
      expect(await stubOf(owner).apply(order)).toEqual(refused('forbidden'));
    }
    const applied = await stubOf(owner).apply({
      kind: 'adjust',
      asset,
      amount: 5n,
      reason: 'for me',
      by: ownerBy(owner),
      order: intentOf(),
    });
    expect(applied).toEqual(refused('forbidden'));
    expect((await purseOf(owner)).credit).toBe('1000');
  });

  test('is denied to an unknown key for its own account, without a row (law 12)', async () => {
    const key = randomHex(20);
    expect(await orderStatus(key, ownerBy(key), 'frozen')).toEqual({
      verdict: 'refused',
      fault: { reason: 'penniless', field: 'account' },
    });
    expect(await orderLabel(key, ownerBy(key), 'mine')).toMatchObject(refused('penniless'));
    expect(await orderLabel(key, ownerBy(randomHex(20)), 'mine')).toEqual(refused('forbidden'));
    // A refused command of an operator creates no table either.
    expect(await orderPolicy(key, operator, { perCall: 'much' })).toMatchObject(
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
      expect(await orderStatus(each, ownerBy(owner), 'frozen')).toMatchObject(changed);
      expect((await standingOf(each, ownerBy(owner))).ownerStatus).toBe('frozen');
      // The agent still has a parent, so it may not act as its own owner.
      expect(await orderStatus(each, ownerBy(each), 'active')).toEqual(refused('forbidden'));
    }
  });

  test('remains with all ancestors after every grant was pruned', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(await orderStatus(agent, ownerBy(owner), 'frozen')).toMatchObject(changed);
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
    expect(await orderStatus(agent, ownerBy(manager), 'active')).toEqual(refused('forbidden'));
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

describe('a signed command', () => {
  test('is rejected in a second request, while a retry by the runtime gets the first answer', async () => {
    const owner = await ownerWith(1_000n);
    const freeze = intentOf();
    const first = await orderStatus(owner, ownerBy(owner), 'frozen', freeze);
    expect(first).toMatchObject(changed);
    expect(await orderStatus(owner, ownerBy(owner), 'active')).toMatchObject(changed);
    // An attacker who has seen the request sends it again.
    const again = { ...freeze, attempt: randomHex(16) };
    expect(await orderStatus(owner, ownerBy(owner), 'frozen', again)).toEqual(
      refused('already_used'),
    );
    expect(await orderStatus(owner, ownerBy(owner), 'frozen', freeze)).toEqual(first);
    await evictDurableObject(stubOf(owner));
    expect(await orderStatus(owner, ownerBy(owner), 'frozen', again)).toEqual(
      refused('already_used'),
    );
    expect((await standingOf(owner)).status).toBe('active');
  });

  test('is used up by a refusal, and not by a dry run or by a caller without permission', async () => {
    const owner = await ownerWith(1_000n);
    const intent = intentOf();
    const changes = { order: intent, expected: randomHex(32) };
    expect(await orderPolicy(owner, ownerBy(owner), wide, changes)).toEqual(
      refused('precondition_failed'),
    );
    // `If-Match` is not signed: an attacker who has seen the request could send it with another value.
    const again = { order: { ...intent, attempt: randomHex(16) } };
    expect(await orderPolicy(owner, ownerBy(owner), wide, again)).toEqual(refused('already_used'));

    const dry = intentOf();
    for (let times = 0; times < 2; times += 1) {
      const order = { ...dry, attempt: randomHex(16) };
      expect(await orderPolicy(owner, ownerBy(owner), wide, { order, dryRun: true })).toMatchObject(
        changed,
      );
    }
    const stranger = ownerBy(randomHex(20));
    expect(await orderPolicy(owner, stranger, wide, { order: dry })).toEqual(refused('forbidden'));
    expect(await orderPolicy(owner, ownerBy(owner), wide, { order: dry })).toMatchObject(changed);
  });

  test('is applied once by concurrent requests', async () => {
    const payer = randomHex(20);
    const intent = intentOf();
    const all = await Promise.all(
      Array.from({ length: 5 }, () => adjust(payer, 7n, { ...intent, attempt: randomHex(16) })),
    );
    expect(all.filter(({ verdict }) => verdict === 'applied')).toHaveLength(1);
    expect((await purseOf(payer)).credit).toBe('7');
  });

  test('is forgotten after its intent expired, and rejected as too old from then on', async () => {
    const owner = await ownerWith(1_000n);
    const kept = (): Promise<number> => onDisk(owner, (disk) => disk.count(APPLIED_COMMAND));
    const old = intentOf();
    await orderLabel(owner, ownerBy(owner), 'one', { order: old });
    await orderLabel(owner, ownerBy(owner), null);
    expect(await kept()).toBe(2);
    pass(301);
    expect(
      await orderLabel(owner, ownerBy(owner), 'one', {
        order: { ...old, attempt: randomHex(16) },
      }),
    ).toEqual(refused('already_used'));
    pass(60);
    expect(
      await orderLabel(owner, ownerBy(owner), 'one', {
        order: { ...old, attempt: randomHex(16) },
      }),
    ).toEqual(refused('already_used'));
    await orderLabel(owner, ownerBy(owner), 'two');
    expect(await kept()).toBe(1);
    // The account has forgotten the command; it rejects the intent because it is too old.
    await orderLabel(owner, ownerBy(owner), null);
    expect(
      await orderLabel(owner, ownerBy(owner), 'one', {
        order: { ...old, attempt: randomHex(16) },
      }),
    ).toEqual(refused('already_used'));
    expect(await standingOf(owner)).not.toHaveProperty('label');
  });

  test('is applied once, whatever its kind', async () => {
    const payer = await ownerWith(1_000n);
    const kinds: readonly ((order: CommandIntent) => Promise<Applied>)[] = [
      (order) => orderStatus(payer, operator, 'paused', order),
      (order) => orderPolicy(payer, operator, wide, { order }),
      (order) => orderLabel(payer, operator, 'shop', { order }),
      (order) => orderDocument(payer, { id: 'lookup' }, { order }),
      (order) => adjust(payer, 5n, order),
    ];
    for (const give of kinds) {
      const intent = intentOf();
      const first = await give(intent);
      const seq = await seqOf(payer);
      expect(await give(intent)).toEqual(first);
      expect(await give({ ...intent, attempt: randomHex(16) })).toEqual(refused('already_used'));
      expect(await seqOf(payer)).toBe(seq);
    }
    expect((await purseOf(payer)).credit).toBe('1005');
  });
});

describe('If-Match', () => {
  test('lets one of two concurrent edits of one state win (lost update)', async () => {
    const owner = await ownerWith(1_000n);
    const by = ownerBy(owner);
    const first = currentOf(await orderPolicy(owner, by, tight));
    const [one, two] = await Promise.all([
      orderPolicy(owner, by, wide, { expected: first }),
      orderPolicy(owner, by, { perCall: '500u' }, { expected: first }),
    ]);
    expect(one).toMatchObject(changed);
    const current = currentOf(one);
    expect(two).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_failed', current },
    });
    expect((await standingOf(owner)).etags).toEqual({ owner: current });
  });

  test('is required to replace a policy, and not to create or remove one', async () => {
    const owner = await ownerWith(1_000n);
    const by = ownerBy(owner);
    const none = { expected: 'none' as const };
    const any = { expected: '*' as const };
    expect(await orderPolicy(owner, by, tight, any)).toEqual(refused('precondition_failed'));
    const current = currentOf(await orderPolicy(owner, by, tight, none));
    expect(await orderPolicy(owner, by, tight, none)).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_failed', current },
    });
    expect(await orderPolicy(owner, by, wide)).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_required', current },
    });
    // The same policy again replaces nothing.
    expect(await orderPolicy(owner, by, tight)).toMatchObject({ changed: false, current });
    expect(await orderPolicy(owner, by, wide, any)).toMatchObject(changed);
    expect(await orderPolicy(owner, by, null, { expected: current })).toMatchObject(
      refused('precondition_failed'),
    );
    const gone = await orderPolicy(owner, by, null);
    expect(gone).toMatchObject(changed);
    expect(gone).not.toHaveProperty('current');
    expect((await standingOf(owner)).etags).toEqual({});
  });

  test('guards labels, a status and the default grant', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const [one, two] = [await enrol(owner, agent), await enrol(owner, agent)];
    const by = ownerBy(owner);
    const label = currentOf(await orderLabel(agent, by, 'shop'));
    expect(await orderLabel(agent, by, 'other')).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_required', current: label },
    });
    expect(await orderLabel(agent, by, 'other', { expected: label })).toMatchObject(changed);
    expect(await standingOf(agent)).toMatchObject({ label: 'other' });

    const paused = currentOf(await orderStatus(agent, by, 'paused'));
    expect(await orderStatus(agent, by, 'frozen')).toMatchObject(changed);
    expect(await orderStatus(agent, by, 'active', intentOf(), paused)).toMatchObject(
      refused('precondition_failed'),
    );

    const order = (grant: Hex, expected?: Expected): AccountCommand => ({
      kind: 'default',
      grant,
      by,
      order: intentOf(),
      ...(expected === undefined ? {} : { expected }),
    });
    // The grant that was registered last is the default already.
    expect(await stubOf(agent).apply(order(two.hash))).toMatchObject({ changed: false });
    const first = currentOf(await stubOf(agent).apply(order(one.hash)));
    expect(await stubOf(agent).apply(order(two.hash, 'none'))).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_failed', current: first },
    });
    expect(await stubOf(agent).apply(order(two.hash, first))).toMatchObject(changed);
  });
});

describe('the statuses of operator and owner', () => {
  test('are lifted only by the side that set them', async () => {
    const owner = await ownerWith(1_000n);
    const by = ownerBy(owner);
    await orderStatus(owner, operator, 'frozen');
    expect(await orderStatus(owner, by, 'paused')).toMatchObject(changed);
    expect(await standingOf(owner)).toMatchObject({
      status: 'frozen',
      operatorStatus: 'frozen',
      ownerStatus: 'paused',
    });
    await orderStatus(owner, by, 'active');
    expect(ruleOf(await callOnce(owner, 10n))).toBe('frozen');
    await orderStatus(owner, by, 'paused');
    await orderStatus(owner, operator, 'active');
    await evictDurableObject(stubOf(owner));
    expect(ruleOf(await callOnce(owner, 10n))).toBe('paused');
    await orderStatus(owner, by, 'active');
    expect(ruleOf(await callOnce(owner, 10n))).toBe('go');
  });

  test('stay revoked once one side revoked the account', async () => {
    const { owner, agent } = await branchWith(1_000n);
    await orderStatus(agent, operator, 'revoked');
    for (const by of [operator, ownerBy(owner)]) {
      await orderStatus(agent, by, 'active');
      expect((await standingOf(agent)).status).toBe('revoked');
    }
    expect(await orderStatus(agent, operator, 'paused')).toMatchObject(refused('grant_refused'));
  });

  test('are logged with the signer, its role and the resulting status', async () => {
    const { owner, agent } = await branchWith(1_000n);
    await orderStatus(agent, operator, 'frozen');
    const order = intentOf();
    await orderStatus(agent, ownerBy(owner), 'paused', order);
    expect(await lastEntry(agent)).toMatchObject({
      type: 'account.status',
      decision: 'paused',
      outcome: { side: 'owner', status: 'frozen' },
      evidence: {
        order: order.fields,
        signature: order.signature,
        by: accountOf(owner),
        role: 'owner',
      },
    });
  });
});

describe('an ancestor between owner and agent', () => {
  test('cannot lift a freeze of its own ancestor, and may freeze the agent again once it is lifted', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    const [root, middle] = [ownerBy(owner), ownerBy(manager)];
    await orderStatus(agent, root, 'frozen');
    for (const status of ['active', 'paused', 'revoked'] as const) {
      expect(await orderStatus(agent, middle, status)).toEqual(refused('forbidden'));
    }
    expect(await orderStatus(agent, root, 'active')).toMatchObject(changed);
    expect(await orderStatus(agent, middle, 'frozen')).toMatchObject(changed);
    expect(await orderStatus(agent, root, 'paused')).toMatchObject(changed);
    expect(await orderStatus(agent, middle, 'active')).toEqual(refused('forbidden'));
  });

  test('cannot lift its own freeze once its ancestor has ordered it too', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    expect(await orderStatus(agent, ownerBy(manager), 'frozen')).toMatchObject(changed);
    expect(await orderStatus(agent, ownerBy(owner), 'frozen')).toMatchObject(changed);
    // The freeze remains the owner's when a descendant orders it once more.
    expect(await orderStatus(agent, ownerBy(manager), 'frozen')).toMatchObject({ changed: false });
    await evictDurableObject(stubOf(agent));
    expect(await orderStatus(agent, ownerBy(manager), 'active')).toEqual(refused('forbidden'));
  });

  test('cannot replace or remove a policy of its ancestor', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    const [root, middle] = [ownerBy(owner), ownerBy(manager)];
    const any = { expected: '*' as const };
    expect(await orderPolicy(agent, middle, wide)).toMatchObject(changed);
    expect(await orderPolicy(agent, root, tight, any)).toMatchObject(changed);
    for (const document of [wide, null]) {
      expect(await orderPolicy(agent, middle, document, any)).toEqual(refused('forbidden'));
      expect(await orderPolicy(agent, middle, document)).toEqual(refused('forbidden'));
    }
    expect(await orderPolicy(agent, middle, tight, any)).toMatchObject({ changed: false });
    expect(ruleOf(await callOnce(agent, 50n))).toBe('per_call');
    await evictDurableObject(stubOf(agent));
    expect(await orderPolicy(agent, middle, wide, any)).toEqual(refused('forbidden'));
    expect(await orderPolicy(agent, root, null)).toMatchObject(changed);
    expect(await orderPolicy(agent, middle, wide)).toMatchObject(changed);
    // The ancestor that sets the same policy becomes its author.
    expect(await orderPolicy(agent, root, wide)).toMatchObject(changed);
    expect(await orderPolicy(agent, middle, tight, any)).toEqual(refused('forbidden'));
  });

  test('sets a policy that applies together with the operator’s', async () => {
    const { owner, agent } = await branchWith(10_000n);
    await orderPolicy(agent, operator, { perCall: '100u' });
    await orderPolicy(agent, ownerBy(owner), wide);
    expect(ruleOf(await callOnce(agent, 500n))).toBe('per_call');
    expect((await standingOf(agent)).etags).toEqual({
      operator: expect.any(String) as string,
      owner: expect.any(String) as string,
    });
  });
});

describe('the issuer of a grant', () => {
  const orders = (issuer: Hex, key: Hex) => [
    orderStatus(key, ownerBy(issuer), 'revoked'),
    orderPolicy(key, ownerBy(issuer), { tools: [] }),
    orderLabel(key, ownerBy(issuer), 'mine'),
    orderDocument(
      key,
      { url: 'https://stranger.example' },
      { type: 'webhook', by: ownerBy(issuer) },
    ),
  ];

  test('has no permission over an account that did not consent', async () => {
    const stranger = await ownerWith(1_000n);
    for (const key of [randomHex(20), await ownerWith(100n)]) {
      await offer(grantOf(stranger, key));
      const before = await snapshotOf(key);
      for (const ordered of await Promise.all(orders(stranger, key))) {
        expect(ordered).toEqual(refused('forbidden'));
      }
      expect(await snapshotOf(key)).toEqual(before);
    }
  });

  test('has permission once the account has consented', async () => {
    const owner = await ownerWith(1_000n);
    const key = randomHex(20);
    await enrol(owner, key);
    for (const ordered of await Promise.all(orders(owner, key))) {
      expect(ordered).toMatchObject(changed);
    }
  });

  test('keeps an account that it froze from moving to a new owner (law 8)', async () => {
    const owner = await ownerWith(1_000n);
    const key = randomHex(20);
    await enrol(owner, key);
    await orderStatus(key, ownerBy(owner), 'frozen');
    const next = await ownerWith(1_000n);
    pass(100);
    expect(await register(grantOf(next, key))).toMatchObject(refused('grant_refused'));
    expect((await standingOf(key)).status).toBe('frozen');
  });
});

describe('a label', () => {
  test('creates the account when an operator sets it, so the account is known from then on', async () => {
    const key = randomHex(20);
    expect(await orderLabel(key, operator, 'Till 4')).toMatchObject(changed);
    expect(await stubOf(key).relation({ by: accountOf(key) })).toMatchObject({ exists: true });
    expect(await standingOf(key)).toMatchObject({ label: 'Till 4', revision: 0 });
    expect(await lastEntry(key)).toMatchObject({
      type: 'account.label',
      outcome: { label: 'Till 4' },
    });
    await evictDurableObject(stubOf(key));
    expect(await standingOf(key)).toMatchObject({ label: 'Till 4' });
    expect(await orderLabel(key, operator, null)).toMatchObject(changed);
    expect(await standingOf(key)).not.toHaveProperty('label');
  });

  test('must be text of 1 to 256 characters', async () => {
    for (const label of ['', 'x'.repeat(257), '\ud800']) {
      expect(await orderLabel(randomHex(20), operator, label)).toMatchObject(
        refused('not_writable'),
      );
    }
  });
});

describe('running calls that a new policy would deny', () => {
  test('are counted in the answer and may finish; a dry run changes nothing', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const begin = async (price: bigint, tool: string) => {
      const call = intentCallOf(agent, { price, tool, settlement: 'credit', audience: AUDIENCE });
      const attempt = randomHex(16);
      const verdict = await stubOf(agent).reserve(call, attempt, { facts: factsOf(0n) });
      expect(verdict.verdict).toBe('go');
      return { call, attempt };
    };
    const dear = await begin(600n, 'lookup');
    await begin(10n, 'lookup');
    await begin(10n, 'search');
    const by = ownerBy(owner);
    const seq = await seqOf(agent);
    const cases = [
      [{ perCall: '500u' }, 1],
      [{ tools: ['search'] }, 2],
      [{ tools: ['*'] }, 0],
      [{ windows: [{ every: 'day', limit: '619u' }] }, 3],
      [{ windows: [{ every: 'day', limit: '620u' }] }, 0],
      [{ payees: [] }, 3],
      [{ payees: [dear.call.payTo] }, 0],
      [null, 0],
    ] as const;
    for (const [document, cutOff] of cases) {
      const answer = await orderPolicy(agent, by, document, { dryRun: true });
      expect(answer).toMatchObject({ inFlight: { held: 3, cutOff } });
    }
    expect(await seqOf(agent)).toBe(seq);
    expect((await standingOf(agent)).etags).toEqual({});
    expect(await orderPolicy(agent, by, { perCall: '500u' })).toMatchObject({
      ...changed,
      inFlight: { held: 3, cutOff: 1 },
    });
    expect(await stubOf(agent).finish(dear.call.call, dear.attempt, success)).toMatchObject({
      verdict: 'finished',
      charged: 600n,
    });
    const known = (await standingOf(agent)).etags?.owner;
    expect(await orderPolicy(agent, by, wide, { dryRun: true })).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_required', current: known },
    });
    const dry = await orderPolicy(agent, by, wide, { dryRun: true, expected: '*' });
    expect(dry).toMatchObject({ changed: true, current: known, inFlight: { held: 2, cutOff: 0 } });
  });
});

describe('credit', () => {
  test('is adjusted by an operator, with signer and reason in the log', async () => {
    const payer = randomHex(20);
    expect(await adjust(payer, 50n)).toMatchObject({
      verdict: 'applied',
      changed: true,
      credit: 50n,
    });
    expect(await lastEntry(payer)).toMatchObject({
      type: 'credit.adjusted',
      decision: 'added',
      amounts: { amount: '50' },
      payment: { asset, credit: '50' },
      outcome: { reason: 'goodwill' },
      evidence: { by: operator.account, role: 'operator' },
    });
    expect(await adjust(payer, -20n)).toMatchObject({
      verdict: 'applied',
      changed: true,
      credit: 30n,
    });
    expect(await lastEntry(payer)).toMatchObject({ decision: 'taken', amounts: { amount: '20' } });
    expect(ruleOf(await callOnce(payer, 30n))).toBe('go');
  });

  test('is never reduced below zero or below what running calls hold', async () => {
    const payer = await ownerWith(100n);
    const seq = await seqOf(payer);
    expect(await adjust(payer, -101n)).toEqual({
      verdict: 'refused',
      fault: { reason: 'credit_too_low', credit: '100' },
    });
    expect(await adjust(payer, 0n)).toMatchObject(refused('not_writable'));
    expect(await adjust(payer, 2n ** 53n)).toMatchObject(refused('not_writable'));
    expect(await seqOf(payer)).toBe(seq);
    const call = intentCallOf(payer, { price: 60n, settlement: 'credit' });
    await stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(0n) });
    expect(await adjust(payer, -41n)).toEqual({
      verdict: 'refused',
      fault: { reason: 'credit_too_low', credit: '40' },
    });
    expect(await adjust(payer, -40n)).toMatchObject({
      verdict: 'applied',
      changed: true,
      credit: 60n,
    });
  });

  test('is not adjusted by a command without a digest, whose repeat the account could not recognise', async () => {
    const payer = randomHex(20);
    const { digest: _, ...order } = intentOf();
    expect(await adjust(payer, 50n, order)).toEqual({ verdict: 'unavailable' });
    expect(await tablesOf(payer)).toEqual([]);
  });
});

/** A payment whose tool has answered and that is not settled yet. */
const openPayment = async () => {
  const payer = randomHex(20);
  await trust(payer, 10_000n, 100_000n);
  const call = callOf(payer, { price: 1_000n });
  const attempt = randomHex(16);
  const verdict = await stubOf(payer).reserve(call, attempt, { facts: factsOf(100_000n, 11) });
  expect(verdict.verdict).toBe('go');
  await stubOf(payer).finish(call.call, attempt, success);
  return {
    payer,
    call: call.call,
    until: call.validBefore,
    signature: call.payment?.signature ?? '',
  };
};

const writeOff = (payer: Hex, call: Hex, order = intentOf()): Promise<Applied> =>
  stubOf(payer).apply({ kind: 'writeOff', call, reason: 'lost key', by: operator, order });

const redrive = (payer: Hex, call: Hex, order = intentOf()): Promise<Applied> =>
  stubOf(payer).apply({ kind: 'redrive', call, by: operator, order });

describe('a write-off', () => {
  test('is refused until the authorization has expired, and leaves no debt', async () => {
    const { payer, call, until, signature } = await openPayment();
    expect(await purseOf(payer)).toMatchObject({ unsettled: '1000', settled: '10000' });
    pass(3_000);
    expect(await writeOff(payer, call)).toMatchObject({
      verdict: 'refused',
      fault: {
        reason: 'not_writable',
        hint: expect.stringContaining(String(until + 30)) as string,
      },
    });
    pass(615);
    expect(await writeOff(payer, call)).toMatchObject(refused('not_writable'));
    pass(20);
    const order = intentOf();
    const written = await writeOff(payer, call, order);
    expect(written).toMatchObject(changed);
    expect(await purseOf(payer)).toMatchObject({ unsettled: '0', credit: '0', settled: '9000' });
    expect(await lastEntry(payer)).toMatchObject({
      type: 'payment.failed',
      call,
      amounts: { amount: '1000' },
      payment: { fault: 'gateway', reason: 'written_off' },
      outcome: { reason: 'lost key' },
      evidence: {
        order: order.fields,
        signature: order.signature,
        paymentSignature: signature,
        by: operator.account,
      },
    });
    expect((await snapshotOf(payer)).open).toBe(0);
    // The account erases the signature of every payment that has ended.
    const record = await onDisk(payer, (disk) => loadCall(disk, call));
    expect(record?.held?.signature).toBeUndefined();
    expect(await writeOff(payer, call)).toMatchObject(refused('not_writable'));
  });

  test('is refused without an open payment', async () => {
    const { payer, call } = await openPayment();
    expect(await writeOff(payer, randomHex(32))).toEqual(refused('unknown_call'));
    await stubOf(payer).settled([
      { call, outcome: 'settled', transaction: randomHex(32), block: 12 },
    ]);
    pass(4_000);
    expect(await writeOff(payer, call)).toMatchObject(refused('not_writable'));
    const running = callOf(payer, { price: 500n });
    await stubOf(payer).reserve(running, randomHex(16), { facts: factsOf(100_000n, 13) });
    expect(await writeOff(payer, running.call)).toMatchObject(refused('not_writable'));
  });
});

describe('a redrive of a settlement', () => {
  /** Collects the messages that an account sends to the settlement queue from now on. */
  const messagesOf = async (payer: Hex): Promise<string[]> => {
    const sent: string[] = [];
    await runInDurableObject(stubOf(payer), (object: AgentAccount) => {
      const { SETTLEMENT_QUEUE: queue } = Reflect.get(object, 'env') as Env;
      vi.spyOn(queue, 'sendBatch').mockImplementation((messages) => {
        for (const { body } of messages) sent.push((body as { call: string }).call);
        return Promise.resolve({} as QueueSendBatchResponse);
      });
    });
    return sent;
  };

  test('sends a message to the queue at once, and adds an entry', async () => {
    const { payer, call } = await openPayment();
    await stubOf(payer).settled([{ call, outcome: 'sent', backend: 'test' }]);
    const sent = await messagesOf(payer);
    await orderLabel(payer, operator, 'nothing to do with it');
    expect(sent).toEqual([]);
    expect(await redrive(payer, call)).toMatchObject(changed);
    expect(sent).toEqual([call]);
    expect(await lastEntry(payer)).toMatchObject({
      type: 'settlement.redriven',
      call,
      payment: { state: 'sent' },
      evidence: { by: operator.account },
    });
    expect(await redrive(payer, call)).toMatchObject(changed);
    expect(sent).toEqual([call, call]);
  });

  test('is refused without an open payment', async () => {
    const { payer, call } = await openPayment();
    const running = callOf(payer, { price: 500n });
    await stubOf(payer).reserve(running, randomHex(16), { facts: factsOf(100_000n, 13) });
    await stubOf(payer).settled([
      { call, outcome: 'settled', transaction: randomHex(32), block: 12 },
    ]);
    const sent = await messagesOf(payer);
    expect(await redrive(payer, randomHex(32))).toEqual(refused('unknown_call'));
    for (const each of [call, running.call]) {
      expect(await redrive(payer, each)).toMatchObject(refused('not_writable'));
    }
    // An upfront payment is left to its own request until that request must have given up.
    const first = callOf(payer, { price: 500n, settlement: 'upfront' });
    const verdict = await stubOf(payer).reserve(first, randomHex(16), {
      facts: factsOf(100_000n, 14),
    });
    expect(verdict.verdict).toBe('settle');
    expect(await redrive(payer, first.call)).toMatchObject(refused('not_writable'));
    expect(sent).toEqual([]);
    pass(100);
    expect(await redrive(payer, first.call)).toMatchObject(changed);
    expect(sent).toContain(first.call);
  });
});

describe('the document of a policy', () => {
  test('is in the log once, and its hash in every entry', async () => {
    const payer = await ownerWith(1_000n);
    const [one, other] = [{ perCall: '5u' }, { perCall: '6u' }];
    const put = async (document: unknown, expected: Expected) =>
      expect(await orderPolicy(payer, operator, document, { expected })).toMatchObject(changed);
    await put(one, 'none');
    for (const document of [other, one, null]) await put(document, '*');
    await put(one, 'none');
    const entries = (await entriesOf(payer)).filter(({ type }) => type === 'account.policy');
    const texts = entries.map(({ evidence }) => evidence?.['policy']);
    expect(texts.map((text) => text !== undefined)).toEqual([true, true, false, false, false]);
    const hashes = entries.map(({ outcome }) => outcome?.['hash']);
    expect(hashes).toEqual([hashes[0], hashes[1], hashes[0], null, hashes[0]]);
    // The hash covers the document exactly as the entry holds it.
    expect(documentHash(texts[0] as Json)).toBe(hashes[0]);
    expect(documentHash(texts[1] as Json)).toBe(hashes[1]);
  });
});

describe('documents', () => {
  const tool = { id: 'lookup', price: '$0.01', nested: { list: [1, 'two', null, true] } };

  test('are stored, replaced with the current hash, and removed', async () => {
    const keeper = randomHex(20);
    expect(await stubOf(keeper).document('tool', 'lookup')).toEqual({ verdict: 'unknown' });
    const hash = currentOf(await orderDocument(keeper, tool, { expected: 'none' }));
    await evictDurableObject(stubOf(keeper));
    expect(await stubOf(keeper).document('tool', 'lookup')).toEqual({
      verdict: 'found',
      hash,
      document: tool,
    });
    expect(await lastEntry(keeper)).toMatchObject({
      type: 'tool.put',
      outcome: { name: 'lookup', hash },
      evidence: { document: tool, by: operator.account, role: 'operator' },
    });
    // The same document with its members in another order has the same hash.
    const { id, ...rest } = tool;
    expect(await orderDocument(keeper, { ...rest, id })).toMatchObject({
      changed: false,
      current: hash,
    });
    expect(await orderDocument(keeper, { id: 'other' })).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_required', current: hash },
    });
    expect(await orderDocument(keeper, { id: 'other' }, { expected: hash })).toMatchObject(changed);
    expect(await orderDocument(keeper, null, { expected: hash })).toMatchObject(
      refused('precondition_failed'),
    );
    expect(await orderDocument(keeper, null)).toMatchObject(changed);
    expect(await lastEntry(keeper)).toMatchObject({
      type: 'tool.removed',
      outcome: { name: 'lookup' },
    });
    expect(await orderDocument(keeper, null)).toMatchObject({ changed: false });
    expect(await stubOf(keeper).document('tool', 'lookup')).toEqual({ verdict: 'unknown' });
  });

  test('are in the log once: later entries name a document by its hash', async () => {
    const keeper = randomHex(20);
    const other = { ...tool, description: 'Another text.' };
    const put = (document: unknown) => orderDocument(keeper, document, { expected: '*' });
    await orderDocument(keeper, tool, { expected: 'none' });
    for (const document of [other, tool, other]) {
      expect(await put(document)).toMatchObject(changed);
    }
    await evictDurableObject(stubOf(keeper));
    expect(await put(tool)).toMatchObject(changed);
    const entries = (await entriesOf(keeper)).filter(({ type }) => type === 'tool.put');
    expect(entries.map(({ evidence }) => evidence?.['document'])).toEqual([
      ...[tool, other, undefined, undefined, undefined],
    ]);
    const [first, second] = entries.map(({ outcome }) => outcome?.['hash']);
    expect(entries.map(({ outcome }) => outcome?.['hash'])).toEqual([
      ...[first, second, first, second, first],
    ]);
    // The account stores the document itself, whichever entry contains it.
    expect(await stubOf(keeper).document('tool', 'lookup')).toMatchObject({ document: tool });
  });

  test('start from the gateway’s configuration until a command changes them', async () => {
    const keeper = randomHex(20);
    const known = randomHex(32);
    expect(await orderDocument(keeper, tool, { known })).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_required', current: known },
    });
    expect(await orderDocument(keeper, tool, { known, expected: 'none' })).toMatchObject(
      refused('precondition_failed'),
    );
    expect(await orderDocument(keeper, null, { known, expected: known })).toMatchObject(changed);
    // A removed document stays removed, even if an isolate still has the configured one.
    expect(await orderDocument(keeper, tool, { known, expected: known })).toEqual(
      refused('precondition_failed'),
    );
    expect(await orderDocument(keeper, tool, { known, expected: 'none' })).toMatchObject(changed);
  });

  test('must be JSON without fractions, of at most 16 KiB and seven levels', async () => {
    const keeper = randomHex(20);
    const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
    const bad = ['x'.repeat(16_383), { price: 0.5 }, deep(8), { text: '\ud800' }];
    for (const document of bad) {
      expect(await orderDocument(keeper, document)).toMatchObject(refused('not_writable'));
    }
    expect(await orderDocument(keeper, tool, { name: '' })).toMatchObject(refused('not_writable'));
    expect(await tablesOf(keeper)).toEqual([]);
    expect(await orderDocument(keeper, deep(7))).toMatchObject(changed);
    await orderDocument(keeper, 'x'.repeat(16_382), { name: 'long' });
    // The entry of a document must fit into an export chunk.
    expect((await entriesOf(keeper)).map(({ type }) => type)).toEqual(['tool.put', 'tool.put']);
  });

  test('let an owner put and remove webhooks of its own account and of its descendants', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const hook = { url: 'https://owner.example/hook', events: ['*'] };
    const on = (payer: Hex, by: Hex, document: unknown) =>
      orderDocument(payer, document, { type: 'webhook', name: 'main', by: ownerBy(by) });
    expect(await on(owner, owner, hook)).toMatchObject(changed);
    expect(await on(agent, manager, hook)).toMatchObject(changed);
    expect(await lastEntry(agent)).toMatchObject({ type: 'webhook.put' });
    expect(await on(agent, owner, null)).toMatchObject(changed);
    expect(await lastEntry(agent)).toMatchObject({ type: 'webhook.removed' });
    const rows = await onDisk(agent, (disk) => disk.count(DOCUMENT));
    expect(rows).toBe(0);
  });
});

describe('storage', () => {
  test('calls neither create nor read the table of commands', async () => {
    const payer = await ownerWith(1_000n);
    const before = await rowsOf(payer);
    expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
    const alone = (await rowsOf(payer)) - before;
    expect(await tablesOf(payer)).not.toContain(APPLIED_COMMAND.name);
    await orderLabel(payer, ownerBy(payer), 'shop');
    const managed = await rowsOf(payer);
    expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
    expect((await rowsOf(payer)) - managed).toBeLessThanOrEqual(alone);
  });
});
