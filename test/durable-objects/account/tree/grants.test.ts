import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { ANY_PAYEE } from '../../../../src/policy/rules/payees.ts';
import { assetId, network } from '../../../../src/protocol/account-id.ts';
import type { Applied } from '../../../../src/protocol/account/applied.ts';
import type { SignedGrant } from '../../../../src/protocol/account/grant.ts';
import type { AgentAccountRpc } from '../../../../src/protocol/account/rpc.ts';
import type { AgentDelegation } from '../../../../src/protocol/intent/agent-delegation.ts';
import {
  accountOf,
  entriesOf,
  factsOf,
  intentCallOf,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
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
  freeOnce,
  grantOf,
  offer,
  ownerWith,
  pass,
  register,
  restore,
  revoke,
  ruleOf,
  setPolicy,
  setStatus,
  watchLeases,
  ZERO,
} from '../../tree-support.ts';

afterEach(restore);

/** Sends a holder's later consent to an offered grant, as the gateway does. */
const acceptOffered = async (
  { hash, delegation: { issuer, delegate } }: SignedGrant,
  given = consent(),
): Promise<Applied> => {
  const order = { kind: 'accept', hash, delegate: accountOf(delegate) } as const;
  const accepted = await stubOf(issuer).apply(order);
  if (accepted.verdict !== 'applied' || accepted.grant === undefined) return accepted;
  const { grant, chain = [] } = accepted;
  return stubOf(delegate).apply({ kind: 'take', grant, chain, consent: given });
};

const order = { fields: { tool: 'countersign.order' }, signature: '0x55' } as const;

