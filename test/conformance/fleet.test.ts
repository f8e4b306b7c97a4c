import type { Hex, LocalAccount } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mint } from '../../dev/stack/chain-access.ts';
import type { Person } from '../../dev/stack/people.ts';
import { entryHash, entryText, GENESIS } from '../../src/audit/entry.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { verifyLog } from '../support/verify-log.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { accountOf, topUp } from './support/credit.ts';
import {
  callWith,
  type Granted,
  granted,
  childGrant,
  grantFor,
  register,
  type Revoked,
  revoke,
  signerOf,
} from './support/grant.ts';
import { limitIn, standingOf } from './support/standing.ts';
import { type Problem, readProblem } from './support/offer.ts';
import { manage } from './support/manage.ts';
import { accountWith, newAccount } from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { lookup, useWorld } from './support/world.ts';

const world = useWorld({
  variables: {
    DEFAULT_POLICY: JSON.stringify({
      perCall: '5000000u',
      exposure: '1000000u',
      rate: { limit: 100_000, seconds: 1 },
    }),
  },
});

const PRICE = 1_000n;
/** Number of calls that each agent sends at once. */
const CALLS = 60;
/** Number of calls that the team's shared limit allows, and number of calls of the other agents that the remaining credit covers. */
const TEAM = 100;
const OTHERS = 30;
/** The limit and the credit are each one atomic unit short of a further call. */
const SHARED = BigInt(TEAM + 1) * PRICE - 1n;
const CREDIT = BigInt(TEAM + OTHERS + 1) * PRICE - 1n;
const CHARGED = BigInt(TEAM + OTHERS) * PRICE;

const personOf = ({ privateKey }: Person): LocalAccount => accountWith(privateKey);

/** What an agent received: the log entries that its receipts name, and its problems. */
type Received = {
  readonly entries: readonly string[];
  readonly problems: readonly Problem[];
};

let owner: LocalAccount;
let manager: LocalAccount;
let team: readonly LocalAccount[];
let others: readonly LocalAccount[];
let top: Granted;
const grants = new Map<LocalAccount, Granted>();
const received = new Map<LocalAccount, Received>();

/** All agents send all their calls at the same time. */
const burst = async (agents: readonly LocalAccount[]): Promise<number> => {
  const before = (await world().counts()).lookup;
  await Promise.all(
    agents.map(async (agent) => {
      const answers = await Promise.all(
        Array.from({ length: CALLS }, async () => await callWith(world(), agent, lookup)),
      );
      const ran = answers.filter(({ status }) => status === 200);
      const claims = await Promise.all(ran.map(async (answer) => await claimsOf(world(), answer)));
      const problems = await Promise.all(
        answers.filter(({ status }) => status !== 200).map(readProblem),
      );
      for (const { charged } of claims) expect(charged).toBe(PRICE.toString());
      received.set(agent, { entries: claims.map(({ entry }) => entry as string), problems });
    }),
  );
  return (await world().counts()).lookup - before;
};

const admitted = (agents: readonly LocalAccount[]): number =>
  agents.reduce((all, agent) => all + (received.get(agent)?.entries.length ?? 0), 0);

const problemsOf = (agents: readonly LocalAccount[]): readonly Problem[] =>
  agents.flatMap((agent) => received.get(agent)?.problems ?? []);

beforeAll(async () => {
  const { agents, owner: person } = world().stack.description;
  owner = personOf(person);
  const [boss, ...rest] = agents.map(personOf);
  if (boss === undefined) throw new Error('the stack has no agents');
  manager = boss;
  team = rest.slice(0, 3);
  others = rest.slice(3, 6);
  await mint(world().client, owner.address, CREDIT);
});

