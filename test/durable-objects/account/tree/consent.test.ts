import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { assetId, network } from '../../../../src/protocol/account-id.ts';
import type { CommandVerdict } from '../../../../src/protocol/account/command-verdict.ts';
import type { SignedGrant } from '../../../../src/protocol/account/grant.ts';
import {
  accountOf,
  entriesOf,
  factsOf,
  intentCallOf,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  tablesOf,
  topUp,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  CHAIN,
  consent,
  denialOf,
  enrol,
  faultOf,
  freeze,
  grantOf,
  offer,
  ownerWith,
  pass,
  register,
  restore,
  revoke,
  ruleOf,
  setStatus,
  ZERO,
} from '../../tree-support.ts';

afterEach(restore);

/** Sends a delegate's later consent to an offered grant, as the gateway does. */
const acceptOffered = async (
  { hash, delegation: { issuer, delegate } }: SignedGrant,
  given = consent(),
): Promise<CommandVerdict> => {
  const command = { kind: 'accept', hash, delegate: accountOf(delegate) } as const;
  const accepted = await stubOf(issuer).apply(command);
  if (accepted.verdict !== 'applied' || accepted.grant === undefined) return accepted;
  const { grant, chain = [] } = accepted;
  return stubOf(delegate).apply({ kind: 'take', grant, chain, consent: given });
};

const intent = { fields: { tool: 'countersign.order' }, signature: '0x55' } as const;

describe('a grant without its holder’s consent', () => {
  test('limits nothing, shows nothing and costs the holder no row, whatever its issuer commands', async () => {
    const stranger = await ownerWith(1_000n);
    // An account that has paid here, one whose key never signed here, and one with another parent.
    const [paying, fresh] = [await ownerWith(500n), randomHex(20)];
    const { agent } = await branchWith(10_000n);
    for (const holder of [paying, fresh, agent]) {
      const before = await snapshotOf(holder);
      const tables = await tablesOf(holder);
      const nothing = grantOf(stranger, holder, { tools: [], payees: [], maxPerCall: 0n });
      expect(await offer(nothing)).toMatchObject({ verdict: 'applied', changed: true });
      await setStatus(stranger, 'frozen');
      expect(await snapshotOf(holder)).toEqual(before);
      expect(await tablesOf(holder)).toEqual(tables);
      const by = { account: accountOf(stranger), role: 'owner' } as const;
      expect(await stubOf(holder).relation({ by: by.account })).toMatchObject({ relation: 'none' });
      const asked = await stubOf(holder).standing({ account: accountOf(holder), by });
      expect(asked).toEqual({ verdict: 'unknown_account' });
      const frozen = { kind: 'status', status: 'frozen', by, intent } as const;
      expect(faultOf(await stubOf(holder).apply(frozen))).toEqual({ reason: 'forbidden' });
      await setStatus(stranger, 'active');
    }
    expect(ruleOf(await callOnce(paying, 100n))).toBe('go');
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    // A stranger's call remains a stranger's: the issuer's credit does not pay without the stranger's consent.
    expect(ruleOf(await callOnce(fresh, 100n))).toBe('credit');
    expect(await tablesOf(fresh)).toEqual([]);
  });

  test('is listed by its issuer as offered, and lends nothing', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const grant = grantOf(owner, agent);
    await offer(grant);
    const children = async () => (await stubOf(owner).children(undefined)).children;
    expect(await children()).toMatchObject([
      { account: accountOf(agent), status: 'offered', delegation: grant.delegation },
    ]);
    const asset = assetId(network(CHAIN), grant.delegation.asset);
    const request = { child: accountOf(agent), issued: grant.hash, asset, shares: {} } as const;
    expect(await stubOf(owner).lease({ ...request, need: 1n, want: 1n })).toMatchObject({
      verdict: 'refused',
      authority: { status: 'unknown' },
    });
    await evictDurableObject(stubOf(owner));
    expect(await acceptOffered(grant)).toMatchObject({ changed: true });
    await evictDurableObject(stubOf(owner));
    expect(await children()).toMatchObject([{ account: accountOf(agent), status: 'active' }]);
    expect((await entriesOf(owner)).filter(({ type }) => type === 'grant.accepted')).toMatchObject([
      { outcome: { grant: grant.hash, delegate: accountOf(agent) } },
    ]);
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
  });

  test('by the holder’s owner adds nothing to the holder’s other grant', async () => {
    const owner = await ownerWith(10_000n);
    const agent = await ownerWith(500n);
    await enrol(owner, agent, { maxPerCall: 200n });
    const less = grantOf(owner, agent, { maxPerCall: 50n });
    expect(await offer(less)).toMatchObject({ changed: true });
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    expect(await acceptOffered(less)).toMatchObject({ changed: true });
    expect(denialOf(await callOnce(agent, 100n))).toMatchObject({ grant: less.hash });
  });

  test('of a manager needs the consent of its own delegate', async () => {
    const owner = await ownerWith(10_000n);
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const upper = grantOf(owner, manager, { depth: 1 });
    await offer(upper);
    // The manager cannot grant under a grant that it has not accepted.
    const lower = grantOf(manager, agent, { parent: upper.hash });
    await topUp(manager, 1n);
    expect(faultOf(await offer(lower))).toMatchObject({ reason: 'unknown_grant' });
    await acceptOffered(upper);
    await offer(lower);
    for (const by of [owner, manager]) {
      expect(await stubOf(agent).relation({ by: accountOf(by) })).toMatchObject({
        relation: 'none',
      });
    }
    await acceptOffered(lower);
    for (const by of [owner, manager]) {
      expect(await stubOf(agent).relation({ by: accountOf(by) })).toMatchObject({
        relation: 'ancestor',
      });
    }
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
  });

  test('cannot be taken by another account, nor once it is revoked or expired', async () => {
    const owner = await ownerWith(10_000n);
    const [agent, other] = [randomHex(20), randomHex(20)];
    const grant = grantOf(owner, agent);
    await offer(grant);
    const asOther = { kind: 'accept', hash: grant.hash, delegate: accountOf(other) } as const;
    expect(faultOf(await stubOf(owner).apply(asOther))).toMatchObject({ reason: 'unknown_grant' });
    await revoke(owner, grant.delegation.id);
    expect(faultOf(await acceptOffered(grant))).toMatchObject({ reason: 'grant_revoked' });
    expect(await tablesOf(agent)).toEqual([]);
    const early = grantOf(owner, agent, { epoch: 3n });
    await offer(early);
    await revoke(owner, ZERO, 4n);
    expect(faultOf(await acceptOffered(early))).toMatchObject({ reason: 'grant_revoked' });
    const short = grantOf(owner, agent, { epoch: 4n, validUntil: BigInt(nowSeconds() + 10) });
    await offer(short);
    pass(10);
    expect(faultOf(await acceptOffered(short))).toMatchObject({ field: 'delegation.validUntil' });
    expect(await tablesOf(agent)).toEqual([]);
  });

  test('is looked up once for a call that names it, and the call is denied when there was no offer', async () => {
    const agent = await ownerWith(500n);
    const call = intentCallOf(agent, { authority: randomHex(32), audience: AUDIENCE });
    const attempt = randomHex(16);
    const before = await snapshotOf(agent);
    const asked = await stubOf(agent).reserve(call, attempt, {});
    expect(asked).toEqual({ verdict: 'unknown_grant' });
    expect(await snapshotOf(agent)).toEqual(before);
    const evidence = { facts: factsOf(0n), soughtGrant: true };
    const sought = await stubOf(agent).reserve(call, attempt, evidence);
    expect(ruleOf(sought)).toBe('authority');
    // A dry run does not record a consent.
    const rehearsed = await stubOf(agent).reserve({ ...call, dryRun: true }, attempt, {});
    expect(ruleOf(rehearsed)).toBe('authority');
  });

  test('is not looked up while denied calls flood the account', async () => {
    const agent = await ownerWith(500n);
    const naming = () => intentCallOf(agent, { authority: randomHex(32), audience: AUDIENCE });
    const evidence = { facts: factsOf(0n), soughtGrant: true };
    // A slow machine would stay within the rate.
    freeze();
    for (let i = 0; i < 320; i += 1) await stubOf(agent).reserve(naming(), randomHex(16), evidence);
    const flooding = await stubOf(agent).reserve(naming(), randomHex(16), {});
    expect(ruleOf(flooding)).toBe('denial_rate');
  });
});

