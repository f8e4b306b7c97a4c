import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAgent, signDelegation } from '../../src/client/index.ts';
import vectors from '../vectors/countersign-v1.json' with { type: 'json' };
import { accountOf, creditedAccount, rateLimitOf } from './support/credit.ts';
import {
  callWith,
  granted,
  childGrant,
  grantFor,
  hashOf,
  register,
  registerWith,
  registration,
  type Revoked,
  revoke,
  MONTHLY_POLICY,
  grantedAgent,
} from './support/grant.ts';
import { limitIn, standingOf, usedOf } from './support/standing.ts';
import { agentIntent, CHAIN, signIntent } from './support/intent.ts';
import { kindOf, readProblem } from './support/offer.ts';
import { fundedAccount, newAccount, pay, transfersFrom } from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { lookup, summarise, translate, useWorld, whoami } from './support/world.ts';
import { expectOk, expectProblem } from './support/expect-answer.ts';
import { describeGrantDenials } from './grants/denials.ts';

const world = useWorld({ variables: { DEFAULT_POLICY: MONTHLY_POLICY } });

let owner: LocalAccount;
beforeAll(async () => {
  owner = await creditedAccount(world(), { credit: 3_000_000n, balance: 1_000n });
});

describe('a grant', () => {
  it('in the form of the vectors is registered and applies', async () => {
    const { message } = vectors.delegation;
    const agent = newAccount();
    const grant = grantFor(world(), owner.address, agent.address, {
      tools: message.tools,
      payees: [world().payTo.toLowerCase() as `0x${string}`],
      maxPerCall: BigInt(message.maxPerCall),
      maxTotal: BigInt(message.maxTotal),
      windowSeconds: BigInt(message.windowSeconds),
      maxPerWindow: BigInt(message.maxPerWindow),
      validUntil: BigInt(message.validUntil),
    });
    const body = await signDelegation(owner, CHAIN, grant);
    expect(Object.keys(body.delegation)).toEqual(Object.keys(message));
    const answer = await registerWith(world(), agent, body);
    expect(answer.status, await answer.clone().text()).toBe(201);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await answer.json()).toEqual({
      status: 'active',
      ...{ grant: hashOf(grant), chain: [], valid_until: Number(message.validUntil) },
      ...{ account: accountOf(agent.address), issuer: accountOf(owner.address) },
    });

    const again = await expectProblem(world().send(registration(body)), 409);
    expect(again).toMatchObject({ field: 'body.delegation.id', grant: hashOf(grant) });
    expect(kindOf(again)).toBe('already-registered');
    const twin = { ...grant, maxTotal: grant.maxTotal + 1n };
    const other = await expectProblem(register(world(), owner, twin), 409);
    expect([kindOf(other), other.field]).toEqual(['already-registered', 'body.delegation.id']);
    // The answer of `GET /accounts/me` shows that the limits of the vectors apply.
    await expectOk(callWith(world(), agent, translate, hashOf(grant)));
    const standing = await standingOf(world(), agent);
    expect(limitIn(standing, 'grant:lifetime')).toMatchObject({ limit: message.maxTotal });
    expect(limitIn(standing, 'grant:window:86400s')).toMatchObject({
      ...{ limit: message.maxPerWindow, window: 86_400 },
    });
  });

  it('lets a delegate without money call from the credit of its owner', async () => {
    const { agent, grant } = await grantedAgent(world(), owner, { maxTotal: 100_000n });
    const before = (await world().counts()).translate;
    const answer = await expectOk(callWith(world(), agent, translate, grant.hash));
    expect(await claimsOf(world(), answer)).toMatchObject({
      ...{ agent: accountOf(agent.address), charged: '20000', binding: 'intent' },
    });
    expect(rateLimitOf(answer, 'grant:lifetime')).toEqual({ q: 100_000, r: 80_000 });
    expect((await world().counts()).translate).toBe(before + 1);
    expect(await transfersFrom(world(), agent.address)).toEqual([]);

    const standing = await standingOf(world(), agent);
    expect(standing).toMatchObject({ status: 'active', parent: accountOf(owner.address) });
    expect(standing.money[0]).toMatchObject({ credit: '0', debt: '0', unsettled: '0' });
    expect(limitIn(standing, 'grant:lifetime')).toMatchObject({ spent: '20000', held: '0' });
  });

  it("limits the client's calls, from credit and from its own wallet", async () => {
    const agent = await fundedAccount(world(), 10_000n);
    const grant = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, agent.address, { maxTotal: 60_000n }),
    );
    const { gateway } = world().stack.description;
    const client = createAgent({
      account: agent,
      authority: grant.hash,
      spend: { perCall: '$0.05', total: '$1' },
    });
    const { path, body, contentType } = summarise('One sentence. Another one.', '700');
    const fromCredit = await client.fetch(gateway + path, {
      method: 'POST',
      headers: { 'Content-Type': contentType ?? '' },
      body: body as string,
    });
    expect([fromCredit.status, fromCredit.countersign]).toMatchObject([
      200,
      { paid: 'credit', charged: 700n },
    ]);
    const fromWallet = await client.fetch(gateway + lookup.path);
    expect([fromWallet.status, fromWallet.countersign]).toMatchObject([
      200,
      { paid: 'payment', binding: 'intent', charged: 1_000n },
    ]);
    const standing = await standingOf(world(), agent);
    expect(limitIn(standing, 'grant:lifetime')).toMatchObject({ spent: '1700', held: '0' });
    expect(await transfersFrom(world(), agent.address)).toEqual([1_000n]);
    const stranger = createAgent({
      account: agent,
      authority: hashOf(grantFor(world(), owner.address, newAccount().address)),
      spend: { perCall: '$0.05', total: '$1' },
    });
    const refusedByName = await stranger.fetch(gateway + lookup.path);
    expect([refusedByName.status, (await readProblem(refusedByName))['rule']]).toEqual([
      403,
      'authority',
    ]);
  });

  it('costs the owner exactly the charges once it is revoked', async () => {
    // Use another owner: agents of the shared one may return their leases during this test.
    const owner = await creditedAccount(world(), { credit: 100_000n, balance: 0n });
    const { agent, grant } = await grantedAgent(world(), owner);
    const credit = async (): Promise<readonly bigint[]> => {
      const [purse] = (await standingOf(world(), owner)).money;
      return [BigInt(purse?.credit ?? '0'), BigInt(purse?.credit_held ?? '0')];
    };
    const [before = 0n, heldBefore = 0n] = await credit();
    for (const _ of [1, 2, 3]) await expectOk(callWith(world(), agent, lookup, grant.hash));
    const answer = await revoke(world(), owner, { id: grant.id });
    expect(((await answer.json()) as Revoked).acknowledged).toEqual([accountOf(agent.address)]);
    expect(await credit()).toEqual([before - 3_000n, heldBefore]);
  });

  it('is the default of its delegate until a newer one; an intent can name any of them', async () => {
    const { agent, grant } = await grantedAgent(world(), owner, { tools: ['lookup'] });
    const wider = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, agent.address, { tools: ['translate', 'echo'] }),
    );
    await expectOk(callWith(world(), agent, translate));
    const problem = await expectProblem(callWith(world(), agent, lookup), 403);
    expect(problem).toMatchObject({ rule: 'tool', grant: wider.hash, authority: wider.hash });
    await expectOk(callWith(world(), agent, lookup, grant.hash));
    const elsewhere = await expectProblem(callWith(world(), agent, translate, grant.hash), 403);
    expect(elsewhere).toMatchObject({ rule: 'tool', authority: grant.hash });
    const { grants } = await standingOf(world(), agent);
    expect(grants).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ hash: grant.hash, status: 'active', is_default: false }),
        expect.objectContaining({ hash: wider.hash, status: 'active', is_default: true }),
      ]),
    );
  });

  it('counts a vanilla payment of its delegate in its own limit and in the limit of its owner', async () => {
    const owner = await creditedAccount(world(), { credit: 100_000n, balance: 0n });
    const agent = await fundedAccount(world(), 100_000n);
    const grant = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, agent.address, { maxTotal: 2_000n }),
    );
    const month = async () => usedOf(limitIn(await standingOf(world(), owner), 'window:month'));
    const before = await month();
    const answer = await expectOk(pay(world(), agent, lookup));
    expect(await claimsOf(world(), answer)).toMatchObject({ binding: 'none', charged: '1000' });
    expect(rateLimitOf(answer, 'grant:lifetime')).toEqual({ q: 2_000, r: 1_000 });
    await expectOk(pay(world(), agent, lookup));
    const problem = await expectProblem(pay(world(), agent, lookup), 403);
    expect(problem).toMatchObject({ rule: 'lifetime', grant: grant.hash, remaining: '0' });
    // The agent pays with its own money, and its owner's limit counts it.
    await expect
      .poll(async () => await transfersFrom(world(), agent.address), { timeout: 30_000 })
      .toEqual([1_000n, 1_000n]);
    await revoke(world(), owner, { id: grant.id });
    expect(await month()).toBe(before + 2_000n);
  });

  it('with the zero asset allows free calls only', async () => {
    const { agent } = await grantedAgent(world(), owner, {
      asset: `0x${'0'.repeat(40)}`,
      payees: [],
    });
    const signed = await signIntent(world(), agent, whoami);
    await expectOk(world().send(whoami, agentIntent(signed)));
    const problem = await expectProblem(callWith(world(), agent, lookup), 403);
    expect(problem['rule']).toMatch(/^(payee|asset)$/);
  });
});