describe('an owner of a fleet', () => {
  it('tops up, grants to a manager that grants to agents, and grants to other agents directly', async () => {
    const paid = await topUp(world(), owner, CREDIT);
    expect(paid.status, await paid.clone().text()).toBe(200);
    top = await granted(
      world(),
      owner,
      grantFor(world(), owner.address, manager.address, {
        ...{ tools: ['lookup', 'whoami'], maxTotal: SHARED, maxPerCall: PRICE, depth: 1 },
      }),
    );
    for (const agent of team)
      grants.set(agent, await granted(world(), manager, childGrant(top, agent.address)));
    for (const agent of others) {
      const grant = grantFor(world(), owner.address, agent.address, { tools: ['lookup'] });
      grants.set(agent, await granted(world(), owner, grant));
    }
  });

  it('has three agents use a shared limit at once: all of it and not a unit more', async () => {
    expect(await burst(team)).toBe(TEAM);
    expect(admitted(team)).toBe(TEAM);
    for (const problem of problemsOf(team)) {
      expect(problem).toMatchObject({
        ...{ status: 403, rule: 'lifetime', account: accountOf(manager.address) },
        ...{ limit: SHARED.toString(), retry_allowed: false, tool: 'lookup' },
      });
      expect(BigInt(problem['remaining'] as string)).toBeLessThan(PRICE);
    }
    // A later call is denied by the same rule.
    for (const agent of team)
      expect((await readProblem(await callWith(world(), agent, lookup)))['rule']).toBe('lifetime');
  });

  it('has three others use the remaining credit at once: all of it and not a unit more', async () => {
    expect(await burst(others)).toBe(OTHERS);
    expect(admitted(others)).toBe(OTHERS);
    for (const problem of problemsOf(others)) expect(problem).toMatchObject({ rule: 'credit' });
  });

  it('lets each agent see its limits, what remains of them, and its debt', async () => {
    for (const agent of team) {
      const ran = BigInt(received.get(agent)?.entries.length ?? 0) * PRICE;
      const grant = grants.get(agent);
      const standing = await standingOf(world(), agent);
      expect(standing).toMatchObject({
        ...{ account: accountOf(agent.address), parent: accountOf(manager.address) },
        status: 'active',
      });
      expect(standing.policies.map(({ kind, account, hash }) => [kind, account, hash])).toEqual(
        expect.arrayContaining([
          ['default', accountOf(agent.address), expect.any(String)],
          ['grant', accountOf(agent.address), grant?.hash],
          ['grant', accountOf(manager.address), top.hash],
        ]),
      );
      const own = standing.policies.find(({ hash }) => hash === grant?.hash);
      expect(own?.policy).toMatchObject({ tools: ['lookup', 'whoami'], perCall: '$0.001' });
      expect(standing.grants).toMatchObject([
        {
          ...{ hash: grant?.hash, id: grant?.id, issuer: accountOf(manager.address) },
          ...{ status: 'active', valid_until: Number(grant?.validUntil), is_default: true },
        },
      ]);
      // Only an accepted call creates a money entry: an agent whose calls all came after the limit was used up may have none.
      expect(standing.money.length).toBeGreaterThanOrEqual(ran > 0n ? 1 : 0);
      if (standing.money.length === 0) continue;
      expect(standing.money[0]).toMatchObject({
        ...{ credit: '0', credit_held: '0', held: '0', unsettled: '0', debt: '0' },
      });
      expect(limitIn(standing, 'grant:lifetime')).toMatchObject({
        ...{ limit: SHARED.toString(), spent: ran.toString(), held: '0' },
        ...{ remaining: (SHARED - ran).toString(), account: accountOf(agent.address) },
      });
    }
  });

  it('revokes all of them with one signature and gets back everything but the charges', async () => {
    const answer = await revoke(world(), owner, { epoch: 1n });
    expect(answer.status).toBe(200);
    const { acknowledged, silent } = (await answer.json()) as Revoked;
    expect(silent).toEqual([]);
    // A denied call takes no lease. An agent without an accepted call may hold none, and then learns of the revocation at its next request.
    const all = [...team, ...others];
    const holders = all.filter((agent) => admitted([agent]) > 0);
    expect(acknowledged).toEqual(
      expect.arrayContaining(holders.map(({ address }) => accountOf(address))),
    );
    expect(all.map(({ address }) => accountOf(address))).toEqual(
      expect.arrayContaining([...acknowledged]),
    );
    const ran = await world().counts();
    for (const agent of [...team, ...others]) {
      const problem = await readProblem(await callWith(world(), agent, lookup));
      expect(problem).toMatchObject({ status: 403, rule: 'revoked' });
    }
    // The manager has used up its own limit, so its account denies the call without asking its ancestors.
    expect((await callWith(world(), manager, lookup)).status).toBe(403);
    expect(await world().counts()).toEqual(ran);
    const { money } = await standingOf(world(), owner);
    expect(money[0]).toMatchObject({
      ...{ credit: (CREDIT - CHARGED).toString(), credit_held: '0', debt: '0' },
    });
  });
});

