import { applyD1Migrations, type D1Migration, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { CALL } from '../../../durable-objects/account/call/stored-call.ts';
import { Relayer } from '../../../durable-objects/relayer.ts';
import { PENDING } from '../../../durable-objects/relayer/pending-noun.ts';
import { openDisk } from '../../../durable-objects/store/open-disk.ts';
import { nowSeconds } from '../../../src/core/clock.ts';
import { payersOf, relayFrom } from './support.ts';
import { callOf, factsOf, randomHex, stubOf } from '../support.ts';
import { chain, payTo } from '../../unit/settlement/real-chain.ts';
import { parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { beforeEach, expect, test, vi } from 'vitest';

const network = 'eip155:84532';
const { AUDIT_DB: database, TEST_MIGRATIONS: migrations } = env as Env & {
  TEST_MIGRATIONS: D1Migration[];
};

beforeEach(async () => {
  await applyD1Migrations(database, migrations);
});

const key = generatePrivateKey();
const { address } = privateKeyToAccount(key);
const name = `${network}:${address.toLowerCase()}`;

/** The object of a relayer key, with settings that replace those of the test run. */
const withRelayer = async <T>(
  settings: Partial<Record<'RELAYERS' | 'RELAYER_KEY', string>>,
  work: (relayer: Relayer, storage: DurableObjectStorage) => Promise<T>,
): Promise<T> =>
  runInDurableObject(env.RELAYER.getByName(name), async (_, state) =>
    work(new Relayer(state, { ...env, ...settings } as Env), state.storage),
  );

/** Runs the alarm until no transaction is open. The chain mines each transaction at once, but that takes a moment. */
const alarmUntilIdle = async (relayer: Relayer): Promise<void> => {
  for (let round = 0; round < 50; round += 1) {
    await relayer.alarm();
    const status = await relayer.status();
    if (status.verdict === 'found' && status.waiting + status.flights.length === 0) return;
  }
  throw new Error('still under way');
};

const settingsOf = async () => {
  await chain.client.setBalance({ address, value: parseEther('1') });
  return {
    RELAYERS: JSON.stringify({ [network]: { addresses: [address], wait: 0 } }),
    RELAYER_KEY: key,
  };
};

const today = (): string => new Date().toISOString().slice(0, 10);

test('takes a payment, settles it, notifies its account, and records its cost', async () => {
  const day = today();
  const settings = await settingsOf();
  const [payer] = await payersOf(chain, 1);
  if (payer === undefined) throw new Error('no payer');
  const relay = await relayFrom(payer);
  const { from } = relay.payment.authorization;
  const account = stubOf(from);
  const call = callOf(from, {
    id: relay.call,
    settlement: 'upfront',
    price: 1_000n,
    payTo,
    payment: relay.payment,
  });
  const verdict = await account.reserve(call, randomHex(16), { facts: factsOf(10_000n) });
  expect(verdict).toMatchObject({ verdict: 'settle' });

  await withRelayer(settings, async (relayer, storage) => {
    expect(await relayer.relay([relay], true)).toEqual([
      {
        call: relay.call,
        verdict: 'taken',
        transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      },
    ]);
    expect(await storage.getAlarm()).not.toBeNull();
    await relayer.alarm();
  });
  // The object restarts.
  await withRelayer(settings, async (relayer) => {
    await alarmUntilIdle(relayer);
    expect(await relayer.status()).toMatchObject({
      verdict: 'found',
      network,
      waiting: 0,
      flights: [],
      totals: { transactions: 1, payments: 1 },
    });
  });

  const { results } = await database.prepare('SELECT * FROM relays').all();
  expect(results).toMatchObject([
    {
      network,
      payments: 1,
      day: expect.toBeOneOf([day, today()]),
      transaction_hash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    },
  ]);
  const [row] = results;
  expect(Number(row?.['gas_used'])).toBeGreaterThan(60_000);
  expect(BigInt(String(row?.['fee']))).toBeGreaterThan(0n);
  expect(Math.abs(Number(row?.['at']) - nowSeconds())).toBeLessThan(600);

  // A snapshot makes the account store the result, which a busy account only acknowledges at first.
  await account.snapshot();
  const calls = await runInDurableObject(account, async (_, { storage }) => [
    ...openDisk(storage).find(CALL),
  ]);
  expect(calls).toMatchObject([{ payment: 'settled', transaction: row?.['transaction_hash'] }]);
});

test('is unconfigured without a setting, and answers so', async () => {
  const [payer] = await payersOf(chain, 1);
  if (payer === undefined) throw new Error('no payer');
  const relay = await relayFrom(payer);
  for (const settings of [{ RELAYERS: '' }, { RELAYERS: '{', RELAYER_KEY: '0x12' }]) {
    await withRelayer(settings, async (relayer) => {
      expect(await relayer.relay([relay], false)).toEqual([
        { call: relay.call, verdict: 'unsupported' },
      ]);
      expect(await relayer.status()).toEqual({ verdict: 'unconfigured' });
    });
  }
});

test('keeps its alarm when its setting is removed while payments wait, and continues when it returns', async () => {
  const settings = await settingsOf();
  const [payer] = await payersOf(chain, 1);
  if (payer === undefined) throw new Error('no payer');
  const relay = await relayFrom(payer);
  await withRelayer(settings, async (relayer) => relayer.relay([relay], false));
  await withRelayer({ RELAYERS: '' }, async (relayer, storage) => {
    await storage.deleteAlarm();
    await relayer.alarm();
    expect(await storage.getAlarm()).not.toBeNull();
  });
  await withRelayer(settings, async (relayer) => {
    await alarmUntilIdle(relayer);
  });
  expect(await chain.balanceOf(payer.address)).toBe(9_000n);
});

test('forgets payments that have ended while its setting is removed, and sets no further alarm', async () => {
  const settings = await settingsOf();
  const [payer] = await payersOf(chain, 1);
  if (payer === undefined) throw new Error('no payer');
  const relay = await relayFrom(payer);
  await withRelayer(settings, async (relayer) => relayer.relay([relay], false));
  const end = Number(relay.payment.authorization.validBefore);
  vi.useFakeTimers({ now: (end + 1) * 1_000, toFake: ['Date'] });
  try {
    await withRelayer({ RELAYERS: '' }, async (relayer, storage) => {
      await storage.deleteAlarm();
      await relayer.alarm();
      expect(await storage.getAlarm()).toBeNull();
      expect([...openDisk(storage).find(PENDING)]).toEqual([]);
    });
  } finally {
    vi.useRealTimers();
  }
});

test('opens several objects of one isolate at once, independently', async () => {
  const stubs = Array.from({ length: 30 }, (_, at) => env.RELAYER.getByName(`many:${at}`));
  const said = await Promise.all(stubs.map(async (stub) => stub.status()));
  expect(said).toEqual(stubs.map(() => ({ verdict: 'unconfigured' })));
});

test('takes nothing if its code cannot be loaded, and tries again', async () => {
  const relays = [{ call: randomHex(32) }] as never;
  const broken = Object.defineProperty({}, 'RELAYERS', {
    get: () => {
      throw new Error('broken');
    },
  }) as Env;
  await runInDurableObject(env.RELAYER.getByName(name), async (_, state) => {
    const relayer = new Relayer(state, broken);
    expect(await relayer.relay(relays, true)).toMatchObject([{ verdict: 'unavailable' }]);
    await expect(relayer.status()).rejects.toThrow('could not be opened');
    await state.storage.deleteAlarm();
    await relayer.alarm();
    expect(await state.storage.getAlarm()).toBeGreaterThan(Date.now());
  });
});
