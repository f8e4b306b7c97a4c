import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AgentDelegation, signDelegation } from '../../src/client/index.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import {
  EVERY_PAYEE,
  callWith,
  granted,
  childGrant,
  grantFor,
  hashOf,
  NO_PARENT,
  offered,
  register,
  registerWith,
  registration,
  revoke,
  signUnchecked,
  MONTHLY_POLICY,
  grantedAgent,
} from './support/grant.ts';
import { manage, okJson } from './support/manage.ts';
import { agentIntent, CHAIN, signIntent } from './support/intent.ts';
import { kindOf, readProblem } from './support/offer.ts';
import { fundedAccount, newAccount, nowSeconds, pay, trustedAccount } from './support/payment.ts';
import { reshaped } from './support/refusal.ts';
import { lookup, report, translate, useWorld } from './support/world.ts';
import { expectOk, expectProblem } from './support/expect-answer.ts';
import { requestStanding, standingOf } from './support/standing.ts';

const world = useWorld({ variables: { DEFAULT_POLICY: MONTHLY_POLICY } });

let owner: LocalAccount;
beforeAll(async () => {
  owner = await creditedAccount(world(), { credit: 3_000_000n, balance: 1_000n });
});
type Fields = Partial<AgentDelegation>;

describe('the registration of a grant', () => {
  const list = (length: number, item: (at: number) => string): string[] =>
    Array.from({ length }, (_, at) => item(at));

  it.each<[string, (agent: string) => Fields, string, string]>([
    ['another audience', () => ({ audience: 'https://gw.example' }), 'grant-refused', 'audience'],
    ['another asset', () => ({ asset: `0x${'1'.repeat(40)}` }), 'grant-refused', 'asset'],
    [
      'an expired grant',
      () => ({ validUntil: BigInt(nowSeconds() - 1) }),
      'grant-refused',
      'validUntil',
    ],
    [
      'an end before its start',
      () => ({ validAfter: 2n ** 53n - 2n }),
      'malformed-field',
      'validUntil',
    ],
    ['65 tools', () => ({ tools: list(65, (at) => `tool${at}`) }), 'malformed-field', 'tools'],
    [
      '65 payees',
      () => ({
        payees: list(65, (at) => `0x${(at + 1).toString(16).padStart(40, '0')}`) as `0x${string}`[],
      }),
      'malformed-field',
      'payees',
    ],
    ['a duplicate tool', () => ({ tools: ['a', 'a'] }), 'malformed-field', 'tools'],
    ['depth 4', () => ({ depth: 4 }), 'malformed-field', 'depth'],
    ['no id', () => ({ id: NO_PARENT }), 'malformed-field', 'id'],
    [
      'its issuer as delegate',
      () => ({ delegate: owner.address.toLowerCase() as `0x${string}` }),
      'malformed-field',
      'delegate',
    ],
    ['an unknown parent', () => ({ parent: `0x${'ab'.repeat(32)}` }), 'unknown-grant', 'parent'],
  ])('is rejected with the field and leaves no trace: %s', async (_, fields, kind, field) => {
    const agent = newAccount();
    const grant = grantFor(world(), owner.address, agent.address, fields(agent.address));
    const answer = world().send(registration(await signUnchecked(owner, grant)));
    const problem = await expectProblem(answer, kind === 'unknown-grant' ? 404 : 400);
    expect([kindOf(problem), problem.field]).toEqual([kind, `body.delegation.${field}`]);
    if (kind === 'grant-refused') {
      expect(problem).toMatchObject({
        expected: expect.stringMatching(/./) as string,
        got: expect.stringMatching(/./) as string,
      });
    }
    expect((await requestStanding(world(), agent)).status).toBe(404);
  });

  it.each<[string, (parent: AgentDelegation) => Fields]>([
    ['audience', () => ({ audience: 'http://other.example' })],
    ['tools', () => ({ tools: ['lookup', 'report'] })],
    ['tools', () => ({ tools: ['*'] })],
    ['payees', () => ({ payees: [EVERY_PAYEE] })],
    ['maxPerCall', ({ maxPerCall }) => ({ maxPerCall: maxPerCall + 1n })],
    ['maxTotal', ({ maxTotal }) => ({ maxTotal: maxTotal + 1n })],
    ['windowSeconds', ({ windowSeconds }) => ({ windowSeconds: windowSeconds - 1n })],
    ['windowSeconds', () => ({ windowSeconds: 0n, maxPerWindow: 0n })],
    ['maxPerWindow', ({ maxPerWindow }) => ({ maxPerWindow: maxPerWindow + 1n })],
    ['validAfter', ({ validAfter }) => ({ validAfter: validAfter - 1n })],
    ['validUntil', ({ validUntil }) => ({ validUntil: validUntil + 1n })],
    ['depth', ({ depth }) => ({ depth })],
  ])('is rejected when it is wider than its parent, with the field: %s', async (field, fields) => {
    managed ??= manage();
    const { manager, top } = await managed;
    const agent = newAccount();
    const child = childGrant(top, agent.address, fields(top));
    const answer = world().send(registration(await signUnchecked(manager, child)));
    const problem = await expectProblem(answer, 400);
    expect([kindOf(problem), problem.field]).toEqual(['grant-refused', `body.delegation.${field}`]);
    expect((await requestStanding(world(), agent)).status).toBe(404);
  });

  /** Creates a manager whose grant limits every field. */
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

  it('is rejected when it leads back to its owner', async () => {
    managed ??= manage();
    const { manager, top } = await managed;
    const problem = await expectProblem(
      register(world(), manager, childGrant(top, owner.address)),
      400,
    );
    expect(problem).toMatchObject({ field: 'body.delegation.delegate' });
    expect(kindOf(problem)).toBe('grant-refused');
  });

  it('is rejected as a fourth level, and under a parent that allows no children', async () => {
    const [a, b, c, d] = [newAccount(), newAccount(), newAccount(), newAccount()];
    const first = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, a.address, { depth: 3 }),
    );
    const second = await granted(world(), a, childGrant(first, b.address));
    const third = await granted(world(), b, childGrant(second, c.address));
    const fourth = await expectProblem(register(world(), c, childGrant(third, d.address)), 400);
    expect([kindOf(fourth), fourth.field]).toEqual(['grant-refused', 'body.delegation.parent']);
    await expectOk(callWith(world(), c, lookup, third.hash));
    const leaf = await granted(world(), b, childGrant(second, newAccount().address, { depth: 0 }));
    expect(leaf.depth).toBe(0);
    const flat = await grantedAgent(world(), owner);
    const problem = await expectProblem(
      world().send(
        registration(
          await signUnchecked(flat.agent, childGrant(flat.grant, d.address, { depth: 0 })),
        ),
      ),
      400,
    );
    expect(problem.field).toBe('body.delegation.depth');
  });

  it('is rejected without a parent when its issuer has a parent', async () => {
    const { agent } = await grantedAgent(world(), owner, { depth: 1 });
    const problem = await expectProblem(
      register(world(), agent, grantFor(world(), agent.address, newAccount().address)),
      400,
    );
    expect(problem.field).toBe('body.delegation.parent');
  });

  it.each(['highS', 'v0or1', 'compact2098', 'trailingByte', 'wrongParity', 'zero'] as const)(
    'is rejected with a signature of the form %s',
    async (form) => {
      const agent = newAccount();
      const body = await signDelegation(
        owner,
        CHAIN,
        grantFor(world(), owner.address, agent.address),
      );
      const changed = { ...body, signature: reshaped(form, body.signature) };
      const problem = await expectProblem(world().send(registration(changed)), 400);
      expect(problem.field).toBe('body.signature');
      expect((await requestStanding(world(), agent)).status).toBe(404);
    },
  );

  it('is rejected with a signature of another key, over another grant, or of an undeployed account', async () => {
    const agent = newAccount();
    const grant = grantFor(world(), owner.address, agent.address);
    const body = await signDelegation(owner, CHAIN, grant);
    for (const forged of [
      await signUnchecked(newAccount(), grant),
      { ...body, delegation: { ...body.delegation, maxTotal: '10000001' } },
      { ...body, signature: `0x${body.signature.slice(2)}${'6492'.repeat(16)}` },
    ]) {
      const problem = await expectProblem(world().send(registration(forged)), 400);
      expect(problem.field).toBe('body.signature');
    }
    expect((await requestStanding(world(), agent)).status).toBe(404);
  });

  it('is rejected for an unknown, missing, duplicate or malformed field', async () => {
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

  it('is rejected when its issuer has nothing', async () => {
    const issuer = newAccount();
    const problem = await expectProblem(
      register(world(), issuer, grantFor(world(), issuer.address, newAccount().address)),
      403,
    );
    expect([kindOf(problem), problem.field]).toEqual(['penniless', 'body.delegation.issuer']);
  });
});