describe('the log of a fleet', () => {
  const logs = new Map<string, readonly Entry[]>();
  const of = (account: LocalAccount): readonly Entry[] => logs.get(account.address) ?? [];

  /** Denials recorded for an account, including those that the tests cause after a burst. */
  const deniedOf = (entries: readonly Entry[]): number =>
    entries
      .filter(({ type }) => type === 'call.denied')
      .reduce((all, { count }) => all + (count ?? 0), 0);

  const lentIn = (entries: readonly Entry[]): bigint =>
    entries
      .filter(({ type }) => type === 'credit.lent')
      .reduce((all, { amounts }) => all + BigInt(amounts?.['amount'] ?? '0'), 0n);

  it('is exported completely, and verifies offline from its first entry', async () => {
    // The sum is known: one denial after each burst of the team, and one after the revocation.
    const expected = (agent: LocalAccount): number =>
      (received.get(agent)?.problems.length ?? 0) + (team.includes(agent) ? 2 : 1);
    for (const account of [owner, manager, ...team, ...others]) {
      const isWhole = (entries: readonly Entry[]): boolean => {
        if (account === owner)
          return (
            lentIn(entries) === CHARGED && entries.some(({ type }) => type === 'grant.revoked')
          );
        if (account === manager)
          return entries.filter(({ type }) => type === 'grant.issued').length === team.length;
        return deniedOf(entries) === expected(account);
      };
      await expect
        .poll(
          async () => {
            logs.set(account.address, await world().audit.entries(accountOf(account.address)));
            return isWhole(of(account));
          },
          { timeout: 40_000, interval: 300 },
        )
        .toBe(true);
      const text = of(account).map(entryText).join('\n');
      const verified = verifyLog(text, {
        account: accountOf(account.address) as AccountId,
        after: GENESIS,
      });
      expect(verified).toMatchObject({ ok: true, value: { first: 1, last: of(account).length } });
      // A changed entry breaks the log.
      const forged = text.replace('"decision":"go"', '"decision":"no"');
      if (forged !== text) expect(verifyLog(forged)).toMatchObject({ ok: false });
    }
  });

  it('has every grant with a signature that proves its issuer', async () => {
    for (const [account, type, issued] of [
      [owner, 'grant.issued', [top, ...others.map((agent) => grants.get(agent))]],
      [manager, 'grant.taken', [top]],
      [manager, 'grant.issued', team.map((agent) => grants.get(agent))],
      ...[...team, ...others].map((agent) => [agent, 'grant.taken', [grants.get(agent)]] as const),
    ] as const) {
      const entries = of(account).filter((entry) => entry.type === type);
      expect(entries.map(({ evidence }) => evidence?.['grant'])).toEqual(
        issued.map((grant) => grant?.hash),
      );
      for (const { evidence } of entries) {
        const fields = evidence?.['delegation'] as Readonly<Record<string, unknown>>;
        expect(await signerOf('AgentDelegation', fields, evidence?.['signature'] as Hex)).toBe(
          fields['issuer'],
        );
      }
    }
    const [revoked] = of(owner).filter(({ type }) => type === 'grant.revoked');
    const fields = revoked?.evidence?.['revocation'] as Readonly<Record<string, unknown>>;
    expect(fields).toMatchObject({ epoch: '1' });
    expect(await signerOf('AgentRevocation', fields, revoked?.evidence?.['signature'] as Hex)).toBe(
      owner.address.toLowerCase(),
    );
  });

  it("has every decision: accepted calls with the agent's signature, denials with their rule", async () => {
    for (const agent of [...team, ...others]) {
      const accepted = of(agent).filter(({ type }) => type === 'call.accepted');
      const receipts = received.get(agent)?.entries ?? [];
      expect(accepted).toHaveLength(receipts.length);
      const hashes = new Set(of(agent).map(entryHash));
      for (const entry of receipts) expect(hashes).toContain(entry);
      for (const { evidence, payment, amounts } of accepted) {
        expect(amounts).toMatchObject({ price: PRICE.toString() });
        expect(payment).toMatchObject({ grant: grants.get(agent)?.hash, paidBy: 'lent' });
        const fields = evidence?.['intent'] as Readonly<Record<string, unknown>>;
        const signature = evidence?.['intentSignature'] as Hex;
        expect(await signerOf('AgentIntent', fields, signature)).toBe(agent.address.toLowerCase());
      }
      const rules = new Set(
        of(agent)
          .filter(({ type }) => type === 'call.denied')
          .map(({ rule }) => rule),
      );
      expect(rules).toEqual(new Set([team.includes(agent) ? 'lifetime' : 'credit', 'revoked']));
    }
  });

  it('adds up: the owner has lent exactly what its agents were charged', () => {
    const lent = new Map<string, bigint>();
    for (const { type, payment, amounts } of of(owner)) {
      if (type !== 'credit.lent') continue;
      const to = payment?.['to'] as string;
      lent.set(to, (lent.get(to) ?? 0n) + BigInt(amounts?.['amount'] ?? '0'));
    }
    let sum = 0n;
    for (const agent of [...team, ...others]) {
      const charged = of(agent)
        .filter(({ type }) => type === 'call.finished')
        .reduce((all, { amounts }) => all + BigInt(amounts?.['charged'] ?? '0'), 0n);
      expect(lent.get(accountOf(agent.address)) ?? 0n).toBe(charged);
      sum += charged;
    }
    expect(sum).toBe(CHARGED);
  });
});