describe('a grant under another grant', () => {
  const [alice, bob, carol] = [randomHex(20), randomHex(20), randomHex(20)];
  const start = nowSeconds();
  const narrow: Partial<AgentDelegation> = {
    tools: ['lookup', 'pay.*'],
    payees: [alice, bob],
    maxPerCall: 1_000n,
    maxTotal: 10_000n,
    windowSeconds: 3_600n,
    maxPerWindow: 5_000n,
    validAfter: BigInt(start - 100),
    validUntil: BigInt(start + 86_400),
    depth: 1,
  };
  const wider: readonly (readonly [string, keyof AgentDelegation, Partial<AgentDelegation>])[] = [
    ['another tool', 'tools', { tools: ['lookup', 'search'] }],
    ['all tools', 'tools', { tools: ['*'] }],
    ['the name that a prefix stands before', 'tools', { tools: ['pay'] }],
    ['another payee', 'payees', { payees: [alice, carol] }],
    ['all payees', 'payees', { payees: [ANY_PAYEE] }],
    ['another asset', 'asset', { asset: randomHex(20) }],
    ['dearer calls', 'maxPerCall', { maxPerCall: 1_001n }],
    ['more in total', 'maxTotal', { maxTotal: 10_001n }],
    ['more in the same window', 'maxPerWindow', { maxPerWindow: 5_001n }],
    ['a shorter window', 'windowSeconds', { windowSeconds: 3_599n }],
    ['no window at all', 'windowSeconds', { windowSeconds: 0n, maxPerWindow: 0n }],
    ['an earlier start', 'validAfter', { validAfter: BigInt(start - 101) }],
    ['a later end', 'validUntil', { validUntil: BigInt(start + 86_401) }],
    ['as many grants below it as its parent', 'depth', { depth: 1 }],
    ['another audience', 'audience', { audience: 'https://other.example' }],
  ];

  test.for(wider)('with %s is rejected with the field', async ([, field, changes]) => {
    const owner = await ownerWith(1_000n);
    const manager = randomHex(20);
    const agent = randomHex(20);
    const { hash: parent } = await enrol(owner, manager, narrow);
    const before = await snapshotOf(manager);
    const grant = grantOf(manager, agent, { ...narrow, depth: 0, parent, ...changes });
    expect(faultOf(await register(grant))).toMatchObject({
      reason: 'grant_refused',
      field: `delegation.${field}`,
    });
    // No trace of it remains at its issuer or its delegate.
    const { seq, revision } = await snapshotOf(manager);
    expect({ seq, revision }).toEqual({ seq: before.seq, revision: before.revision });
    expect(await tablesOf(agent)).toEqual([]);
    // The same grant within its parent's limits is taken, so nothing else was wrong with it.
    const fits = grantOf(manager, agent, { ...narrow, depth: 0, parent });
    expect(await register(fits)).toMatchObject({ verdict: 'applied', changed: true });
  });

  test('with depth 0 allows no grant under it', async () => {
    const owner = await ownerWith(1_000n);
    const manager = randomHex(20);
    const { hash: parent } = await enrol(owner, manager, { depth: 0 });
    const grant = grantOf(manager, randomHex(20), { parent });
    expect(faultOf(await register(grant))).toMatchObject({ field: 'delegation.depth' });
  });

  test('is rejected unless its issuer holds the parent grant', async () => {
    const owner = await ownerWith(1_000n);
    const thief = await ownerWith(1_000n);
    const { hash: parent } = await enrol(owner, randomHex(20), { depth: 1 });
    for (const issuer of [thief, owner]) {
      expect(faultOf(await register(grantOf(issuer, randomHex(20), { parent })))).toEqual({
        reason: 'unknown_grant',
        field: 'delegation.parent',
      });
    }
  });

  test('is rejected when its parent is unknown', async () => {
    const { manager } = await branchWith(1_000n);
    const grant = grantOf(manager, randomHex(20), { parent: randomHex(32) });
    expect(faultOf(await register(grant))).toEqual({
      reason: 'unknown_grant',
      field: 'delegation.parent',
    });
  });

  test('is rejected when its parent has expired', async () => {
    const owner = await ownerWith(1_000n);
    const manager = randomHex(20);
    const validUntil = BigInt(nowSeconds() + 50);
    const { hash: parent } = await enrol(owner, manager, { depth: 1, validUntil });
    pass(51);
    const grant = grantOf(manager, randomHex(20), { parent, validUntil });
    expect(faultOf(await register(grant))).toMatchObject({
      reason: 'grant_refused',
      field: 'delegation.parent',
      got: 'expired',
    });
  });

  test('is rejected when its parent was revoked, although the holder got no push', async () => {
    const owner = await ownerWith(1_000n);
    const manager = randomHex(20);
    const upper = await enrol(owner, manager, { depth: 1 });
    // The manager never requested a lease, so it gets no push.
    expect(await revoke(owner, upper.delegation.id)).toMatchObject({ acknowledged: [] });
    const grant = grantOf(manager, randomHex(20), { parent: upper.hash });
    expect(faultOf(await register(grant))).toMatchObject({
      reason: 'grant_refused',
      field: 'delegation.parent',
      got: 'revoked',
    });
  });

  test('is rejected when a grant further up was revoked', async () => {
    const { owner, agent, upper, lower } = await branchWith(1_000n);
    await revoke(owner, upper.delegation.id);
    const grant = grantOf(agent, randomHex(20), { parent: lower.hash });
    expect(faultOf(await register(grant))).toMatchObject({
      reason: 'grant_refused',
      field: 'delegation.parent',
      got: 'revoked',
    });
  });

  test('is rejected when a raised epoch revoked its parent', async () => {
    const owner = await ownerWith(1_000n);
    const manager = randomHex(20);
    const { hash: parent } = await enrol(owner, manager, { depth: 1, epoch: 4n });
    await revoke(owner, ZERO, 5n);
    const grant = grantOf(manager, randomHex(20), { parent, epoch: 9n });
    expect(faultOf(await register(grant))).toMatchObject({
      field: 'delegation.parent',
      got: 'revoked',
    });
  });

  test('may extend a chain to three grants; the fourth is rejected', async () => {
    const owner = await ownerWith(10_000n);
    const [first, second, third, fourth] = [
      randomHex(20),
      randomHex(20),
      randomHex(20),
      randomHex(20),
    ];
    const one = await enrol(owner, first, { depth: 3 });
    const two = await enrol(first, second, { depth: 2, parent: one.hash });
    const three = await enrol(second, third, { depth: 1, parent: two.hash });
    const four = grantOf(third, fourth, { depth: 0, parent: three.hash });
    expect(faultOf(await register(four))).toMatchObject({
      reason: 'grant_refused',
      field: 'delegation.parent',
    });
    // The first account of the chain pays for the last.
    expect(ruleOf(await callOnce(third, 100n))).toBe('go');
  });

  test('is rejected when its delegate is an ancestor of its issuer, which would be a cycle', async () => {
    const { owner, manager, agent, upper, lower } = await branchWith(1_000n);
    const cycles = [
      grantOf(manager, owner, { parent: upper.hash }),
      grantOf(agent, owner, { parent: lower.hash }),
      grantOf(agent, manager, { parent: lower.hash }),
    ];
    for (const grant of cycles) {
      expect(faultOf(await register(grant))).toMatchObject({
        reason: 'grant_refused',
        field: 'delegation.delegate',
      });
    }
  });
});

