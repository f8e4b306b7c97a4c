import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AgentDelegation, createAgent, signDelegation } from '../../src/client/index.ts';
import vectors from '../vectors/countersign-v1.json' with { type: 'json' };
import { accountOf, creditedAccount, limitTold } from './support/credit.ts';
import {
  ANYBODY,
  askStanding,
  callWith,
  granted,
  grantBelow,
  grantFor,
  hashOf,
  limitIn,
  NO_PARENT,
  offered,
  quietWindow,
  register,
  registerWith,
  registration,
  revocationRequest,
  type Revoked,
  revoke,
  signAnyRevocation,
  signAnything,
  standingOf,
  usedOf,
} from './support/grant.ts';
import { manage, told } from './support/manage.ts';
import { agentIntent, CHAIN, signIntent } from './support/intent.ts';
import { kindOf, readProblem } from './support/offer.ts';
import {
  fundedAccount,
  newAccount,
  nowSeconds,
  pay,
  transfersFrom,
  trustedAccount,
} from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { reshaped } from './support/refusal.ts';
import {
  lookup,
  report,
  summarise,
  type ToolCall,
  translate,
  useWorld,
  whoami,
} from './support/world.ts';

/** Of every account: so that an owner too has a limit, in which those below are seen to count. */
const MONTH = 100_000_000n;
const world = useWorld({
  variables: {
    DEFAULT_POLICY: JSON.stringify({
      perCall: '5000000u',
      exposure: '1000000u',
      rate: { limit: 100_000, seconds: 1 },
      windows: [{ every: 'month', limit: `${MONTH}u` }],
    }),
  },
});
const WORD = /^0x[0-9a-f]{64}$/;

let owner: LocalAccount;
beforeAll(async () => {
  owner = await creditedAccount(world(), { credit: 3_000_000n, left: 1_000n });
});

type Fields = Partial<AgentDelegation>;

/** A new key that the owner has granted to. */
const grantedAgent = async (fields: Fields = {}) => {
  const agent = newAccount();
  const grant = await granted(
    world(),
    owner,
    grantFor(world(), owner.address, agent.address, fields),
  );
  return { agent, grant };
};

const served = async (answer: Promise<Response>): Promise<Response> => {
  const told = await answer;
  expect(told.status, await told.clone().text()).toBe(200);
  return told;
};

const refused = async (answer: Promise<Response>, status: number) => {
  const told = await answer;
  expect(told.status, await told.clone().text()).toBe(status);
  return { told, problem: await readProblem(told) };
};

