import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { bind, bound, callOf } from './support/bound.ts';
import { accountOf, creditedAccount, credits, rateLimitOf } from './support/credit.ts';
import { childGrant, granted, grantFor, revoke } from './support/grant.ts';
import { limitIn, standingOf, usedOf } from './support/standing.ts';
import { agentIntent, digestOf, retryKey, signIntent, signPaidIntent } from './support/intent.ts';
import { lookUp } from './support/look-up.ts';
import { kindOf, type Problem, readProblem } from './support/offer.ts';
import {
  fundedAccount,
  isUsed,
  newAccount,
  sign,
  transfersFrom,
  trustedAccount,
  v1,
  v2,
} from './support/payment.ts';
import {
  lookup,
  report,
  type ToolCall,
  translate,
  useSharedWorld,
  whoami,
} from './support/world.ts';

const world = useSharedWorld();
const WORD = /^0x[0-9a-f]{64}$/;
const DRY = { 'Dry-Run': '?1' } as const;

type Headers = Readonly<Record<string, string>>;

/** The answer to a dry run. */
type DryRunAnswer = {
  readonly verdict: string;
  readonly paid_from: string;
  readonly limits: readonly { readonly rule: string; readonly remaining: string }[];
  readonly [member: string]: unknown;
};

/** The account's money without the rate limit, which changes as time passes. */
const moneyOf = async (account: LocalAccount) =>
  (await standingOf(world(), account)).money.map(({ limits, ...money }) => ({
    ...money,
    limits: limits.filter(({ rule }) => rule !== 'rate'),
  }));

/**
 * Sends a dry run and expects that no tool ran and that the answer has no receipt or payment response. Each test checks its own payer for
 * moved money, because the payer's earlier payments may settle meanwhile.
 */
const dryRun = async (call: ToolCall, headers: Headers): Promise<DryRunAnswer> => {
  const ran = await world().counts();
  const answer = await world().send(call, { ...headers, ...DRY });
  expect(answer.status, await answer.clone().text()).toBe(200);
  expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
  for (const header of ['Agent-Receipt', 'PAYMENT-RESPONSE', 'X-PAYMENT-RESPONSE'])
    expect(answer.headers.get(header)).toBeNull();
  expect(await world().counts()).toEqual(ran);
  return (await answer.json()) as DryRunAnswer;
};

const expected = (fields: object) => ({
  ...{ dry_run: true, charged: '0', policy: expect.stringMatching(WORD) as string },
  limits: expect.any(Array) as unknown[],
  ...fields,
});

const serve = async (call: ToolCall, headers: Headers): Promise<Response> => {
  const answer = await world().send(call, headers);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return answer;
};

let trusted: LocalAccount;
let creditHolder: LocalAccount;
beforeAll(async () => {
  trusted = await trustedAccount(world(), { reports: 2, balance: 1_000_000n });
  creditHolder = await creditedAccount(world(), { credit: 100_000n, balance: 100_000n });
});