describe('an owner', () => {
  test('cannot be a governed account: its descendants would escape every limit of its ancestors', async () => {
    const { manager } = await branchWith(1_000n);
    expect(faultOf(await register(grantOf(manager, randomHex(20))))).toMatchObject({
      reason: 'grant_refused',
      field: 'delegation.parent',
    });
  });

  test('takes no grant itself: two owners cannot own each other', async () => {
    const [one, other] = [await ownerWith(1_000n), await ownerWith(1_000n)];
    const [down, up] = [grantOf(one, other), grantOf(other, one)];
    expect((await offer(down)).verdict).toBe('applied');
    expect((await offer(up)).verdict).toBe('applied');
    for (const grant of [down, up]) {
      const taken = await stubOf(grant.delegation.delegate).apply({
        kind: 'take',
        grant,
        chain: [],
        consent: consent(),
      });
      expect(faultOf(taken)).toMatchObject({ field: 'delegation.delegate' });
    }
  });

  test('issues no grant while it is frozen', async () => {
    const owner = await ownerWith(1_000n);
    await setStatus(owner, 'frozen');
    expect(faultOf(await register(grantOf(owner, randomHex(20))))).toMatchObject({
      field: 'delegation.issuer',
      got: 'frozen',
    });
  });

  test('issues no grant below its raised epoch', async () => {
    const owner = await ownerWith(1_000n);
    await revoke(owner, ZERO, 7n);
    const agent = randomHex(20);
    expect(faultOf(await register(grantOf(owner, agent, { epoch: 6n })))).toEqual({
      reason: 'grant_revoked',
      field: 'delegation.epoch',
    });
    expect(await tablesOf(agent)).toEqual([]);
    expect((await register(grantOf(owner, agent, { epoch: 7n }))).verdict).toBe('applied');
    // A replay of the older epoch revokes nothing.
    expect(await revoke(owner, ZERO, 5n)).toMatchObject({ changed: false });
    expect(faultOf(await register(grantOf(owner, randomHex(20), { epoch: 5n })))).toMatchObject({
      field: 'delegation.epoch',
    });
  });

  test('without money creates no table by a grant or a revocation', async () => {
    const [stranger, agent] = [randomHex(20), randomHex(20)];
    expect(faultOf(await offer(grantOf(stranger, agent), 0n))).toEqual({
      reason: 'penniless',
      field: 'delegation.issuer',
    });
    const revoked = await stubOf(stranger).apply({
      kind: 'revoke',
      revocation: { issuer: stranger, id: randomHex(32), epoch: 0n, issuedAt: 0n },
      hash: randomHex(32),
      signature: '0x66',
      facts: factsOf(0n),
    });
    expect(faultOf(revoked)).toMatchObject({ reason: 'penniless' });
    expect(await tablesOf(stranger)).toEqual([]);
    expect(await tablesOf(agent)).toEqual([]);
    expect((await snapshotOf(stranger)).rowsWritten).toBe(0);
  });
});