describe('a grant', () => {
  it('of the vectors’ shape is registered, and said to be', async () => {
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

    const again = await refused(world().send(registration(body)), 409);
    expect(again.problem).toMatchObject({ field: 'body.delegation.id', grant: hashOf(grant) });
    expect(kindOf(again.problem)).toBe('already-registered');
    const twin = { ...grant, maxTotal: grant.maxTotal + 1n };
    const other = await refused(register(world(), owner, twin), 409);
    expect([kindOf(other.problem), other.problem.field]).toEqual([
      'already-registered',
      'body.delegation.id',
    ]);
    // The vectors' window is what binds: nothing says more of it than the agent's own standing.
    await served(callWith(world(), agent, translate, hashOf(grant)));
    const standing = await standingOf(world(), agent);
    expect(limitIn(standing, 'grant:lifetime')).toMatchObject({ limit: message.maxTotal });
    expect(limitIn(standing, 'grant:window:86400s')).toMatchObject({
      ...{ limit: message.maxPerWindow, window: 86_400 },
    });
  });

  it('lets its delegate, who has nothing, call from the credit of the owner', async () => {
    const { agent, grant } = await grantedAgent({ maxTotal: 100_000n });
    const before = (await world().counts()).translate;
    const answer = await served(callWith(world(), agent, translate, grant.hash));
    expect(await claimsOf(world(), answer)).toMatchObject({
      ...{ agent: accountOf(agent.address), charged: '20000', binding: 'intent' },
    });
    expect(limitTold(answer, 'grant:lifetime')).toEqual({ q: 100_000, r: 80_000 });
    expect((await world().counts()).translate).toBe(before + 1);
    expect(await transfersFrom(world(), agent.address)).toEqual([]);

    const standing = await standingOf(world(), agent);
    expect(standing).toMatchObject({ status: 'active', parent: accountOf(owner.address) });
    expect(standing.money[0]).toMatchObject({ credit: '0', debt: '0', unsettled: '0' });
    expect(limitIn(standing, 'grant:lifetime')).toMatchObject({ spent: '20000', held: '0' });
  });

  it('is what the client’s calls stand on, from credit and from its own wallet', async () => {
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
      authority: hashOf(grantFor(world(), owner.address, ANYBODY)),
      spend: { perCall: '$0.05', total: '$1' },
    });
    const refusedByName = await stranger.fetch(gateway + lookup.path);
    expect([refusedByName.status, (await readProblem(refusedByName))['rule']]).toEqual([
      403,
      'authority',
    ]);
  });

  it('costs the owner exactly what was charged, once it is taken back', async () => {
    const { agent, grant } = await grantedAgent();
    const credit = async (): Promise<readonly bigint[]> => {
      const [purse] = (await standingOf(world(), owner)).money;
      return [BigInt(purse?.credit ?? '0'), BigInt(purse?.credit_held ?? '0')];
    };
    const [before = 0n, heldBefore = 0n] = await credit();
    for (const _ of [1, 2, 3]) await served(callWith(world(), agent, lookup, grant.hash));
    const answer = await revoke(world(), owner, { id: grant.id });
    expect(((await answer.json()) as Revoked).acknowledged).toEqual([accountOf(agent.address)]);
    expect(await credit()).toEqual([before - 3_000n, heldBefore]);
  });

  it('is the default one of its delegate until a newer one is taken; another is used where an intent names it', async () => {
    const { agent, grant } = await grantedAgent({ tools: ['lookup'] });
    const wider = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, agent.address, { tools: ['translate', 'echo'] }),
    );
    await served(callWith(world(), agent, translate));
    const { problem } = await refused(callWith(world(), agent, lookup), 403);
    expect(problem).toMatchObject({ rule: 'tool', grant: wider.hash, authority: wider.hash });
    await served(callWith(world(), agent, lookup, grant.hash));
    const elsewhere = await refused(callWith(world(), agent, translate, grant.hash), 403);
    expect(elsewhere.problem).toMatchObject({ rule: 'tool', authority: grant.hash });
    const { grants } = await standingOf(world(), agent);
    expect(grants).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ hash: grant.hash, status: 'active', is_default: false }),
        expect.objectContaining({ hash: wider.hash, status: 'active', is_default: true }),
      ]),
    );
  });

  it('counts a vanilla payment from the wallet of its delegate, here and at the owner', async () => {
    const agent = await fundedAccount(world(), 100_000n);
    const grant = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, agent.address, { maxTotal: 2_000n }),
    );
    const month = async () => usedOf(limitIn(await standingOf(world(), owner), 'window:month'));
    const before = await month();
    const answer = await served(pay(world(), agent, lookup));
    expect(await claimsOf(world(), answer)).toMatchObject({ binding: 'none', charged: '1000' });
    expect(limitTold(answer, 'grant:lifetime')).toEqual({ q: 2_000, r: 1_000 });
    await served(pay(world(), agent, lookup));
    const { problem } = await refused(pay(world(), agent, lookup), 403);
    expect(problem).toMatchObject({ rule: 'lifetime', grant: grant.hash, remaining: '0' });
    // Its own money, and its owner's limit.
    await expect
      .poll(async () => await transfersFrom(world(), agent.address), { timeout: 20_000 })
      .toEqual([1_000n, 1_000n]);
    await revoke(world(), owner, { id: grant.id });
    expect(await month()).toBe(before + 2_000n);
  });

  it('with the zero asset lets its delegate call what is free, and nothing else', async () => {
    const { agent } = await grantedAgent({ asset: `0x${'0'.repeat(40)}`, payees: [] });
    const signed = await signIntent(world(), agent, whoami);
    await served(world().send(whoami, agentIntent(signed)));
    const { problem } = await refused(callWith(world(), agent, lookup), 403);
    expect(problem['rule']).toMatch(/^(payee|asset)$/);
  });
});