describe('the consent of a delegate', () => {
  it('covers this registration only, is signed by the delegate, and is permanent', async () => {
    const agent = await trustedAccount(world(), { reports: 1, balance: 1_000_000n });
    const grant = grantFor(world(), owner.address, agent.address, { maxTotal: 1_000n });
    const body = await signDelegation(owner, CHAIN, grant);
    const elsewhere = await signIntent(world(), agent, registration({ ...body, v: 2 }), {
      tool: 'countersign.delegations',
    });
    const moved = await expectProblem(
      world().send(registration(body), agentIntent(elsewhere)),
      400,
    );
    expect([kindOf(moved), moved.field]).toEqual([
      'intent-mismatch',
      'Agent-Intent.intent.payloadDigest',
    ]);
    const byOther = await expectProblem(
      registerWith(world(), await fundedAccount(world(), 1n), body),
      403,
    );
    expect(kindOf(byOther)).toBe('forbidden');
    const byIssuer = await registerWith(world(), owner, body);
    expect(await byIssuer.json()).toMatchObject({ status: 'offered' });
    // Without consent the grant does not limit the agent.
    await expectOk(pay(world(), agent, translate));

    const answer = await registerWith(world(), agent, body);
    expect(answer.status, await answer.clone().text()).toBe(201);
    expect(await answer.json()).toMatchObject({ status: 'active' });
    await expectOk(pay(world(), agent, lookup));
    const problem = await expectProblem(pay(world(), agent, lookup), 403);
    expect(problem).toMatchObject({ rule: 'lifetime', grant: hashOf(grant), limit: '1000' });
    // A delegate that has consented once is denied without a valid grant.
    expect((await revoke(world(), agent, { id: grant.id })).status).toBe(200);
    const after = await expectProblem(pay(world(), agent, report), 403);
    expect(after).toMatchObject({ rule: 'revoked' });
  });
});