describe('a registration', () => {
  test('changes nothing the second time', async () => {
    const owner = await ownerWith(1_000n);
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const upper = await enrol(owner, manager, { depth: 1 });
    const lower = await enrol(manager, agent, { parent: upper.hash });
    for (const grant of [upper, lower]) {
      const { issuer, delegate } = grant.delegation;
      const before = [await snapshotOf(issuer), await snapshotOf(delegate)];
      await evictDurableObject(stubOf(issuer));
      expect(await offer(grant)).toMatchObject({
        verdict: 'applied',
        changed: false,
        chain: grant === lower ? [upper] : [],
      });
      expect(await register(grant)).toMatchObject({ verdict: 'applied', changed: false });
      const after = [await snapshotOf(issuer), await snapshotOf(delegate)];
      expect(after.map(({ seq, revision }) => ({ seq, revision }))).toEqual(
        before.map(({ seq, revision }) => ({ seq, revision })),
      );
    }
  });

  test('sent twice at once happens once', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const grant = grantOf(owner, agent);
    await Promise.all(Array.from({ length: 10 }, () => register(grant)));
    expect((await snapshotOf(owner)).revision).toBe(1);
    expect((await snapshotOf(agent)).revision).toBe(1);
  });

  test('is rejected when another grant has its id', async () => {
    const owner = await ownerWith(1_000n);
    const { delegation } = await enrol(owner, randomHex(20), { maxTotal: 5n });
    for (const changes of [{ maxTotal: 6n }, { delegate: randomHex(20) }]) {
      expect(
        faultOf(await register(grantOf(owner, randomHex(20), { ...delegation, ...changes }))),
      ).toEqual({ reason: 'already_registered', field: 'delegation.id' });
    }
  });

  test('is rejected for ever after its issuer revoked the grant', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({ changed: true });
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({ changed: false });
    await evictDurableObject(stubOf(owner));
    const again = [grant, grantOf(owner, agent, { ...grant.delegation, maxTotal: 1n })];
    for (const each of again) {
      expect(faultOf(await register(each))).toEqual({
        reason: 'grant_revoked',
        field: 'delegation.id',
      });
    }
    expect(ruleOf(await freeOnce(agent))).toBe('revoked');
  });

  test('is rejected for ever after its holder declined the grant', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    await revoke(agent, grant.delegation.id);
    await evictDurableObject(stubOf(agent));
    expect(faultOf(await register(grant))).toEqual({
      reason: 'grant_revoked',
      field: 'delegation.id',
    });
  });

  test('is rejected when its id was revoked before', async () => {
    const owner = await ownerWith(1_000n);
    const agent = await ownerWith(1_000n);
    const [byIssuer, byHolder] = [grantOf(owner, agent), grantOf(owner, agent)];
    await revoke(owner, byIssuer.delegation.id);
    await revoke(agent, byHolder.delegation.id);
    for (const grant of [byIssuer, byHolder]) {
      expect(faultOf(await register(grant))).toEqual({
        reason: 'grant_revoked',
        field: 'delegation.id',
      });
    }
    // A stranger's revocation of the same id has no effect.
    const grant = grantOf(owner, randomHex(20));
    await revoke(await ownerWith(1_000n), grant.delegation.id);
    expect((await register(grant)).verdict).toBe('applied');
  });

  test('for another account is rejected', async () => {
    const owner = await ownerWith(1_000n);
    const grant = grantOf(owner, randomHex(20));
    const other = randomHex(20);
    const taken = await stubOf(other).apply({
      kind: 'take',
      grant,
      chain: [],
      consent: consent(),
    });
    expect(faultOf(taken)).toMatchObject({
      field: 'delegation.delegate',
      expected: accountOf(other),
    });
    expect(await tablesOf(other)).toEqual([]);
  });

  test('is rejected beyond sixteen live grants; expired ones do not count', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const short = { validUntil: BigInt(nowSeconds() + 100) };
    await enrol(owner, agent, short);
    for (let held = 1; held < 16; held += 1) await enrol(owner, agent);
    const more = grantOf(owner, agent);
    expect(faultOf(await register(more))).toMatchObject({ field: 'delegation.delegate' });
    pass(101);
    expect((await register(more)).verdict).toBe('applied');
  });
});

