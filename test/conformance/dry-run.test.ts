import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { bind, bound, callOf } from './support/bound.ts';
import { accountOf, creditedAccount, credits, limitTold } from './support/credit.ts';
import {
  grantBelow,
  granted,
  grantFor,
  limitIn,
  revoke,
  standingOf,
  usedOf,
} from './support/grant.ts';
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
import { sendRaw } from './support/raw.ts';
import { lookup, report, type ToolCall, translate, useWorld, whoami } from './support/world.ts';

const world = useWorld();
const WORD = /^0x[0-9a-f]{64}$/;
const DRY = { 'Dry-Run': '?1' } as const;

type Headers = Readonly<Record<string, string>>;

/** What a dry run answers. */
type Told = {
  readonly verdict: string;
  readonly paid_from: string;
  readonly limits: readonly { readonly rule: string; readonly remaining: string }[];
  readonly [member: string]: unknown;
};

/** An account's money as it stands, but for its rate, which only time heals. */
const moneyOf = async (account: LocalAccount) =>
  (await standingOf(world(), account)).money.map(({ limits, ...money }) => ({
    ...money,
    limits: limits.filter(({ rule }) => rule !== 'rate'),
  }));

/** Asks what would happen; holds that nothing has: no tool ran, no answer of a call was given. Whether money moved the payers say: what they bought before may settle meanwhile. */
const rehearse = async (call: ToolCall, headers: Headers): Promise<Told> => {
  const ran = await world().counts();
  const answer = await world().send(call, { ...headers, ...DRY });
  expect(answer.status, await answer.clone().text()).toBe(200);
  expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
  for (const header of ['Agent-Receipt', 'PAYMENT-RESPONSE', 'X-PAYMENT-RESPONSE'])
    expect(answer.headers.get(header)).toBeNull();
  expect(await world().counts()).toEqual(ran);
  return (await answer.json()) as Told;
};