/** Sends a request and expects the answer within `ms`: the gateway must not wait for the chain node. */
const within = async (ms: number, work: () => Promise<Response>): Promise<Response> => {
  const begun = performance.now();
  const answer = await work();
  expect(performance.now() - begun).toBeLessThan(ms);
  return answer;
};

describe('an owner of a fleet while the node of the chain is stopped (law 13)', () => {
  let agent: LocalAccount;
  let grant: Granted;
  let other: LocalAccount;

  beforeAll(async () => {
    await mint(world().client, owner.address, 10n * PRICE);
    const paid = await topUp(world(), owner, 10n * PRICE);
    if (!paid.ok) throw new Error(await paid.text());
    [agent, other] = [newAccount(), newAccount()];
    // This grant has an epoch that is not revoked.
    grant = await granted(world(), owner, grantTo(agent));
    // The node accepts connections and never answers.
    process.kill(world().stack.chain.processId, 'SIGSTOP');
  });
  afterAll(() => process.kill(world().stack.chain.processId, 'SIGCONT'));

  const grantTo = (account: LocalAccount): ReturnType<typeof grantFor> =>
    grantFor(world(), owner.address, account.address, { tools: ['lookup'], epoch: 1n });

  const setStatus = (by: LocalAccount, status: string): Promise<Response> =>
    manage(world(), by, 'account.status', {
      ...{ params: { account: accountOf(agent.address) }, body: { status } },
    });

  it('calls from credit, freezes, pauses, resumes, limits, grants, reads and revokes', async () => {
    const call = () => within(5_000, () => callWith(world(), agent, lookup, grant.hash));
    const params = { account: accountOf(agent.address) };
    expect((await call()).status).toBe(200);
    expect((await within(2_000, () => setStatus(owner, 'frozen'))).status).toBe(200);
    expect(await readProblem(await call())).toMatchObject({ rule: 'frozen' });
    for (const status of ['paused', 'active']) {
      expect((await within(2_000, () => setStatus(owner, status))).status).toBe(200);
    }
    const policy = { params, body: { tools: ['lookup'] } };
    const set = () => manage(world(), owner, 'account.policy.put', policy);
    expect((await within(5_000, set)).status).toBe(200);
    expect((await call()).status).toBe(200);
    const given = await register(world(), owner, grantTo(other));
    expect(given.status, await given.clone().text()).toBe(201);
    for (const id of [
      'account.get',
      'account.tree',
      'account.calls',
      'account.approvals',
    ] as const) {
      const read = () =>
        manage(world(), owner, id, { params: { account: accountOf(owner.address) } });
      expect((await within(5_000, read)).status, id).toBe(200);
    }
    const operator = personOf(world().stack.description.operator);
    for (const id of ['settlements.list', 'queues', 'relayers', 'overview'] as const) {
      const read = () => manage(world(), operator, id);
      expect((await within(5_000, read)).status, id).toBe(200);
    }
    expect((await within(5_000, () => revoke(world(), owner, { id: grant.id }))).status).toBe(200);
    expect(await readProblem(await call())).toMatchObject({ rule: 'revoked' });
  });

  it('gets an answer within five seconds that names the fact only the chain could show', async () => {
    // The key of another account signs. Only a contract at the address could accept that signature.
    const forged = { ...newAccount(), address: agent.address };
    const stranger = newAccount();
    const unknown = grantFor(world(), stranger.address, other.address);
    const [freeze, issue] = await Promise.all([
      within(5_000, () => setStatus(forged, 'frozen')),
      within(5_000, async () => register(world(), stranger, unknown)),
    ]);
    expect(await readProblem(freeze)).toMatchObject({
      ...{ status: 503, network: 'eip155:84532', needs: 'signature', final: true },
    });
    expect(await readProblem(issue)).toMatchObject({ status: 503, needs: 'funds', final: true });
  });
});