describe('a grant without its holder’s consent', () => {
  test('limits nothing, shows nothing and costs the holder no row, whatever its issuer commands', async () => {
    const stranger = await ownerWith(1_000n);
    // An account that has paid here, one whose key was never seen, and one with another parent.
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
      const frozen = { kind: 'status', status: 'frozen', by, order } as const;
      expect(faultOf(await stubOf(holder).apply(frozen))).toEqual({ reason: 'forbidden' });
      await setStatus(stranger, 'active');
    }
    expect(ruleOf(await callOnce(paying, 100n))).toBe('go');
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    // A stranger's call stays a stranger's: the issuer's credit is no consent.
    expect(ruleOf(await callOnce(fresh, 100n))).toBe('credit');
    expect(await tablesOf(fresh)).toEqual([]);
  });

  test('is listed by its issuer as offered, and lends nothing', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const grant = grantOf(owner, agent);
    await offer(grant);
    const children = async () => (await stubOf(owner).children(undefined)).children;
    expect(await children()).toMatchObject([{ account: accountOf(agent), status: 'offered' }]);
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
    // The manager cannot grant under a grant that it has not taken.
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
    // A dry run consents to nothing.
    const rehearsed = await stubOf(agent).reserve({ ...call, dryRun: true }, attempt, {});
    expect(ruleOf(rehearsed)).toBe('authority');
  });

  test('is not looked up while denied calls flood the account', async () => {
    const agent = await ownerWith(500n);
    const naming = () => intentCallOf(agent, { authority: randomHex(32), audience: AUDIENCE });
    const evidence = { facts: factsOf(0n), soughtGrant: true };
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
    // A newly signed consent does.
    expect(await register(grant)).toMatchObject({ changed: true });
    expect(await stubOf(agent).relation({ by: accountOf(owner) })).toMatchObject({
      relation: 'ancestor',
    });
  });

  test('to return to a parent counts in the holder’s commands per minute', async () => {
    const [owner, next] = [await ownerWith(10_000n), await ownerWith(10_000n)];
    const agent = randomHex(20);
    const grants = [await enrol(owner, agent), await enrol(next, agent)];
    let taken: Applied = { verdict: 'unavailable' };
    for (let i = 0; i < 200; i += 1) {
      const grant = grants[i % 2] as SignedGrant;
      const order = { kind: 'take', grant, chain: [], consent: consent() } as const;
      taken = await stubOf(agent).apply(order);
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

describe('a holder', () => {
  test('that declines a grant stays governed: a revoked agent is no stranger', async () => {
    const owner = await ownerWith(10_000n);
    const agent = await ownerWith(500n);
    const grant = await enrol(owner, agent);
    await evictDurableObject(stubOf(agent));
    expect(await revoke(agent, grant.delegation.id)).toMatchObject({ changed: true });
    for (let round = 0; round < 2; round += 1) {
      expect(denialOf(await callOnce(agent, 100n))).toMatchObject({
        rule: 'revoked',
        grant: grant.hash,
        authority: grant.hash,
        retryAllowed: false,
      });
      expect(ruleOf(await freeOnce(agent))).toBe('revoked');
      await evictDurableObject(stubOf(agent));
    }
    // Its owner may still read and stop it.
    expect(await stubOf(agent).relation({ by: accountOf(owner) })).toMatchObject({
      relation: 'ancestor',
    });
  });

  test('that declines one of two grants continues with the other', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const first = await enrol(owner, agent, { maxPerCall: 50n });
    const second = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    await revoke(agent, second.delegation.id);
    expect(denialOf(await callOnce(agent, 100n))).toMatchObject({
      rule: 'per_call',
      grant: first.hash,
    });
  });
});

describe('the standing of an account', () => {
  test('shows a grant as revoked although the holder got no push', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({ acknowledged: [] });
    const leases = watchLeases();
    const by = { account: accountOf(agent), role: 'operator' } as const;
    const stub: Pick<AgentAccountRpc, 'standing'> = stubOf(agent);
    const asked = async () => {
      const found = await stub.standing({ account: accountOf(agent), by });
      return found.verdict === 'found' ? found.standing.grants : found;
    };
    expect(await asked()).toMatchObject([{ status: 'revoked', isDefault: false }]);
    expect(leases).toMatchObject([{ message: { dryRun: true } }]);
  });

  test('requests the ancestors’ answers once a second, however often it is read', async () => {
    const { agent } = await branchWith(10_000n);
    const leases = watchLeases();
    const by = { account: accountOf(agent), role: 'operator' } as const;
    const ask = () => stubOf(agent).standing({ account: accountOf(agent), by });
    for (let i = 0; i < 5; i += 1) expect(await ask()).toMatchObject({ verdict: 'found' });
    expect(leases).toHaveLength(2);
    pass(1);
    await ask();
    expect(leases).toHaveLength(4);
  });

  test('shows the known state while the ancestors do not answer', async () => {
    const { agent, lower } = await branchWith(10_000n);
    watchLeases(() => Promise.resolve({ verdict: 'unavailable' }));
    const by = { account: accountOf(agent), role: 'operator' } as const;
    expect(await stubOf(agent).standing({ account: accountOf(agent), by })).toMatchObject({
      standing: { grants: [{ hash: lower.hash, status: 'active', isDefault: true }] },
    });
  });
});

describe('a move to another parent', () => {
  const cutOff = { reason: 'grant_refused', field: 'delegation.issuer' };

  test('needs consent, waits until no lease is held, and ends the former grants', async () => {
    const owner = await ownerWith(10_000n, { windows: [{ every: 60, limit: '9000u' }] });
    const next = await ownerWith(10_000n);
    const agent = randomHex(20);
    const old = await enrol(owner, agent);
    // Several calls, so that more is leased than was spent.
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    const grant = grantOf(next, agent);
    expect(await offer(grant)).toMatchObject({ changed: true });
    expect(faultOf(await register(grant))).toEqual({
      reason: 'holds_leases',
      field: 'delegation.issuer',
    });
    // Its lease and the window of its share have ended; unused credit was returned.
    pass(130);
    await runDurableObjectAlarm(stubOf(agent));
    expect(await purseOf(owner)).toMatchObject({ credit: '9500', creditLent: '0' });
    expect(await register(grant)).toMatchObject({ verdict: 'applied', changed: true });
    await setStatus(owner, 'frozen');
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    expect(ruleOf(await callOnce(agent, 100n, { authority: old.hash }))).toBe('authority');
    const accepted = (await entriesOf(agent)).filter(({ type }) => type === 'call.accepted');
    expect(accepted.map(({ payment }) => payment?.['grant'])).toEqual([
      ...Array.from({ length: 5 }, () => old.hash),
      grant.hash,
    ]);
  });

  test('waits for calls that still run on money of the former parent', async () => {
    const owner = await ownerWith(10_000n);
    const next = await ownerWith(10_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const call = intentCallOf(agent, { price: 100n, settlement: 'credit', timeoutSeconds: 600 });
    const attempt = randomHex(16);
    await stubOf(agent).reserve(call, attempt, { facts: factsOf(0n) });
    pass(100);
    const grant = grantOf(next, agent);
    expect(faultOf(await register(grant))).toMatchObject({ reason: 'holds_leases' });
    await stubOf(agent).finish(call.call, attempt, success);
    expect((await register(grant)).verdict).toBe('applied');
  });

  test('is impossible after the holder declined a grant that it used', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 100n, { authority: grant.hash }))).toBe('go');
    await revoke(agent, grant.delegation.id);
    pass(130);
    const moved = await register(grantOf(await ownerWith(1_000n), agent));
    expect(faultOf(moved)).toMatchObject(cutOff);
  });

  test('is impossible after its owner cut it off', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({
      acknowledged: [accountOf(agent)],
    });
    pass(130);
    // A thief of the key can sign a consent, too.
    const moved = await register(grantOf(await ownerWith(1_000n), agent));
    expect(faultOf(moved)).toMatchObject(cutOff);
  });

  test('is impossible after its owner cut it off while it slept', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({ acknowledged: [] });
    const moved = await register(grantOf(await ownerWith(1_000n), agent));
    expect(faultOf(moved)).toMatchObject(cutOff);
  });
});