describe('a call that its grant does not allow', () => {
  const price = { lookup: '1000', translate: '20000' } as const;

  it.each<{
    readonly what: string;
    readonly fields: Fields;
    readonly call: ToolCall;
    readonly tool: keyof typeof price;
    readonly before: number;
    readonly told: Readonly<Record<string, unknown>>;
  }>([
    {
      ...{ what: 'the cap per call', fields: { maxPerCall: 19_999n }, before: 0 },
      ...{ call: translate, tool: 'translate' },
      told: { rule: 'per_call', limit: '19999', spent: '0', held: '0', remaining: '19999' },
    },
    {
      ...{ what: 'the total', fields: { maxTotal: 2_500n }, before: 2 },
      ...{ call: lookup, tool: 'lookup' },
      told: { rule: 'lifetime', limit: '2500', spent: '2000', held: '0', remaining: '500' },
    },
    {
      ...{ what: 'the tools', fields: { tools: ['look', 'lookup.*', 'trans.*'] }, before: 0 },
      ...{ call: lookup, tool: 'lookup' },
      told: { rule: 'tool' },
    },
    {
      ...{ what: 'no tool at all', fields: { tools: [] }, before: 0 },
      ...{ call: lookup, tool: 'lookup' },
      told: { rule: 'tool' },
    },
    {
      ...{ what: 'the payees', fields: { payees: [`0x${'1'.repeat(40)}`] }, before: 0 },
      ...{ call: lookup, tool: 'lookup' },
      told: { rule: 'payee' },
    },
    {
      ...{ what: 'nobody', fields: { payees: [] }, before: 0 },
      ...{ call: lookup, tool: 'lookup' },
      told: { rule: 'payee' },
    },
  ])(
    'by $what is 403 with all that an agent can act on',
    async ({ fields, call, tool, before, told }) => {
      const { agent, grant } = await grantedAgent(fields);
      for (let made = 0; made < before; made += 1)
        await served(callWith(world(), agent, call, grant.hash));
      const ran = await world().counts();
      const { told: answer, problem } = await refused(
        callWith(world(), agent, call, grant.hash),
        403,
      );
      expect(answer.headers.get('Retry-After')).toBeNull();
      expect(kindOf(problem)).toBe('denied');
      expect(problem).toMatchObject({
        ...{ ...told, tool, price: price[tool], retry_allowed: false, grant: grant.hash },
        ...{ account: accountOf(agent.address), policy: expect.stringMatching(WORD) as string },
      });
      expect(problem).not.toHaveProperty('resets_at');
      expect(await world().counts()).toEqual(ran);
    },
  );

  it('by the window is 429, says when it resets, and allows a retry', async () => {
    const windowSeconds = quietWindow();
    const { agent, grant } = await grantedAgent({ windowSeconds, maxPerWindow: 1_500n });
    await served(callWith(world(), agent, lookup));
    const { told, problem } = await refused(callWith(world(), agent, lookup), 429);
    const now = nowSeconds();
    const every = Number(windowSeconds);
    const resetsAt = (Math.floor(now / every) + 1) * every;
    expect(problem).toMatchObject({
      ...{ rule: 'window', account: accountOf(agent.address), grant: grant.hash },
      ...{ limit: '1500', spent: '1000', held: '0', remaining: '500' },
      ...{ resets_at: resetsAt, window: every, retry_allowed: true, tool: 'lookup' },
    });
    expect(Math.abs(Number(told.headers.get('Retry-After')) - (resetsAt - now))).toBeLessThan(5);
  });

  it('by a price above the whole window is 403: waiting does not help', async () => {
    const { agent } = await grantedAgent({ windowSeconds: quietWindow(), maxPerWindow: 999n });
    const { told, problem } = await refused(callWith(world(), agent, lookup), 403);
    expect(problem).toMatchObject({ rule: 'window', limit: '999', retry_allowed: false });
    expect(told.headers.get('Retry-After')).toBeNull();
  });

  it('before its time is 429, with how long to wait', async () => {
    const { agent, grant } = await grantedAgent({ validAfter: BigInt(nowSeconds() + 1_000) });
    const { told, problem } = await refused(callWith(world(), agent, lookup, grant.hash), 429);
    expect(problem).toMatchObject({ rule: 'not_yet', retry_allowed: true, grant: grant.hash });
    expect(Math.abs(Number(told.headers.get('Retry-After')) - 1_000)).toBeLessThan(10);
  });

  it('after its time is 403', async () => {
    const { agent, grant } = await grantedAgent({ validUntil: BigInt(nowSeconds() + 2) });
    const expired = async () => (await readProblem(await callWith(world(), agent, lookup)))['rule'];
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect(await expired()).toBe('expired');
    const { problem } = await refused(callWith(world(), agent, lookup, grant.hash), 403);
    expect(problem).toMatchObject({ rule: 'expired', retry_allowed: false });
  });

  it('under a grant that is not its own is 403, and so is one that never was', async () => {
    const { agent } = await grantedAgent();
    const stolen = (await grantedAgent()).grant;
    for (const authority of [stolen.hash, hashOf(grantFor(world(), owner.address, ANYBODY))]) {
      const { problem } = await refused(callWith(world(), agent, lookup, authority), 403);
      expect(problem).toMatchObject({ rule: 'authority', retry_allowed: false });
    }
  });

  it('of an account that was never granted anything is 403 where it names a grant', async () => {
    const stranger = await creditedAccount(world(), { credit: 10_000n, left: 0n });
    const { grant } = await grantedAgent();
    const { problem } = await refused(callWith(world(), stranger, lookup, grant.hash), 403);
    expect(problem).toMatchObject({ rule: 'authority' });
    await served(callWith(world(), stranger, lookup));
  });
});

