import { type Address, type LocalAccount, numberToHex, pad } from 'viem';
import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { mint } from '../../dev/stack/chain-access.ts';
import type { RunningServer } from '../../dev/stack/loopback.ts';
import { startProxy } from '../chaos/support/proxy.ts';
import { accountOf, creditedAccount, topUp } from './support/credit.ts';
import {
  callWith,
  type Granted,
  granted,
  childGrant,
  grantFor,
  register,
  registerWith,
  registration,
  type Revoked,
  revoke,
  signUnchecked,
} from './support/grant.ts';
import { standingOf } from './support/standing.ts';
import { agentIntent, signPaidIntent } from './support/intent.ts';
import { kindOf, type Problem, readProblem } from './support/offer.ts';
import { newAccount } from './support/payment.ts';
import { deployContractWallet } from './support/wallet.ts';
import { lookup, useWorld } from './support/world.ts';

/** How long the gateway caches a contract's verdict on a signature, in seconds. */
const GOOD_FOR = 60;

/** Whether the gateway's node answers. */
let isUp = true;
let proxy: RunningServer | undefined;
const world = useWorld({
  wire: async (real) => {
    proxy = await startProxy({
      party: 'rpc',
      target: real.rpc,
      intercept: async (_, forward) => (isUp ? await forward() : 'drop'),
    });
    return { ...real, rpc: proxy.url };
  },
});
afterAll(async () => await proxy?.stop());

/** Runs `work` while the gateway's node is unreachable. */
const cutOff = async (work: () => Promise<void>): Promise<void> => {
  isUp = false;
  try {
    await work();
  } finally {
    isUp = true;
  }
};

/**
 * After a failed request, the gateway sends the chain node nothing for five seconds. It must try again within this time, which includes a
 * margin for slow machines.
 */
const RETRIED_WITHIN = 10_000;

/** Repeats a request after an outage until the gateway asks the chain node again. Until then, only `payer-unreachable` is allowed. */
const afterPause = async (send: () => Promise<Response>): Promise<Response> => {
  const deadline = Date.now() + RETRIED_WITHIN;
  for (;;) {
    const answer = await send();
    if (answer.status !== 503 || Date.now() > deadline) return answer;
    expect(kindOf(await readProblem(answer))).toBe('payer-unreachable');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
};

/** Changes the owner of Circle's wallet, stored in slot 0. The wallet then rejects signatures of the previous owner. */
const setOwner = async (wallet: Address, owner: Address): Promise<void> =>
  await world().client.setStorageAt({
    address: wallet,
    index: numberToHex(0, { size: 32 }),
    value: pad(owner),
  });

let key: LocalAccount;
let owner: LocalAccount;
let agent: LocalAccount;
let grant: Granted;
beforeAll(async () => {
  key = newAccount();
  const wallet = await deployContractWallet(world(), key.address);
  await mint(world().client, wallet, 300_000n);
  owner = { ...key, address: wallet };
  agent = newAccount();
});

const grantTo = async (to: LocalAccount, fields: Partial<Granted> = {}): Promise<Granted> =>
  await granted(world(), owner, grantFor(world(), owner.address, to.address, fields));

/** Calls `lookup` under a grant. Returns the status, and the rule of a denial. */
const called = async (by: LocalAccount, under: Granted): Promise<string> => {
  const answer = await callWith(world(), by, lookup, under.hash);
  if (answer.status === 200) return '200';
  const { rule } = (await readProblem(answer)) as Problem & { readonly rule?: string };
  return `${answer.status} ${rule}`;
};

describe('an owner that is a contract', () => {
  it('grants with the signature that its code accepts, and its agent calls from its credit', async () => {
    expect((await topUp(world(), owner, 200_000n)).status).toBe(200);
    grant = await grantTo(agent);
    expect(await called(agent, grant)).toBe('200');
  });

  it('cannot grant with the signature of another key', async () => {
    const other = grantFor(world(), owner.address, newAccount().address);
    for (const signer of [newAccount(), agent]) {
      const body = await signUnchecked(signer, other);
      const answer = await world().send(registration(body));
      expect(answer.status).toBe(400);
      const problem = await readProblem(answer);
      expect([kindOf(problem), problem.field]).toEqual(['invalid-signature', 'body.signature']);
    }
  });
});

describe('a delegate that is a contract', () => {
  it('consents with the signature that its code accepts, and not with another key', async () => {
    const [held, plain] = [
      newAccount(),
      await creditedAccount(world(), { credit: 100_000n, balance: 1n }),
    ];
    const holder = { ...held, address: await deployContractWallet(world(), held.address) };
    const body = await signUnchecked(plain, grantFor(world(), plain.address, holder.address));
    const forged = { ...newAccount(), address: holder.address };
    const refused = await registerWith(world(), forged, body);
    expect(refused.status).toBe(400);
    expect((await readProblem(refused)).field).toBe('Agent-Intent.signature');
    const taken = await registerWith(world(), holder, body);
    expect(taken.status, await taken.clone().text()).toBe(201);
    expect(await taken.json()).toMatchObject({ status: 'active' });
    const { parent } = await standingOf(world(), holder);
    expect(parent).toBe(accountOf(plain.address));
  });
});

describe('while no node answers', () => {
  it('a grant that its contract has not confirmed runs nothing; the same call runs afterwards', async () => {
    const fresh = await grantTo(agent);
    expect(await called(agent, grant)).toBe('200');
    const headers = agentIntent(
      await signPaidIntent(world(), agent, lookup, { authority: fresh.hash }),
    );
    const before = (await world().counts()).lookup;
    await cutOff(async () => {
      const answer = await world().send(lookup, headers);
      expect(answer.status).toBe(503);
      expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/);
      const problem = await readProblem(answer);
      expect(problem).toMatchObject({ needs: 'grant' });
      expect(kindOf(problem)).toBe('payer-unreachable');
      const dry = await world().send(lookup, { ...headers, 'Dry-Run': '?1' });
      expect(dry.status).toBe(503);
      expect((await world().counts()).lookup).toBe(before);
      // The contract confirmed this grant a moment ago.
      expect(await called(agent, grant)).toBe('200');
    });
    expect((await afterPause(async () => world().send(lookup, headers))).status).toBe(200);
    expect((await world().counts()).lookup).toBe(before + 2);
  });

  it('a contract can neither grant nor revoke; an owner with a key can still revoke', async () => {
    const plain = await creditedAccount(world(), { credit: 10_000n, balance: 0n });
    const worker = newAccount();
    const given = await granted(world(), plain, grantFor(world(), plain.address, worker.address));
    expect(await called(worker, given)).toBe('200');
    const next = grantFor(world(), owner.address, newAccount().address);
    await cutOff(async () => {
      for (const answer of [
        await register(world(), owner, next),
        await revoke(world(), owner, { id: next.id }),
      ]) {
        expect(answer.status).toBe(503);
        const problem = await readProblem(answer);
        expect(problem).toMatchObject({ needs: 'signature' });
        expect(kindOf(problem)).toBe('payer-unreachable');
      }
      const revoked = await revoke(world(), plain, { id: given.id });
      expect(revoked.status).toBe(200);
      expect(((await revoked.json()) as Revoked).acknowledged).toEqual([accountOf(worker.address)]);
      expect(await called(worker, given)).toBe('403 revoked');
    });
    expect((await afterPause(async () => register(world(), owner, next))).status).toBe(201);
  });
});