describe('a dry run', () => {
  it.each([
    ['a vanilla payment of version 2', v2],
    ['a vanilla payment of version 1', v1],
  ])('with %s returns the verdict; the same payment then buys the call', async (_, form) => {
    const payment = await sign(world(), trusted, translate);
    for (const _time of [1, 2])
      expect(await dryRun(translate, form(payment))).toEqual(
        expected({
          ...{ verdict: 'go', call: callOf(payment), tool: 'translate', price: '20000' },
          paid_from: 'payment',
        }),
      );
    expect(await isUsed(world(), payment)).toBe(false);
    expect((await lookUp(world(), trusted, callOf(payment))).status).toBe(404);
    const ran = (await world().counts()).translate;
    await serve(translate, form(payment));
    expect((await world().counts()).translate).toBe(ran + 1);
  });

  it('with a bound payment returns the verdict, and whether the payment would settle first', async () => {
    for (const [call, tool, verdict, price] of [
      [translate, 'translate', 'go', '20000'],
      [report, 'report', 'settle', '50000'],
    ] as const) {
      const payment = await bind(world(), trusted, call);
      expect(await dryRun(call, bound(payment))).toEqual(
        expected({ verdict, call: digestOf(payment.intent), tool, price, paid_from: 'payment' }),
      );
      expect(await isUsed(world(), payment)).toBe(false);
      await serve(call, bound(payment));
    }
  });

  it('by a newcomer returns that its payment would settle first, and writes nothing', async () => {
    const payer = await fundedAccount(world(), 50_000n);
    const payment = await bind(world(), payer, lookup);
    expect(await dryRun(lookup, bound(payment))).toMatchObject({ verdict: 'settle' });
    expect(await transfersFrom(world(), payer.address)).toEqual([]);
    // The account does not exist yet (law 12).
    const dry = await signIntent(
      world(),
      payer,
      { path: '/accounts/me' },
      { tool: 'countersign.account' },
    );
    expect((await world().send({ path: '/accounts/me' }, agentIntent(dry))).status).toBe(404);
    await serve(lookup, bound(payment));
    expect(await transfersFrom(world(), payer.address)).toEqual([1_000n]);
  });

  it('from credit returns the remaining credit and leaves it unchanged', async () => {
    const before = await moneyOf(creditHolder);
    const signed = await signPaidIntent(world(), creditHolder, translate);
    const answer = await dryRun(translate, agentIntent(signed));
    expect(answer).toEqual(
      expected({
        ...{ verdict: 'go', call: digestOf(signed.intent), tool: 'translate', price: '20000' },
        paid_from: 'credit',
      }),
    );
    expect(answer.limits.find(({ rule }) => rule === 'credit')).toMatchObject({
      ...{ limit: '100000', spent: '0', held: '0', remaining: '100000' },
    });
    expect(await moneyOf(creditHolder)).toEqual(before);
    const real = await serve(translate, agentIntent(signed));
    expect(rateLimitOf(real, 'credit')?.r).toBe(80_000);
  });

  it('of a free tool is paid from nothing', async () => {
    const signed = await signIntent(world(), creditHolder, whoami);
    expect(await dryRun(whoami, agentIntent(signed))).toMatchObject({
      ...{ verdict: 'go', paid_from: 'none', price: '0', tool: 'whoami' },
    });
    await serve(whoami, agentIntent(signed));
  });

  it('of a top-up moves nothing; the same payment then buys the credit', async () => {
    const payer = await fundedAccount(world(), 30_000n);
    const call = credits(30_000n);
    const payment = await bind(world(), payer, call);
    expect(await dryRun(call, bound(payment))).toEqual(
      expected({
        ...{ verdict: 'settle', call: callOf(payment), price: '30000', paid_from: 'payment' },
        tool: 'countersign.credits',
      }),
    );
    expect(await isUsed(world(), payment)).toBe(false);
    const real = await serve(call, bound(payment));
    expect(rateLimitOf(real, 'credit')).toEqual({ q: 30_000, r: 30_000 });
    expect(await transfersFrom(world(), payer.address)).toEqual([30_000n]);
  });

  it("under a grant leaves the limits of all ancestors and the owner's credit unchanged", async () => {
    const owner = await creditedAccount(world(), { credit: 10_000n, balance: 0n });
    const agent = newAccount();
    const grant = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, agent.address, { maxTotal: 5_000n }),
    );
    const before = await moneyOf(owner);
    const signed = await signPaidIntent(world(), agent, lookup, { authority: grant.hash });
    const answer = await dryRun(lookup, agentIntent(signed));
    expect(answer).toMatchObject({ verdict: 'go', paid_from: 'credit', price: '1000' });
    expect(answer.limits).toContainEqual(
      expect.objectContaining({ rule: 'grant:lifetime', limit: '5000', remaining: '5000' }),
    );
    expect(await moneyOf(owner)).toEqual(before);
    expect(usedOf(limitIn(await standingOf(world(), agent), 'grant:lifetime'))).toBe(0n);
    await serve(lookup, agentIntent(signed));
    await revoke(world(), owner, { id: grant.id });
    expect((await standingOf(world(), owner)).money[0]).toMatchObject({ credit: '9000' });
  });

  it('changes nothing when a hundred arrive at once', async () => {
    const signed = await signPaidIntent(world(), creditHolder, lookup);
    const [ran, before] = [await world().counts(), await moneyOf(creditHolder)];
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () =>
        world().send(lookup, { ...agentIntent(signed), ...DRY }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await world().counts()).toEqual(ran);
    expect(await moneyOf(creditHolder)).toEqual(before);
  });
});

describe('a dry run of a call that has run', () => {
  it('returns the stored answer like a repeat, and runs nothing', async () => {
    const signed = await signPaidIntent(world(), creditHolder, lookup);
    const first = await (await serve(lookup, agentIntent(signed))).text();
    const ran = await world().counts();
    const shown = { ...agentIntent(signed), ...retryKey(signed.intent) };
    const dry = await world().send(lookup, { ...shown, ...DRY });
    expect([dry.status, await dry.text()]).toEqual([200, first]);
    expect(await world().counts()).toEqual(ran);
  });
});