describe('two grants, one on the other', () => {
  it('bind both: the limit of the manager holds for all whom it has granted to', async () => {
    const [manager, one, other] = [newAccount(), newAccount(), newAccount()];
    const top = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, manager.address, { maxTotal: 5_000n, depth: 1 }),
    );
    const below = grantBelow(top, one.address);
    const answer = await register(world(), manager, below);
    expect(answer.status, await answer.clone().text()).toBe(201);
    expect(await answer.json()).toMatchObject({
      ...{ issuer: accountOf(manager.address), chain: [top.hash], grant: hashOf(below) },
    });
    await granted(world(), manager, grantBelow(top, other.address, { maxTotal: 4_000n }));

    for (const agent of [one, other, one, other, one])
      await served(callWith(world(), agent, lookup));
    const ran = await world().counts();
    for (const agent of [one, other, manager]) {
      const { problem } = await refused(callWith(world(), agent, lookup), 403);
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
        expect.objectContaining({ kind: 'grant', hash: hashOf(below) }),
      ]),
    );
    // Cut off above, all below are.
    const told = (await (await revoke(world(), owner, { id: top.id })).json()) as Revoked;
    expect(told.acknowledged.toSorted()).toEqual(
      [one, other].map(({ address }) => accountOf(address)).toSorted(),
    );
    for (const agent of [one, other]) {
      const { problem } = await refused(callWith(world(), agent, lookup), 403);
      expect(problem).toMatchObject({ rule: 'revoked', account: accountOf(owner.address) });
    }
  });
});

describe('a grant that is taken back', () => {
  it('lets nothing run any more, and never comes back', async () => {
    const { agent, grant } = await grantedAgent();
    await served(callWith(world(), agent, lookup, grant.hash));
    const answer = await revoke(world(), owner, { id: grant.id });
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await answer.json()).toEqual({
      ...{ issuer: accountOf(owner.address), id: grant.id, epoch: '0', changed: true },
      ...{ acknowledged: [accountOf(agent.address)], silent: [] },
    });
    const ran = await world().counts();
    for (const authority of [grant.hash, NO_PARENT]) {
      const { problem } = await refused(callWith(world(), agent, lookup, authority), 403);
      expect(problem).toMatchObject({ rule: 'revoked', retry_allowed: false, grant: grant.hash });
    }
    expect(await world().counts()).toEqual(ran);

    const again = await refused(register(world(), owner, grant), 409);
    expect([kindOf(again.problem), again.problem.field]).toEqual([
      'grant-revoked',
      'body.delegation.id',
    ]);
    const replayed = await revoke(world(), owner, { id: grant.id });
    expect(await replayed.json()).toMatchObject({ changed: false });

    // Its owner may grant anew; nobody else may take over a key that was cut off.
    const rival = await fundedAccount(world(), 1_000n);
    const stolen = await signDelegation(
      rival,
      CHAIN,
      grantFor(world(), rival.address, agent.address),
    );
    const taken = await refused(registerWith(world(), agent, stolen), 400);
    expect(taken.problem.field).toBe('body.delegation.issuer');
    const fresh = await granted(world(), owner, grantFor(world(), owner.address, agent.address));
    await served(callWith(world(), agent, lookup, fresh.hash));
  });

  it('is said to be so to its delegate, and stands in the way of no other', async () => {
    const agent = newAccount();
    const grant = (): AgentDelegation => grantFor(world(), owner.address, agent.address);
    const first = await granted(world(), owner, grant());
    await served(callWith(world(), agent, lookup));
    await revoke(world(), owner, { id: first.id });
    expect((await standingOf(world(), agent)).grants).toMatchObject([
      { hash: first.hash, status: 'revoked', is_default: false },
    ]);
    // An account holds at most 16 at a time; what is dead is not held.
    for (let at = 0; at < 16; at += 1) {
      const { id } = await granted(world(), owner, grant());
      if (at < 15) await revoke(world(), owner, { id });
    }
    await served(callWith(world(), agent, lookup));
  });

  it('before anybody has registered it is dead all the same', async () => {
    const grant = grantFor(world(), owner.address, newAccount().address);
    expect((await revoke(world(), owner, { id: grant.id })).status).toBe(200);
    const { problem } = await refused(register(world(), owner, grant), 409);
    expect(kindOf(problem)).toBe('grant-revoked');
  });

  it('by its epoch goes with all that are older, registered or not', async () => {
    const issuer = await creditedAccount(world(), { credit: 100_000n, left: 1_000n });
    const [one, other] = [newAccount(), newAccount()];
    const grants = [one, other].map(({ address }) =>
      grantFor(world(), issuer.address, address, { epoch: 1n }),
    );
    for (const grant of grants) await granted(world(), issuer, grant);
    for (const agent of [one, other]) await served(callWith(world(), agent, lookup));
    const told = (await (await revoke(world(), issuer, { epoch: 2n })).json()) as Revoked;
    expect(told).toMatchObject({ id: NO_PARENT, epoch: '2', changed: true, silent: [] });
    expect(told.acknowledged.toSorted()).toEqual(
      [one, other].map(({ address }) => accountOf(address)).toSorted(),
    );
    for (const agent of [one, other]) {
      const { problem } = await refused(callWith(world(), agent, lookup), 403);
      expect(problem).toMatchObject({ rule: 'revoked' });
    }
    const late = grantFor(world(), issuer.address, newAccount().address, { epoch: 1n });
    const { problem } = await refused(register(world(), issuer, late), 409);
    expect([kindOf(problem), problem.field]).toEqual(['grant-revoked', 'body.delegation.epoch']);
    await granted(world(), issuer, grantFor(world(), issuer.address, one.address, { epoch: 2n }));
    await served(callWith(world(), one, lookup));
  });

  it('by the delegate of an offer is dead: an intent that names it takes nothing', async () => {
    const agent = await trustedAccount(world(), { reports: 1, left: 1_000_000n });
    const grant = await offered(world(), owner, grantFor(world(), owner.address, agent.address));
    const answer = await revoke(world(), agent, { id: grant.id });
    expect(await answer.json()).toMatchObject({
      issuer: accountOf(agent.address),
      changed: true,
    });
    const { problem } = await refused(callWith(world(), agent, lookup, grant.hash), 403);
    expect(problem['rule']).toBe('authority');
    await served(pay(world(), agent, lookup));
  });

  it('only by whoever signed: another key kills nothing', async () => {
    const { agent, grant } = await grantedAgent();
    const forged = await signAnyRevocation(newAccount(), {
      issuer: grant.issuer,
      id: grant.id,
      epoch: 0n,
      issuedAt: BigInt(nowSeconds()),
    });
    const { problem } = await refused(world().send(revocationRequest(forged)), 400);
    expect([kindOf(problem), problem.field]).toEqual(['invalid-signature', 'body.signature']);
    // A stranger's own revocation of that id is about his own grants, and he has none.
    const stranger = await fundedAccount(world(), 1_000n);
    const foreign = await refused(revoke(world(), stranger, { id: grant.id }), 404);
    expect([kindOf(foreign.problem), foreign.problem.field]).toEqual([
      'unknown-grant',
      'body.revocation.id',
    ]);
    const poor = await refused(revoke(world(), newAccount(), { id: grant.id }), 403);
    expect([kindOf(poor.problem), poor.problem.field]).toEqual([
      'penniless',
      'body.revocation.issuer',
    ]);
    await served(callWith(world(), agent, lookup, grant.hash));
  });

  it.each<[string, object, string]>([
    ['an id and an epoch', { epoch: 3n }, 'body.revocation.epoch'],
    ['neither', { id: NO_PARENT }, 'body.revocation.epoch'],
  ])('with %s is refused', async (_, fields, field) => {
    const body = await signAnyRevocation(owner, {
      issuer: owner.address.toLowerCase() as `0x${string}`,
      ...{ id: `0x${'ab'.repeat(32)}`, epoch: 0n, issuedAt: 1n },
      ...fields,
    });
    const { problem } = await refused(world().send(revocationRequest(body)), 400);
    expect(problem.field).toBe(field);
  });
});