describe('a contract that stops accepting its signature', () => {
  it('denies all descendants within a minute and the next check, and may accept it again', async () => {
    const [manager, worker] = [newAccount(), newAccount()];
    const top = await grantTo(manager, { depth: 1 });
    const child = await granted(world(), manager, childGrant(top, worker.address));
    expect(await called(worker, child)).toBe('200');
    expect(await called(agent, grant)).toBe('200');

    await setOwner(owner.address, newAccount().address);
    const flipped = Date.now();
    const stopped = new Set<LocalAccount>();
    while (stopped.size < 2) {
      for (const [by, under] of [
        [agent, grant],
        [worker, child],
      ] as const) {
        const seconds = (Date.now() - flipped) / 1_000;
        const outcome = await called(by, under);
        const mustStop = stopped.has(by) || seconds > GOOD_FOR + 5;
        expect(outcome, `${seconds} seconds later`).toMatch(
          mustStop ? /^403 revoked$/ : /^200$|^403 revoked$/,
        );
        if (outcome !== '200') stopped.add(by);
      }
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
    const ran = await world().counts();
    expect(await called(worker, child)).toBe('403 revoked');
    const refused = await register(
      world(),
      owner,
      grantFor(world(), owner.address, newAccount().address),
    );
    expect([refused.status, (await readProblem(refused)).field]).toEqual([400, 'body.signature']);
    expect(await world().counts()).toEqual(ran);

    // Nothing was revoked: only the contract's current verdict decides.
    await setOwner(owner.address, key.address);
    expect(await called(agent, grant)).toBe('200');
    expect(await called(worker, child)).toBe('200');
  });

  it('revokes with the signature that its code accepts, permanently', async () => {
    const forged = await revoke(
      world(),
      { ...newAccount(), address: owner.address },
      { id: grant.id },
    );
    expect([forged.status, (await readProblem(forged)).field]).toEqual([400, 'body.signature']);
    const answer = await revoke(world(), owner, { id: grant.id });
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(((await answer.json()) as Revoked).acknowledged).toEqual([accountOf(agent.address)]);
    expect(await called(agent, grant)).toBe('403 revoked');
  });
});