describe('a second grant', () => {
  it('replaces the first as default, whether that was revoked or not, and every answer names it', async () => {
    const { agent, grant } = await grantedAgent(world(), owner, { maxPerCall: 500n });
    const low = await expectProblem(callWith(world(), agent, lookup), 403);
    expect(low).toMatchObject({ rule: 'per_call', authority: grant.hash });
    const raised = await granted(world(), owner, grantFor(world(), owner.address, agent.address));
    await expectOk(callWith(world(), agent, lookup));
    expect((await standingOf(world(), agent)).grants).toMatchObject([
      { hash: grant.hash, is_default: false },
      { hash: raised.hash, is_default: true },
    ]);
    // A call can still name the first grant.
    await expectProblem(callWith(world(), agent, lookup, grant.hash), 403);

    expect((await revoke(world(), owner, { id: raised.id })).status).toBe(200);
    const again = await granted(world(), owner, grantFor(world(), owner.address, agent.address));
    await expectOk(callWith(world(), agent, lookup));
    expect((await standingOf(world(), agent)).grants).toMatchObject([
      { hash: grant.hash },
      { hash: raised.hash, status: 'revoked', is_default: false },
      { hash: again.hash, status: 'active', is_default: true },
    ]);
  });

  it('shows a grant as revoked even if its holder has not called since', async () => {
    const { agent, grant } = await grantedAgent(world(), owner);
    expect((await revoke(world(), owner, { id: grant.id })).status).toBe(200);
    expect((await standingOf(world(), agent)).grants).toMatchObject([
      { hash: grant.hash, status: 'revoked', is_default: false },
    ]);
  });
});
describeGrantDenials(world, () => owner);