describe('a grant that is refused', () => {
  const list = (length: number, item: (at: number) => string): string[] =>
    Array.from({ length }, (_, at) => item(at));

  it.each<[string, (agent: string) => Fields, string, string]>([
    [
      'for another audience',
      () => ({ audience: 'https://gw.example' }),
      'grant-refused',
      'audience',
    ],
    ['in another asset', () => ({ asset: `0x${'1'.repeat(40)}` }), 'grant-refused', 'asset'],
    [
      'that is over',
      () => ({ validUntil: BigInt(nowSeconds() - 1) }),
      'grant-refused',
      'validUntil',
    ],
    [
      'that ends before it begins',
      () => ({ validAfter: 2n ** 53n - 2n }),
      'malformed-field',
      'validUntil',
    ],
    ['of 65 tools', () => ({ tools: list(65, (at) => `tool${at}`) }), 'malformed-field', 'tools'],
    [
      'of 65 payees',
      () => ({
        payees: list(65, (at) => `0x${(at + 1).toString(16).padStart(40, '0')}`) as `0x${string}`[],
      }),
      'malformed-field',
      'payees',
    ],
    ['of a tool twice', () => ({ tools: ['a', 'a'] }), 'malformed-field', 'tools'],
    ['of depth 4', () => ({ depth: 4 }), 'malformed-field', 'depth'],
    ['of no id', () => ({ id: NO_PARENT }), 'malformed-field', 'id'],
    [
      'to its issuer',
      () => ({ delegate: owner.address.toLowerCase() as `0x${string}` }),
      'malformed-field',
      'delegate',
    ],
    [
      'on one that never was',
      () => ({ parent: `0x${'ab'.repeat(32)}` }),
      'unknown-grant',
      'parent',
    ],
  ])('%s names the field, and leaves no trace', async (_, fields, kind, field) => {
    const agent = newAccount();
    const grant = grantFor(world(), owner.address, agent.address, fields(agent.address));
    const answer = world().send(registration(await signAnything(owner, grant)));
    const { problem } = await refused(answer, kind === 'unknown-grant' ? 404 : 400);
    expect([kindOf(problem), problem.field]).toEqual([kind, `body.delegation.${field}`]);
    if (kind === 'grant-refused') {
      expect(problem).toMatchObject({
        expected: expect.stringMatching(/./) as string,
        got: expect.stringMatching(/./) as string,
      });
    }
    expect((await askStanding(world(), agent)).status).toBe(404);
  });

  it.each<[string, (parent: AgentDelegation) => Fields]>([
    ['audience', () => ({ audience: 'http://other.example' })],
    ['tools', () => ({ tools: ['lookup', 'report'] })],
    ['tools', () => ({ tools: ['*'] })],
    ['payees', () => ({ payees: [ANYBODY] })],
    ['maxPerCall', ({ maxPerCall }) => ({ maxPerCall: maxPerCall + 1n })],
    ['maxTotal', ({ maxTotal }) => ({ maxTotal: maxTotal + 1n })],
    ['windowSeconds', ({ windowSeconds }) => ({ windowSeconds: windowSeconds - 1n })],
    ['windowSeconds', () => ({ windowSeconds: 0n, maxPerWindow: 0n })],
    ['maxPerWindow', ({ maxPerWindow }) => ({ maxPerWindow: maxPerWindow + 1n })],
    ['validAfter', ({ validAfter }) => ({ validAfter: validAfter - 1n })],
    ['validUntil', ({ validUntil }) => ({ validUntil: validUntil + 1n })],
    ['depth', ({ depth }) => ({ depth })],
  ])('for being wider than its parent names it: %s', async (field, fields) => {
    managed ??= manage();
    const { manager, top } = await managed;
    const agent = newAccount();
    const child = grantBelow(top, agent.address, fields(top));
    const answer = world().send(registration(await signAnything(manager, child)));
    const { problem } = await refused(answer, 400);
    expect([kindOf(problem), problem.field]).toEqual(['grant-refused', `body.delegation.${field}`]);
    expect((await askStanding(world(), agent)).status).toBe(404);
  });

  /** A manager whose grant has something in every field. */
  const manage = async () => {
    const manager = newAccount();
    const top = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, manager.address, {
        ...{
          tools: ['lookup', 'translate'],
          payees: [world().payTo.toLowerCase() as `0x${string}`],
        },
        ...{ maxPerCall: 20_000n, maxTotal: 100_000n, depth: 2 },
        ...{ windowSeconds: 90_000n, maxPerWindow: 50_000n, validAfter: 1_000n },
      }),
    );
    return { manager, top };
  };
  let managed: ReturnType<typeof manage> | undefined;

  it('for leading back to its owner is a cycle', async () => {
    managed ??= manage();
    const { manager, top } = await managed;
    const { problem } = await refused(
      register(world(), manager, grantBelow(top, owner.address)),
      400,
    );
    expect(problem).toMatchObject({ field: 'body.delegation.delegate' });
    expect(kindOf(problem)).toBe('grant-refused');
  });

  it('for being a fourth in a chain, and for standing on one that allows none below', async () => {
    const [a, b, c, d] = [newAccount(), newAccount(), newAccount(), newAccount()];
    const first = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, a.address, { depth: 3 }),
    );
    const second = await granted(world(), a, grantBelow(first, b.address));
    const third = await granted(world(), b, grantBelow(second, c.address));
    const fourth = await refused(register(world(), c, grantBelow(third, d.address)), 400);
    expect([kindOf(fourth.problem), fourth.problem.field]).toEqual([
      'grant-refused',
      'body.delegation.parent',
    ]);
    await served(callWith(world(), c, lookup, third.hash));
    const leaf = await granted(world(), b, grantBelow(second, newAccount().address, { depth: 0 }));
    expect(leaf.depth).toBe(0);
    const flat = await grantedAgent();
    const { problem } = await refused(
      world().send(
        registration(
          await signAnything(flat.agent, grantBelow(flat.grant, d.address, { depth: 0 })),
        ),
      ),
      400,
    );
    expect(problem.field).toBe('body.delegation.depth');
  });

  it('by one who is governed himself, and grants as if he were an owner', async () => {
    const { agent } = await grantedAgent({ depth: 1 });
    const { problem } = await refused(
      register(world(), agent, grantFor(world(), agent.address, newAccount().address)),
      400,
    );
    expect(problem.field).toBe('body.delegation.parent');
  });

  it.each(['highS', 'v0or1', 'compact2098', 'trailingByte', 'wrongParity', 'zero'] as const)(
    'by a signature of the form %s',
    async (form) => {
      const agent = newAccount();
      const body = await signDelegation(
        owner,
        CHAIN,
        grantFor(world(), owner.address, agent.address),
      );
      const changed = { ...body, signature: reshaped(form, body.signature) };
      const { problem } = await refused(world().send(registration(changed)), 400);
      expect(problem.field).toBe('body.signature');
      expect((await askStanding(world(), agent)).status).toBe(404);
    },
  );

  it('by a signature of another key, over another grant, or of an account that is not there', async () => {
    const agent = newAccount();
    const grant = grantFor(world(), owner.address, agent.address);
    const body = await signDelegation(owner, CHAIN, grant);
    for (const forged of [
      await signAnything(newAccount(), grant),
      { ...body, delegation: { ...body.delegation, maxTotal: '10000001' } },
      { ...body, signature: `0x${body.signature.slice(2)}${'6492'.repeat(16)}` },
    ]) {
      const { problem } = await refused(world().send(registration(forged)), 400);
      expect(problem.field).toBe('body.signature');
    }
    expect((await askStanding(world(), agent)).status).toBe(404);
  });

  it('for a field that is unknown, missing, twice, or of another form', async () => {
    const body = await signDelegation(
      owner,
      CHAIN,
      grantFor(world(), owner.address, newAccount().address),
    );
    const { delegation } = body;
    const { epoch: _, ...without } = delegation;
    const text = JSON.stringify(body);
    for (const [sent, kind, field] of [
      [{ ...body, extra: 1 }, 'unknown-field', 'body.extra'],
      [
        { ...body, delegation: { ...delegation, note: 'x' } },
        'unknown-field',
        'body.delegation.note',
      ],
      [{ ...body, delegation: without }, 'malformed-field', 'body.delegation.epoch'],
      [
        { ...body, delegation: { ...delegation, maxTotal: 5 } },
        'malformed-field',
        'body.delegation.maxTotal',
      ],
      [
        { ...body, delegation: { ...delegation, tools: ['search*'] } },
        'malformed-field',
        'body.delegation.tools.0',
      ],
      [{ ...body, v: 2 }, 'unsupported-version', 'body.v'],
      [{ ...body, chainId: '8453' }, 'unsupported-network', 'body.chainId'],
      [text.replace('"v":1', '"v":1,"v":1'), 'malformed-request', 'body'],
      ['', 'malformed-request', 'body'],
      [' '.repeat(32_769), 'body-too-large', 'body'],
    ] as const) {
      const answer = await world().send(registration(sent));
      expect([400, 413]).toContain(answer.status);
      const problem = await readProblem(answer);
      expect([kindOf(problem), problem.field]).toEqual([kind, field]);
    }
    const dry = await world().send(registration(body), { 'Dry-Run': '?1' });
    expect([dry.status, (await readProblem(dry)).field]).toEqual([400, 'dry-run']);
    expect((await world().send({ ...registration(body), method: 'POST' })).status).toBe(405);
  });

  it('of an issuer who has nothing', async () => {
    const issuer = newAccount();
    const { problem } = await refused(
      register(world(), issuer, grantFor(world(), issuer.address, newAccount().address)),
      403,
    );
    expect([kindOf(problem), problem.field]).toEqual(['penniless', 'body.delegation.issuer']);
  });
});

