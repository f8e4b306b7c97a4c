import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { CardCall } from '../../../src/cards/card-call.ts';
import { openCardTable } from '../../../src/cards/card-table.ts';
import { type SweepDeps, sweepCards } from '../../../src/cards/sweep.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { OWNER, sealedOf, secretOf, store } from '../vault/sealed.ts';
import { callOf, type CardWorld, type Intercept, KEY, openCardWorld } from './world.ts';

const APPLIED = { verdict: 'applied', changed: true } as CommandVerdict;

beforeEach(async () => {
  await freshDatabase();
  await store(await sealedOf({ name: 'issuer', host: 'api.stripe.com' }, KEY));
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});

/** Runs the sweep an hour and a half later. The world's fake answers requests to the issuer, with the key that the vault inserts. */
const sweep = async (
  world: CardWorld,
  {
    verdict = APPLIED,
    later = 5_400,
    down = false,
  }: {
    readonly verdict?: CommandVerdict;
    readonly later?: number;
    readonly down?: boolean;
  } = {},
) => {
  const told: Extract<AccountCommand, { readonly kind: 'concludeCard' }>[] = [];
  const alerts: AlertBody[] = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    if (down) throw new Error('away');
    return await world.issuer.handle(new Request(url, init));
  });
  const deps: SweepDeps = {
    ...{
      db,
      env: { VAULT_KEY: secretOf(1) },
      owner: OWNER,
      upstreamUrl: undefined,
      reach: 'public',
    },
    raise: async (alert) => alerts.push(alert) > 0,
    waitUntil: () => undefined,
    account: () => ({
      apply: async (command) => {
        if (command.kind === 'concludeCard') told.push(command);
        return verdict;
      },
    }),
  };
  await sweepCards(deps, Math.floor(Date.now() / 1000) + later);
  vi.unstubAllGlobals();
  return { told: told.map(({ call, charged }) => [call, charged]), alerts };
};

/** A Worker that crashes: nothing after its nth request to the issuer, the merchant or the database has an effect. */
const diesAfter = (requests: number) => {
  let left = requests;
  const never = () => new Promise<never>(() => undefined);
  const step = async <T>(run: () => Promise<T>): Promise<T> => {
    if (left === 0) return await never();
    left -= 1;
    const done = await run();
    return left === 0 ? await never() : done;
  };
  const intercept: Intercept = (_, __, send) => step(send);
  const table = new Proxy(openCardTable(db), {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...values: unknown[]) => Promise<unknown>;
      return (...values: unknown[]) => step(() => method(...values));
    },
  });
  return { intercept, table, step };
};

const crash = async (world: CardWorld, call: CardCall, after: number, trick?: string) => {
  const { intercept, table, step } = diesAfter(after);
  const order = { item: 'book', ...(trick === undefined ? {} : { trick }) };
  const merchant = (request: Request) => step(() => world.merchant.handle(request));
  const bought = world.buy(order, call, { intercept, table, merchant }).catch(() => undefined);
  await Promise.race([bought, new Promise((resolve) => setTimeout(resolve, 60))]);
};

describe('a crash', () => {
  // The steps: insert, create the card, open it at the issuer, open it in the table, merchant, look-up.
  it.each([1, 2, 3, 4])('at step %i leaves no card that could be charged', async (after) => {
    const world = openCardWorld();
    const call = callOf();
    await crash(world, call, after);
    expect(await sweep(world)).toEqual({ told: [[call.id, 0n]], alerts: [] });
    const cards = world.issuer.cards();
    expect(cards.length).toBeLessThanOrEqual(1);
    expect(cards.every(({ status }) => status === 'canceled')).toBe(true);
    expect(world.merchant.charges()).toEqual([]);
    expect(await sweep(world)).toEqual({ told: [], alerts: [] });
  });

  it.each([5, 6])('at step %i, after the charge, charges the call once', async (after) => {
    const world = openCardWorld();
    const call = callOf();
    await crash(world, call, after);
    expect(await sweep(world)).toEqual({ told: [[call.id, 18_500_000n]], alerts: [] });
    expect(world.merchant.charges()).toEqual([1_850]);
    expect(world.issuer.cards().length).toBe(1);
  });

  it('without webhooks, after the charge, is concluded by the list of the issuer', async () => {
    const world = openCardWorld({ webhooks: false });
    const call = callOf();
    await crash(world, call, 5);
    expect(await sweep(world)).toEqual({ told: [[call.id, 18_500_000n]], alerts: [] });
  });
});

describe('the sweep', () => {
  it('leaves a call that may still run', async () => {
    const world = openCardWorld();
    await crash(world, callOf(), 4);
    expect(await sweep(world, { later: 60 })).toEqual({ told: [], alerts: [] });
    expect(world.issuer.cards()).toMatchObject([{ status: 'active' }]);
  });

  it('comes again while the issuer or the account does not answer', async () => {
    const world = openCardWorld();
    const call = callOf();
    await crash(world, call, 4);
    expect((await sweep(world, { down: true })).told).toEqual([]);
    expect((await sweep(world, { verdict: { verdict: 'unavailable' } })).told.length).toBe(1);
    expect((await sweep(world)).told).toEqual([[call.id, 0n]]);
    expect((await sweep(world)).told).toEqual([]);
  });

  it('raises an alert if the account has released what the card paid', async () => {
    const world = openCardWorld();
    await crash(world, callOf(), 5);
    const fault = { reason: 'not_writable', hint: '' } as const;
    const { alerts } = await sweep(world, { verdict: { verdict: 'refused', fault } });
    expect(alerts).toMatchObject([
      { rule: 'card_charged', detail: { kind: 'after_release', amount: '18500000' } },
    ]);
  });

  it('lets no merchant raise an amount that it has reported to the account', async () => {
    const world = openCardWorld();
    const call = callOf();
    await crash(world, call, 5);
    expect((await sweep(world)).told).toEqual([[call.id, 18_500_000n]]);
    const [paid] = world.issuer.authorizations();
    expect(await world.issuer.raise(paid?.id ?? '', 2_000, 'gateway')).toMatchObject({
      approved: false,
    });
  });

  it('cancels a card that no merchant charged within the hour', async () => {
    const world = openCardWorld();
    await world.buy({ item: 'book' }, callOf(), {
      merchant: async () => Response.json({ id: 'ord_later' }),
    });
    expect((await sweep(world, { later: 3_000 })).told).toEqual([]);
    expect(world.issuer.cards()).toMatchObject([{ status: 'active' }]);
    await sweep(world);
    expect(world.issuer.cards()).toMatchObject([{ status: 'canceled' }]);
  });

  it('forgets a card after 90 days', async () => {
    const world = openCardWorld();
    const call = callOf();
    await world.buy({ item: 'book' }, call);
    await sweep(world);
    expect(await world.table.byCall(call.id)).toMatchObject({ request: '' });
    await sweep(world, { later: 91 * 86_400 });
    expect(await world.table.byCall(call.id)).toBe(undefined);
  });
});