describe('a consent', () => {
  test('is in the holder’s log, with what it signed (law 11)', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const given = consent();
    const grant = grantOf(owner, agent);
    await register(grant, given);
    const taken = (await entriesOf(agent)).filter(({ type }) => type === 'grant.taken');
    expect(taken).toMatchObject([
      {
        evidence: {
          grant: grant.hash,
          signature: grant.signature,
          consent: {
            proof: 'intent',
            intent: given.intent?.fields,
            intentSignature: given.intent?.signature,
          },
        },
      },
    ]);
  });

  test('works once: a captured consent does not return a holder to the parent that it left', async () => {
    const [owner, next] = [await ownerWith(10_000n), await ownerWith(10_000n)];
    const agent = await ownerWith(500n);
    const [captured, grant] = [consent(), grantOf(owner, agent)];
    await register(grant, captured);
    const moved = grantOf(next, agent);
    expect(await register(moved)).toMatchObject({ changed: true });
    await evictDurableObject(stubOf(agent));
    expect(faultOf(await register(grant, captured))).toMatchObject({
      ...{ reason: 'grant_refused', field: 'delegation.delegate' },
    });
    expect(await stubOf(agent).relation({ by: accountOf(owner) })).toMatchObject({
      relation: 'none',
    });
    // The account accepts a newly signed consent.
    expect(await register(grant)).toMatchObject({ changed: true });
    expect(await stubOf(agent).relation({ by: accountOf(owner) })).toMatchObject({
      relation: 'ancestor',
    });
  });

  test('to return to a parent counts in the holder’s commands per minute', async () => {
    const [owner, next] = [await ownerWith(10_000n), await ownerWith(10_000n)];
    const agent = randomHex(20);
    const grants = [await enrol(owner, agent), await enrol(next, agent)];
    let taken: CommandVerdict = { verdict: 'unavailable' };
    for (let i = 0; i < 200; i += 1) {
      const grant = grants[i % 2] as SignedGrant;
      const command = { kind: 'take', grant, chain: [], consent: consent() } as const;
      taken = await stubOf(agent).apply(command);
      if (taken.verdict !== 'applied') break;
    }
    expect(faultOf(taken)).toMatchObject({ reason: 'too_many_commands' });
  });

  test('binds for good: the holder is governed, pays from its own credit first, and stays within the grant', async () => {
    const owner = await ownerWith(10_000n);
    const agent = await ownerWith(500n);
    await enrol(owner, agent, { maxPerCall: 400n });
    expect(ruleOf(await callOnce(agent, 500n))).toBe('per_call');
    expect(ruleOf(await callOnce(agent, 400n))).toBe('go');
    expect((await purseOf(agent)).credit).toBe('100');
    expect((await purseOf(owner)).creditLent).toBe('0');
    expect(ruleOf(await callOnce(agent, 400n))).toBe('go');
    expect((await purseOf(agent)).credit).toBe('100');
  });
});