describe('a call without `authority`', () => {
  /** Returns the grant that a call was accepted by, or the rule that denied it. */
  const usedBy = async (agent: Hex, changes: Parameters<typeof callOnce>[2] = {}) => {
    const verdict = await callOnce(agent, 10n, changes);
    if (verdict.verdict !== 'go') return ruleOf(verdict);
    const entries = await entriesOf(agent);
    return entries.findLast(({ type }) => type === 'call.accepted')?.payment?.['grant'];
  };

  test('uses the only grant of its account', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const { hash } = await enrol(owner, agent);
    expect(await usedBy(agent)).toBe(hash);
  });

  test('uses the last one taken, also after a restart: a newer grant replaces an older one', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const grants: Hex[] = [];
    for (let i = 0; i < 6; i += 1) grants.push((await enrol(owner, agent)).hash);
    expect(await usedBy(agent)).toBe(grants[5]);
    await evictDurableObject(stubOf(agent));
    expect(await usedBy(agent)).toBe(grants[5]);
    // The older grant lives, for calls that name it.
    expect(await usedBy(agent, { authority: grants[0] as Hex })).toBe(grants[0]);
  });

  test('uses a newer grant even if an older one was made the default', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const first = await enrol(owner, agent, { maxPerCall: 5n });
    await stubOf(agent).apply({ kind: 'default', grant: first.hash, order });
    expect(await usedBy(agent)).toBe('per_call');
    const raised = await enrol(owner, agent);
    expect(await usedBy(agent)).toBe(raised.hash);
    // Unless the owner sets it again.
    await stubOf(agent).apply({ kind: 'default', grant: first.hash, order });
    expect(await usedBy(agent)).toBe('per_call');
  });

  test('uses the newest live grant once the last one has expired', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const { hash } = await enrol(owner, agent);
    await enrol(owner, agent, { validUntil: BigInt(nowSeconds() + 100) });
    pass(100);
    expect(await usedBy(agent)).toBe(hash);
  });

  test('uses the grant taken after a revoked one, although the holder got no push of the revocation', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const revoked = await enrol(owner, agent);
    expect(await revoke(owner, revoked.delegation.id)).toMatchObject({ acknowledged: [] });
    const { hash } = await enrol(owner, agent);
    expect(await usedBy(agent)).toBe(hash);
  });

  test('uses the default that was set, while that grant lives', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const second = await enrol(owner, agent, { validUntil: BigInt(nowSeconds() + 100) });
    const first = await enrol(owner, agent);
    const set = (grant: Hex) => stubOf(agent).apply({ kind: 'default', grant, order });
    expect(await set(second.hash)).toMatchObject({ verdict: 'applied', changed: true });
    expect(await set(second.hash)).toMatchObject({ verdict: 'applied', changed: false });
    expect(await usedBy(agent)).toBe(second.hash);
    await evictDurableObject(stubOf(agent));
    expect(await usedBy(agent)).toBe(second.hash);
    expect(faultOf(await set(randomHex(32)))).toMatchObject({ reason: 'unknown_grant' });
    pass(101);
    expect(await usedBy(agent)).toBe(first.hash);
  });

  test('that names a grant uses that grant or none', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const second = await enrol(owner, agent);
    const elsewhere = await enrol(owner, agent, { audience: 'https://other.example' });
    const theirs = await enrol(owner, randomHex(20));
    expect(await usedBy(agent, { authority: second.hash })).toBe(second.hash);
    for (const authority of [randomHex(32), theirs.hash, elsewhere.hash]) {
      expect(denialOf(await callOnce(agent, 10n, { authority }))).toMatchObject({
        rule: 'authority',
        account: accountOf(agent),
        retryAllowed: false,
      });
    }
  });

  test('of an account without grants cannot name one', async () => {
    const payer = await ownerWith(1_000n);
    expect(ruleOf(await callOnce(payer, 10n, { authority: randomHex(32) }))).toBe('authority');
    expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
  });

  test('is denied when its grant is for another audience', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const { hash: grant } = await enrol(owner, agent, { audience: 'https://other.example' });
    expect(denialOf(await callOnce(agent, 10n))).toMatchObject({ rule: 'authority', grant });
  });

  test('is denied until its grant becomes valid', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const from = nowSeconds() + 100;
    const { hash: grant } = await enrol(owner, agent, { validAfter: BigInt(from) });
    expect(denialOf(await callOnce(agent, 10n))).toMatchObject({
      rule: 'not_yet',
      grant,
      retryAllowed: true,
    });
    pass(100);
    expect(await usedBy(agent)).toBe(grant);
  });

  test('is denied as expired after its last grant, never accepted as a stranger’s call', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent, { validUntil: BigInt(nowSeconds() + 100) });
    const { hash: grant } = await enrol(owner, agent, { validUntil: BigInt(nowSeconds() + 200) });
    await topUp(agent, 500n);
    pass(201);
    for (let round = 0; round < 2; round += 1) {
      for (const verdict of [await callOnce(agent, 10n), await freeOnce(agent)]) {
        expect(denialOf(verdict)).toMatchObject({ rule: 'expired', grant, retryAllowed: false });
      }
      await evictDurableObject(stubOf(agent));
    }
  });

  test('is bound by its grant: tool, payee, price, total, window', async () => {
    const owner = await ownerWith(100_000n);
    const agent = randomHex(20);
    const payTo = randomHex(20);
    const grant = await enrol(owner, agent, {
      tools: ['pay.*'],
      payees: [payTo],
      maxPerCall: 100n,
      maxTotal: 250n,
      windowSeconds: 86_400n * 7n,
      maxPerWindow: 150n,
    });
    const call = (price: bigint, changes: Parameters<typeof callOnce>[2] = {}) =>
      callOnce(agent, price, { tool: 'pay.card', payTo, ...changes });
    expect(ruleOf(await call(10n, { tool: 'lookup' }))).toBe('tool');
    expect(ruleOf(await call(10n, { payTo: randomHex(20) }))).toBe('payee');
    expect(ruleOf(await call(101n))).toBe('per_call');
    expect(ruleOf(await call(100n))).toBe('go');
    expect(denialOf(await call(51n))).toMatchObject({
      rule: 'window',
      account: accountOf(agent),
      grant: grant.hash,
      limit: { limit: '150', spent: '100', held: '0', remaining: '50' },
      retryAllowed: true,
    });
    expect(ruleOf(await call(50n))).toBe('go');
    pass(7 * 86_400);
    expect(ruleOf(await call(100n))).toBe('go');
    expect(denialOf(await call(1n))).toMatchObject({
      rule: 'lifetime',
      limit: { limit: '250', spent: '250', remaining: '0' },
      retryAllowed: false,
    });
  });
});

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
    // The lent credit in both logs adds up.
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
    pass(11);
    // The next denial closes the ten seconds of the earlier ones.
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
