import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AgentDelegation, signDelegation } from '../../src/client/index.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import {
  callWith,
  granted,
  grantFor,
  NO_PARENT,
  offered,
  register,
  registerWith,
  revocationRequest,
  type Revoked,
  revoke,
  signUncheckedRevocation,
  MONTHLY_POLICY,
  grantedAgent,
} from './support/grant.ts';
import { CHAIN } from './support/intent.ts';
import { kindOf } from './support/offer.ts';
import { fundedAccount, newAccount, nowSeconds, pay, trustedAccount } from './support/payment.ts';
import { lookup, useWorld } from './support/world.ts';
import { expectOk, expectProblem } from './support/expect-answer.ts';
import { standingOf } from './support/standing.ts';

const world = useWorld({ variables: { DEFAULT_POLICY: MONTHLY_POLICY } });

let owner: LocalAccount;
beforeAll(async () => {
  owner = await creditedAccount(world(), { credit: 3_000_000n, balance: 1_000n });
});

describe('a revocation', () => {
  it('denies every later call, and the grant cannot return', async () => {
    const { agent, grant } = await grantedAgent(world(), owner);
    await expectOk(callWith(world(), agent, lookup, grant.hash));
    const answer = await revoke(world(), owner, { id: grant.id });
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await answer.json()).toEqual({
      ...{ issuer: accountOf(owner.address), id: grant.id, epoch: '0', changed: true },
      ...{ acknowledged: [accountOf(agent.address)], silent: [] },
    });
    const ran = await world().counts();
    for (const authority of [grant.hash, NO_PARENT]) {
      const problem = await expectProblem(callWith(world(), agent, lookup, authority), 403);
      expect(problem).toMatchObject({ rule: 'revoked', retry_allowed: false, grant: grant.hash });
    }
    expect(await world().counts()).toEqual(ran);

    const again = await expectProblem(register(world(), owner, grant), 409);
    expect([kindOf(again), again.field]).toEqual(['grant-revoked', 'body.delegation.id']);
    const replayed = await revoke(world(), owner, { id: grant.id });
    expect(await replayed.json()).toMatchObject({ changed: false });

    // The owner may grant again; another issuer may not take over the revoked key.
    const rival = await fundedAccount(world(), 1_000n);
    const stolen = await signDelegation(
      rival,
      CHAIN,
      grantFor(world(), rival.address, agent.address),
    );
    const taken = await expectProblem(registerWith(world(), agent, stolen), 400);
    expect(taken.field).toBe('body.delegation.issuer');
    const fresh = await granted(world(), owner, grantFor(world(), owner.address, agent.address));
    await expectOk(callWith(world(), agent, lookup, fresh.hash));
  });

  it('is visible to the delegate and leaves room for other grants', async () => {
    const agent = newAccount();
    const grant = (): AgentDelegation => grantFor(world(), owner.address, agent.address);
    const first = await granted(world(), owner, grant());
    await expectOk(callWith(world(), agent, lookup));
    await revoke(world(), owner, { id: first.id });
    expect((await standingOf(world(), agent)).grants).toMatchObject([
      { hash: first.hash, status: 'revoked', is_default: false },
    ]);
    // An account holds at most 16 live grants; revoked ones do not count.
    for (let at = 0; at < 16; at += 1) {
      const { id } = await granted(world(), owner, grant());
      if (at < 15) await revoke(world(), owner, { id });
    }
    await expectOk(callWith(world(), agent, lookup));
  });

  it('of a grant that was never registered prevents its registration', async () => {
    const grant = grantFor(world(), owner.address, newAccount().address);
    expect((await revoke(world(), owner, { id: grant.id })).status).toBe(200);
    const problem = await expectProblem(register(world(), owner, grant), 409);
    expect(kindOf(problem)).toBe('grant-revoked');
  });

  it('by epoch revokes all older grants, registered or not', async () => {
    const issuer = await creditedAccount(world(), { credit: 100_000n, balance: 1_000n });
    const [one, other] = [newAccount(), newAccount()];
    const grants = [one, other].map(({ address }) =>
      grantFor(world(), issuer.address, address, { epoch: 1n }),
    );
    for (const grant of grants) await granted(world(), issuer, grant);
    for (const agent of [one, other]) await expectOk(callWith(world(), agent, lookup));
    const revoked = (await (await revoke(world(), issuer, { epoch: 2n })).json()) as Revoked;
    expect(revoked).toMatchObject({ id: NO_PARENT, epoch: '2', changed: true, silent: [] });
    expect(revoked.acknowledged.toSorted()).toEqual(
      [one, other].map(({ address }) => accountOf(address)).toSorted(),
    );
    for (const agent of [one, other]) {
      const problem = await expectProblem(callWith(world(), agent, lookup), 403);
      expect(problem).toMatchObject({ rule: 'revoked' });
    }
    const late = grantFor(world(), issuer.address, newAccount().address, { epoch: 1n });
    const problem = await expectProblem(register(world(), issuer, late), 409);
    expect([kindOf(problem), problem.field]).toEqual(['grant-revoked', 'body.delegation.epoch']);
    await granted(world(), issuer, grantFor(world(), issuer.address, one.address, { epoch: 2n }));
    await expectOk(callWith(world(), one, lookup));
  });

  it('of an offer by its delegate: an intent that names it consents to nothing', async () => {
    const agent = await trustedAccount(world(), { reports: 1, balance: 1_000_000n });
    const grant = await offered(world(), owner, grantFor(world(), owner.address, agent.address));
    const answer = await revoke(world(), agent, { id: grant.id });
    expect(await answer.json()).toMatchObject({
      issuer: accountOf(agent.address),
      changed: true,
    });
    const problem = await expectProblem(callWith(world(), agent, lookup, grant.hash), 403);
    expect(problem['rule']).toBe('authority');
    await expectOk(pay(world(), agent, lookup));
  });

  it('by another key than the issuer revokes nothing', async () => {
    const { agent, grant } = await grantedAgent(world(), owner);
    const forged = await signUncheckedRevocation(newAccount(), {
      issuer: grant.issuer,
      id: grant.id,
      epoch: 0n,
      issuedAt: BigInt(nowSeconds()),
    });
    const problem = await expectProblem(world().send(revocationRequest(forged)), 400);
    expect([kindOf(problem), problem.field]).toEqual(['invalid-signature', 'body.signature']);
    // A stranger revokes only its own grants, and has none with this id.
    const stranger = await fundedAccount(world(), 1_000n);
    const foreign = await expectProblem(revoke(world(), stranger, { id: grant.id }), 404);
    expect([kindOf(foreign), foreign.field]).toEqual(['unknown-grant', 'body.revocation.id']);
    const poor = await expectProblem(revoke(world(), newAccount(), { id: grant.id }), 403);
    expect([kindOf(poor), poor.field]).toEqual(['penniless', 'body.revocation.issuer']);
    await expectOk(callWith(world(), agent, lookup, grant.hash));
  });

  it.each<[string, object, string]>([
    ['an id and an epoch', { epoch: 3n }, 'body.revocation.epoch'],
    ['neither', { id: NO_PARENT }, 'body.revocation.epoch'],
  ])('with %s is rejected', async (_, fields, field) => {
    const body = await signUncheckedRevocation(owner, {
      issuer: owner.address.toLowerCase() as `0x${string}`,
      ...{ id: `0x${'ab'.repeat(32)}`, epoch: 0n, issuedAt: 1n },
      ...fields,
    });
    const problem = await expectProblem(world().send(revocationRequest(body)), 400);
    expect(problem.field).toBe(field);
  });
});