describe('a customer that a stranger grants to', () => {
  /** A settled tenth of a cent is all that the stranger has here. */
  const newStranger = async (): Promise<LocalAccount> => {
    const stranger = await fundedAccount(world(), 1_000n);
    await served(pay(world(), stranger, lookup));
    return stranger;
  };

  const byTool = { by: 'tool' } as const;
  const reads = ['account.get', 'account.tree', 'account.calls', 'account.spend'] as const;
  const readBy = async (reader: LocalAccount, of: LocalAccount): Promise<readonly number[]> => {
    const params = { account: accountOf(of.address) };
    const answers = await Promise.all(
      [...reads, 'account.webhooks.list' as const, 'account.events' as const].map((id) =>
        manage(world(), reader, id, { params, ...(id === 'account.spend' && { query: byTool }) }),
      ),
    );
    for (const answer of answers) await answer.body?.cancel();
    return answers.map(({ status }) => status);
  };

  it('calls all the same, the first time and later, and the stranger reads nothing of it', async () => {
    const stranger = await newStranger();
    const customer = await fundedAccount(world(), 100_000n);
    const nothing = grantFor(world(), stranger.address, customer.address, {
      ...{ tools: [], payees: [], maxPerCall: 0n, maxTotal: 0n },
    });
    const { hash } = await offered(world(), stranger, nothing);
    // No row of the customer: to the gateway it is still a stranger.
    expect((await askStanding(world(), customer)).status).toBe(404);
    await served(pay(world(), customer, lookup));
    await served(pay(world(), customer, lookup));
    expect(new Set(await readBy(stranger, customer))).toEqual(new Set([404]));
    const standing = await standingOf(world(), customer);
    expect(standing).not.toHaveProperty('parent');
    expect(standing.grants).toEqual([]);
    const { items } = await told<{ readonly items: readonly unknown[] }>(
      manage(world(), stranger, 'account.tree', {
        params: { account: accountOf(stranger.address) },
      }),
    );
    expect(items).toMatchObject([{ grant: hash, status: 'offered' }]);
    // An order of the stranger's reaches nobody either.
    const frozen = await manage(world(), stranger, 'account.status', {
      params: { account: accountOf(customer.address) },
      body: { status: 'frozen' },
    });
    expect(frozen.status).toBe(404);
    await served(pay(world(), customer, lookup));
  });

  it('is governed, and read, once an intent of its own names the grant', async () => {
    const customer = await trustedAccount(world(), { reports: 1, left: 1_000_000n });
    const grant = await offered(
      world(),
      owner,
      grantFor(world(), owner.address, customer.address, { maxTotal: 1_000n }),
    );
    await served(pay(world(), customer, translate));
    expect(new Set(await readBy(owner, customer))).toEqual(new Set([404]));
    // Nobody else's intent consents for it.
    const other = await refused(callWith(world(), newAccount(), lookup, grant.hash), 403);
    expect(other.problem).toMatchObject({ rule: 'authority' });
    expect(new Set(await readBy(owner, customer))).toEqual(new Set([404]));

    await served(callWith(world(), customer, lookup, grant.hash));
    expect(new Set(await readBy(owner, customer))).toEqual(new Set([200]));
    const { problem } = await refused(pay(world(), customer, lookup), 403);
    expect(problem).toMatchObject({
      ...{ rule: 'lifetime', grant: grant.hash, authority: grant.hash, limit: '1000' },
    });
    const standing = await standingOf(world(), customer);
    expect(standing.parent).toBe(accountOf(owner.address));
    expect(standing.grants).toMatchObject([{ hash: grant.hash, is_default: true }]);
  });
});