describe('a grant by a manager', () => {
  it("is limited by the manager's own grant too, for all its delegates together", async () => {
    const [manager, one, other] = [newAccount(), newAccount(), newAccount()];
    const top = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, manager.address, { maxTotal: 5_000n, depth: 1 }),
    );
    const child = childGrant(top, one.address);
    const answer = await register(world(), manager, child);
    expect(answer.status, await answer.clone().text()).toBe(201);
    expect(await answer.json()).toMatchObject({
      ...{ issuer: accountOf(manager.address), chain: [top.hash], grant: hashOf(child) },
    });
    await granted(world(), manager, childGrant(top, other.address, { maxTotal: 4_000n }));

    for (const agent of [one, other, one, other, one])
      await expectOk(callWith(world(), agent, lookup));
    const ran = await world().counts();
    for (const agent of [one, other, manager]) {
      const problem = await expectProblem(callWith(world(), agent, lookup), 403);
      expect(problem).toMatchObject({
        ...{ rule: 'lifetime', account: accountOf(manager.address), retry_allowed: false },
        ...{ limit: '5000', remaining: '0' },
      });
      expect(BigInt(problem['spent'] as string) + BigInt(problem['held'] as string)).toBe(5_000n);
    }
    expect(await world().counts()).toEqual(ran);
    const standing = await standingOf(world(), one);
    expect(standing.policies).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'grant', hash: top.hash }),
        expect.objectContaining({ kind: 'grant', hash: hashOf(child) }),
      ]),
    );
    // The owner revokes the manager: the agents of the manager are denied too.
    const revoked = (await (await revoke(world(), owner, { id: top.id })).json()) as Revoked;
    expect(revoked.acknowledged.toSorted()).toEqual(
      [one, other].map(({ address }) => accountOf(address)).toSorted(),
    );
    for (const agent of [one, other]) {
      const problem = await expectProblem(callWith(world(), agent, lookup), 403);
      expect(problem).toMatchObject({ rule: 'revoked', account: accountOf(owner.address) });
    }
  });
});