describe('an offer of a stranger to a customer', () => {
  /** A stranger whose only history here is one settled payment of a tenth of a cent. */
  const newStranger = async (): Promise<LocalAccount> => {
    const stranger = await fundedAccount(world(), 1_000n);
    await expectOk(pay(world(), stranger, lookup));
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

  it('changes nothing for the customer, and lets the stranger read nothing', async () => {
    const stranger = await newStranger();
    const customer = await fundedAccount(world(), 100_000n);
    const nothing = grantFor(world(), stranger.address, customer.address, {
      ...{ tools: [], payees: [], maxPerCall: 0n, maxTotal: 0n },
    });
    const { hash } = await offered(world(), stranger, nothing);
    // An offer writes no row for the customer.
    expect((await requestStanding(world(), customer)).status).toBe(404);
    await expectOk(pay(world(), customer, lookup));
    await expectOk(pay(world(), customer, lookup));
    expect(new Set(await readBy(stranger, customer))).toEqual(new Set([404]));
    const standing = await standingOf(world(), customer);
    expect(standing).not.toHaveProperty('parent');
    expect(standing.grants).toEqual([]);
    const { items } = await okJson<{ readonly items: readonly unknown[] }>(
      manage(world(), stranger, 'account.tree', {
        params: { account: accountOf(stranger.address) },
      }),
    );
    expect(items).toMatchObject([{ grant: hash, status: 'offered' }]);
    // A command of the stranger does not reach the customer either.
    const frozen = await manage(world(), stranger, 'account.status', {
      params: { account: accountOf(customer.address) },
      body: { status: 'frozen' },
    });
    expect(frozen.status).toBe(404);
    await expectOk(pay(world(), customer, lookup));
  });

  it('limits the customer, and lets the issuer read, once an intent of the customer names it', async () => {
    const customer = await trustedAccount(world(), { reports: 1, balance: 1_000_000n });
    const grant = await offered(
      world(),
      owner,
      grantFor(world(), owner.address, customer.address, { maxTotal: 1_000n }),
    );
    await expectOk(pay(world(), customer, translate));
    expect(new Set(await readBy(owner, customer))).toEqual(new Set([404]));
    // An intent of another account does not consent.
    const other = await expectProblem(callWith(world(), newAccount(), lookup, grant.hash), 403);
    expect(other).toMatchObject({ rule: 'authority' });
    expect(new Set(await readBy(owner, customer))).toEqual(new Set([404]));

    await expectOk(callWith(world(), customer, lookup, grant.hash));
    expect(new Set(await readBy(owner, customer))).toEqual(new Set([200]));
    const problem = await expectProblem(pay(world(), customer, lookup), 403);
    expect(problem).toMatchObject({
      ...{ rule: 'lifetime', grant: grant.hash, authority: grant.hash, limit: '1000' },
    });
    const standing = await standingOf(world(), customer);
    expect(standing.parent).toBe(accountOf(owner.address));
    expect(standing.grants).toMatchObject([{ hash: grant.hash, is_default: true }]);
  });
});