describe('a second grant', () => {
  it('replaces the first for calls that name none, revoked before or not, and every answer says which', async () => {
    const { agent, grant } = await grantedAgent({ maxPerCall: 500n });
    const low = await refused(callWith(world(), agent, lookup), 403);
    expect(low.problem).toMatchObject({ rule: 'per_call', authority: grant.hash });
    const raised = await granted(world(), owner, grantFor(world(), owner.address, agent.address));
    await served(callWith(world(), agent, lookup));
    expect((await standingOf(world(), agent)).grants).toMatchObject([
      { hash: grant.hash, is_default: false },
      { hash: raised.hash, is_default: true },
    ]);
    // Unless the call says otherwise.
    await refused(callWith(world(), agent, lookup, grant.hash), 403);

    expect((await revoke(world(), owner, { id: raised.id })).status).toBe(200);
    const again = await granted(world(), owner, grantFor(world(), owner.address, agent.address));
    await served(callWith(world(), agent, lookup));
    expect((await standingOf(world(), agent)).grants).toMatchObject([
      { hash: grant.hash },
      { hash: raised.hash, status: 'revoked', is_default: false },
      { hash: again.hash, status: 'active', is_default: true },
    ]);
  });

  it('shows a grant as revoked although its holder has not called since', async () => {
    const { agent, grant } = await grantedAgent();
    expect((await revoke(world(), owner, { id: grant.id })).status).toBe(200);
    expect((await standingOf(world(), agent)).grants).toMatchObject([
      { hash: grant.hash, status: 'revoked', is_default: false },
    ]);
  });
});