describe('a dry run that would be denied', () => {
  /** All members of a problem that two calls can share. */
  const comparable = ({ call: _, ...problem }: Problem): object => problem;

  /** Sends the call as a dry run, then for real, and expects the same problem. */
  const problemOfBoth = async (call: ToolCall, headers: Headers): Promise<Problem> => {
    const ran = await world().counts();
    const dry = await world().send(call, { ...headers, ...DRY });
    const real = await world().send(call, headers);
    expect([dry.status, dry.headers.get('Retry-After')]).toEqual([
      real.status,
      real.headers.get('Retry-After'),
    ]);
    expect(real.status).toBeGreaterThanOrEqual(400);
    const [problem, same] = [await readProblem(dry), await readProblem(real)];
    expect(comparable(problem)).toEqual(comparable(same));
    expect(await world().counts()).toEqual(ran);
    return problem;
  };

  it('gets the problem of the real call: no credit, no balance, wrong fields, forged signature', async () => {
    const poor = await creditedAccount(world(), { credit: 1_500n, balance: 500n });
    const noCredit = await signPaidIntent(world(), poor, translate);
    expect(await problemOfBoth(translate, agentIntent(noCredit))).toMatchObject({
      ...{ rule: 'credit', limit: '1500', remaining: '1500', status: 403 },
    });
    const noBalance = await bind(world(), poor, translate);
    expect(await problemOfBoth(translate, bound(noBalance))).toMatchObject({ rule: 'balance' });
    const elsewhere = await signPaidIntent(world(), creditHolder, lookup, {
      audience: 'https://other.example',
    });
    expect(kindOf(await problemOfBoth(lookup, agentIntent(elsewhere)))).toBe('intent-mismatch');
    const forged = await signPaidIntent(
      world(),
      { ...newAccount(), address: creditHolder.address },
      lookup,
    );
    expect((await problemOfBoth(lookup, agentIntent(forged))).field).toBe('Agent-Intent.signature');
  });

  it('by its own grant or by an ancestor names the account that set the rule', async () => {
    const owner = await creditedAccount(world(), { credit: 10_000n, balance: 0n });
    const agent = newAccount();
    const grant = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, agent.address, {
        ...{ tools: ['lookup', 'translate'], maxTotal: 1_000n, maxPerCall: 1_000n },
      }),
    );
    const problemOf = async (call: ToolCall) =>
      await problemOfBoth(
        call,
        agentIntent(await signPaidIntent(world(), agent, call, { authority: grant.hash })),
      );
    expect(await problemOf(report)).toMatchObject({ rule: 'tool', grant: grant.hash });
    expect(await problemOf(translate)).toMatchObject({
      ...{ rule: 'per_call', account: accountOf(agent.address), limit: '1000' },
    });
    await serve(
      lookup,
      agentIntent(await signPaidIntent(world(), agent, lookup, { authority: grant.hash })),
    );
    expect(await problemOf(lookup)).toMatchObject({ rule: 'lifetime', remaining: '0' });
    await revoke(world(), owner, { id: grant.id });
    expect(await problemOf(lookup)).toMatchObject({ rule: 'revoked' });
  });

  it('because the owner has no credit is not answered as if the owner would pay', async () => {
    const owner = await fundedAccount(world(), 1_000n);
    const agent = newAccount();
    const grant = await granted(world(), owner, grantFor(world(), owner.address, agent.address));
    const signed = await signPaidIntent(world(), agent, lookup, { authority: grant.hash });
    expect(await problemOfBoth(lookup, agentIntent(signed))).toMatchObject({ rule: 'credit' });
  });
});

describe('a dry run under a limit that agents share', () => {
  const shared = async (maxTotal: bigint) => {
    const owner = await creditedAccount(world(), { credit: 100_000n, balance: 0n });
    const [manager, greedy, other] = [newAccount(), newAccount(), newAccount()];
    const top = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, manager.address, { maxTotal, depth: 1 }),
    );
    for (const agent of [greedy, other])
      await granted(world(), manager, childGrant(top, agent.address));
    // While an agent calls often, its lease is larger than what it uses.
    for (let made = 0; made < 8; made += 1)
      await serve(lookup, agentIntent(await signPaidIntent(world(), greedy, lookup)));
    return other;
  };

  const dryRunAndCall = async (agent: LocalAccount, call: ToolCall) => {
    const headers = agentIntent(await signPaidIntent(world(), agent, call));
    const dry = await world().send(call, { ...headers, ...DRY });
    const real = await world().send(call, headers);
    return [dry, real].map(({ status }) => status);
  };

  it('predicts each call correctly up to the last unit of the limit', async () => {
    const agent = await shared(12_000n);
    for (const expected of [200, 200, 200, 200, 403, 403])
      expect(await dryRunAndCall(agent, lookup)).toEqual([expected, expected]);
  });

  it('counts the share that another agent holds and does not use', async () => {
    const agent = await shared(28_000n);
    expect(await dryRunAndCall(agent, translate)).toEqual([200, 200]);
    expect(await dryRunAndCall(agent, lookup)).toEqual([403, 403]);
  });
});