const told = (fields: object) => ({
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
let saver: LocalAccount;
beforeAll(async () => {
  trusted = await trustedAccount(world(), { reports: 2, left: 1_000_000n });
  saver = await creditedAccount(world(), { credit: 100_000n, left: 100_000n });
});

describe('a call that only asks', () => {
  it.each([
    ['a vanilla payment, version 2', v2],
    ['a vanilla payment, version 1', v1],
  ])('with %s hears what would happen; the same payment then buys the call', async (_, form) => {
    const payment = await sign(world(), trusted, translate);
    for (const _time of [1, 2])
      expect(await rehearse(translate, form(payment))).toEqual(
        told({
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

  it('with a bound payment too, and that it would be settled first', async () => {
    for (const [call, tool, verdict, price] of [
      [translate, 'translate', 'go', '20000'],
      [report, 'report', 'settle', '50000'],
    ] as const) {
      const payment = await bind(world(), trusted, call);
      expect(await rehearse(call, bound(payment))).toEqual(
        told({ verdict, call: digestOf(payment.intent), tool, price, paid_from: 'payment' }),
      );
      expect(await isUsed(world(), payment)).toBe(false);
      await serve(call, bound(payment));
    }
  });

  it('as a newcomer hears that its money would move first, and leaves no trace', async () => {
    const payer = await fundedAccount(world(), 50_000n);
    const payment = await bind(world(), payer, lookup);
    expect(await rehearse(lookup, bound(payment))).toMatchObject({ verdict: 'settle' });
    expect(await transfersFrom(world(), payer.address)).toEqual([]);
    // Law 12: the account is none yet.
    const asked = await signIntent(
      world(),
      payer,
      { path: '/accounts/me' },
      { tool: 'countersign.account' },
    );
    expect((await world().send({ path: '/accounts/me' }, agentIntent(asked))).status).toBe(404);
    await serve(lookup, bound(payment));
    expect(await transfersFrom(world(), payer.address)).toEqual([1_000n]);
  });

  it('from credit hears what is left of it, which it does not touch', async () => {
    const before = await moneyOf(saver);
    const signed = await signPaidIntent(world(), saver, translate);
    const answer = await rehearse(translate, agentIntent(signed));
    expect(answer).toEqual(
      told({
        ...{ verdict: 'go', call: digestOf(signed.intent), tool: 'translate', price: '20000' },
        paid_from: 'credit',
      }),
    );
    expect(answer.limits.find(({ rule }) => rule === 'credit')).toMatchObject({
      ...{ limit: '100000', spent: '0', held: '0', remaining: '100000' },
    });
    expect(await moneyOf(saver)).toEqual(before);
    const real = await serve(translate, agentIntent(signed));
    expect(limitTold(real, 'credit')?.r).toBe(80_000);
  });

  it('of a tool that is free pays from nothing', async () => {
    const signed = await signIntent(world(), saver, whoami);
    expect(await rehearse(whoami, agentIntent(signed))).toMatchObject({
      ...{ verdict: 'go', paid_from: 'none', price: '0', tool: 'whoami' },
    });
    await serve(whoami, agentIntent(signed));
  });

  it('for a top-up moves nothing; the same payment then buys the credit', async () => {
    const payer = await fundedAccount(world(), 30_000n);
    const call = credits(30_000n);
    const payment = await bind(world(), payer, call);
    expect(await rehearse(call, bound(payment))).toEqual(
      told({
        ...{ verdict: 'settle', call: callOf(payment), price: '30000', paid_from: 'payment' },
        tool: 'countersign.credits',
      }),
    );
    expect(await isUsed(world(), payment)).toBe(false);
    const real = await serve(call, bound(payment));
    expect(limitTold(real, 'credit')).toEqual({ q: 30_000, r: 30_000 });
    expect(await transfersFrom(world(), payer.address)).toEqual([30_000n]);
  });

  it('under a grant takes nothing of any limit above, nor of the credit of the owner', async () => {
    const owner = await creditedAccount(world(), { credit: 10_000n, left: 0n });
    const agent = newAccount();
    const grant = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, agent.address, { maxTotal: 5_000n }),
    );
    const before = await moneyOf(owner);
    const signed = await signPaidIntent(world(), agent, lookup, { authority: grant.hash });
    const answer = await rehearse(lookup, agentIntent(signed));
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

  it('a hundred times at once changes nothing', async () => {
    const signed = await signPaidIntent(world(), saver, lookup);
    const [ran, before] = [await world().counts(), await moneyOf(saver)];
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () =>
        world().send(lookup, { ...agentIntent(signed), ...DRY }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await world().counts()).toEqual(ran);
    expect(await moneyOf(saver)).toEqual(before);
  });
});

describe('a call that has run', () => {
  it('is not run again by asking, and its answer is the one that a repeat gets', async () => {
    const signed = await signPaidIntent(world(), saver, lookup);
    const first = await (await serve(lookup, agentIntent(signed))).text();
    const ran = await world().counts();
    const shown = { ...agentIntent(signed), ...retryKey(signed.intent) };
    const asked = await world().send(lookup, { ...shown, ...DRY });
    expect([asked.status, await asked.text()]).toEqual([200, first]);
    expect(await world().counts()).toEqual(ran);
  });
});

describe('a call that would be denied', () => {
  /** All that a problem says, but for what two calls can never have in common. */
  const comparable = ({ call: _, ...problem }: Problem): object => problem;

  /** Asks, then really sends the same; both must be refused in the same words. */
  const twice = async (call: ToolCall, headers: Headers): Promise<Problem> => {
    const ran = await world().counts();
    const asked = await world().send(call, { ...headers, ...DRY });
    const real = await world().send(call, headers);
    expect([asked.status, asked.headers.get('Retry-After')]).toEqual([
      real.status,
      real.headers.get('Retry-After'),
    ]);
    expect(real.status).toBeGreaterThanOrEqual(400);
    const [problem, same] = [await readProblem(asked), await readProblem(real)];
    expect(comparable(problem)).toEqual(comparable(same));
    expect(await world().counts()).toEqual(ran);
    return problem;
  };

  it('hears the same as from the call itself: no credit, no balance, wrong fields, a forged key', async () => {
    const poor = await creditedAccount(world(), { credit: 1_500n, left: 500n });
    const noCredit = await signPaidIntent(world(), poor, translate);
    expect(await twice(translate, agentIntent(noCredit))).toMatchObject({
      ...{ rule: 'credit', limit: '1500', remaining: '1500', status: 403 },
    });
    const noBalance = await bind(world(), poor, translate);
    expect(await twice(translate, bound(noBalance))).toMatchObject({ rule: 'balance' });
    const elsewhere = await signPaidIntent(world(), saver, lookup, {
      audience: 'https://other.example',
    });
    expect(kindOf(await twice(lookup, agentIntent(elsewhere)))).toBe('intent-mismatch');
    const forged = await signPaidIntent(
      world(),
      { ...newAccount(), address: saver.address },
      lookup,
    );
    expect((await twice(lookup, agentIntent(forged))).field).toBe('Agent-Intent.signature');
  });

  it('by its grant, or one above, hears whose rule it is', async () => {
    const owner = await creditedAccount(world(), { credit: 10_000n, left: 0n });
    const agent = newAccount();
    const grant = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, agent.address, {
        ...{ tools: ['lookup', 'translate'], maxTotal: 1_000n, maxPerCall: 1_000n },
      }),
    );
    const asking = async (call: ToolCall) =>
      await twice(
        call,
        agentIntent(await signPaidIntent(world(), agent, call, { authority: grant.hash })),
      );
    expect(await asking(report)).toMatchObject({ rule: 'tool', grant: grant.hash });
    expect(await asking(translate)).toMatchObject({
      ...{ rule: 'per_call', account: accountOf(agent.address), limit: '1000' },
    });
    await serve(
      lookup,
      agentIntent(await signPaidIntent(world(), agent, lookup, { authority: grant.hash })),
    );
    expect(await asking(lookup)).toMatchObject({ rule: 'lifetime', remaining: '0' });
    await revoke(world(), owner, { id: grant.id });
    expect(await asking(lookup)).toMatchObject({ rule: 'revoked' });
  });

  it('because its owner has no credit is not told that the owner would pay', async () => {
    const owner = await fundedAccount(world(), 1_000n);
    const agent = newAccount();
    const grant = await granted(world(), owner, grantFor(world(), owner.address, agent.address));
    const signed = await signPaidIntent(world(), agent, lookup, { authority: grant.hash });
    expect(await twice(lookup, agentIntent(signed))).toMatchObject({ rule: 'credit' });
  });
});

describe('a limit that two share', () => {
  const shared = async (maxTotal: bigint) => {
    const owner = await creditedAccount(world(), { credit: 100_000n, left: 0n });
    const [manager, greedy, other] = [newAccount(), newAccount(), newAccount()];
    const top = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, manager.address, { maxTotal, depth: 1 }),
    );
    for (const agent of [greedy, other])
      await granted(world(), manager, grantBelow(top, agent.address));
    // One that is busy holds more than it uses.
    for (let made = 0; made < 8; made += 1)
      await serve(lookup, agentIntent(await signPaidIntent(world(), greedy, lookup)));
    return other;
  };

  const askAndCall = async (agent: LocalAccount, call: ToolCall) => {
    const headers = agentIntent(await signPaidIntent(world(), agent, call));
    const asked = await world().send(call, { ...headers, ...DRY });
    const real = await world().send(call, headers);
    return [asked, real].map(({ status }) => status);
  };

  it('to its last unit: what asking says is what the call then gets', async () => {
    const agent = await shared(12_000n);
    for (const expected of [200, 200, 200, 200, 403, 403])
      expect(await askAndCall(agent, lookup)).toEqual([expected, expected]);
  });

  it('is told with what another holds and does not use', async () => {
    const agent = await shared(28_000n);
    expect(await askAndCall(agent, translate)).toEqual([200, 200]);
    expect(await askAndCall(agent, lookup)).toEqual([403, 403]);
  });
});

describe('the header', () => {
  it.each(['1', 'true', '?2', '?1;a=b', '"?1"', 'yes', '?1, ?1', '?0, ?1'])(
    '%s is neither yes nor no, and refused',
    async (value) => {
      const signed = await signPaidIntent(world(), saver, lookup);
      const ran = await world().counts();
      const answer = await world().send(lookup, { ...agentIntent(signed), 'Dry-Run': value });
      expect(answer.status).toBe(400);
      const problem = await readProblem(answer);
      expect([kindOf(problem), problem.field]).toEqual(['malformed-request', 'dry-run']);
      expect(await world().counts()).toEqual(ran);
    },
  );

  it('sent twice is refused, whatever the two say', async () => {
    const signed = await signPaidIntent(world(), saver, lookup);
    const ran = await world().counts();
    for (const second of ['?0', '?1']) {
      const answer = await sendRaw(world().stack.description.gateway, {
        path: lookup.path,
        headers: [...Object.entries(agentIntent(signed)), ['Dry-Run', '?1'], ['Dry-Run', second]],
      });
      expect([answer.status, (JSON.parse(answer.text) as Problem).field]).toEqual([400, 'dry-run']);
    }
    expect(await world().counts()).toEqual(ran);
  });

  it('that says no is as none', async () => {
    const signed = await signPaidIntent(world(), saver, lookup);
    const ran = (await world().counts()).lookup;
    await serve(lookup, { ...agentIntent(signed), 'Dry-Run': '?0' });
    expect((await world().counts()).lookup).toBe(ran + 1);
  });

  it('without a proof changes nothing of the offer or the challenge', async () => {
    const offered = await world().send(lookup, DRY);
    const plain = await world().send(lookup);
    expect(offered.status).toBe(402);
    expect(offered.headers.get('PAYMENT-REQUIRED')).toBe(plain.headers.get('PAYMENT-REQUIRED'));
    expect((await world().send(whoami, DRY)).status).toBe(401);
  });
});