describe('consent', () => {
  it('is for this very registration, by its delegate, and binds for good', async () => {
    const agent = await trustedAccount(world(), { reports: 1, left: 1_000_000n });
    const grant = grantFor(world(), owner.address, agent.address, { maxTotal: 1_000n });
    const body = await signDelegation(owner, CHAIN, grant);
    const elsewhere = await signIntent(world(), agent, registration({ ...body, v: 2 }), {
      tool: 'countersign.delegations',
    });
    const moved = await refused(world().send(registration(body), agentIntent(elsewhere)), 400);
    expect([kindOf(moved.problem), moved.problem.field]).toEqual([
      'intent-mismatch',
      'Agent-Intent.intent.payloadDigest',
    ]);
    const byOther = await refused(
      registerWith(world(), await fundedAccount(world(), 1n), body),
      403,
    );
    expect(kindOf(byOther.problem)).toBe('forbidden');
    const byIssuer = await registerWith(world(), owner, body);
    expect(await byIssuer.json()).toMatchObject({ status: 'offered' });
    // Nothing binds it meanwhile.
    await served(pay(world(), agent, translate));

    const answer = await registerWith(world(), agent, body);
    expect(answer.status, await answer.clone().text()).toBe(201);
    expect(await answer.json()).toMatchObject({ status: 'active' });
    await served(pay(world(), agent, lookup));
    const { problem } = await refused(pay(world(), agent, lookup), 403);
    expect(problem).toMatchObject({ rule: 'lifetime', grant: hashOf(grant), limit: '1000' });
    // Applied once, it never goes without a grant again.
    expect((await revoke(world(), agent, { id: grant.id })).status).toBe(200);
    const after = await refused(pay(world(), agent, report), 403);
    expect(after.problem).toMatchObject({ rule: 'revoked' });
  });
});
