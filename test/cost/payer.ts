import { type BenchAgent, boundPayment } from '../../dev/bench/signing.ts';
import { person } from '../../dev/stack/people.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Address } from '../../src/core/hex.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import { bytesOf } from '../../src/crypto/bytes.ts';
import {
  accountOf,
  callOf,
  factsOf,
  randomHex,
  stubOf,
  success,
  trust,
} from '../durable-objects/support.ts';
import { AUDIENCE } from './environment.ts';
import { openWorld, TARGET, type World } from './world.ts';

export type Payer = {
  readonly world: World;
  readonly account: AccountId;
  /** Reads the offer and pays for concurrent calls with bound payments, as a client does. */
  readonly call: (calls: number) => Promise<void>;
  /** Calls the object directly, with payments that are valid for the given times. */
  readonly callsValidFor: (seconds: readonly number[]) => Promise<void>;
};

const BALANCE = 1_000_000_000n;
const DAY = 86_400;
const REQUEST = { audience: AUDIENCE, tool: 'lookup', target: TARGET };

/** Creates a known payer without open work. Its clock starts tomorrow, so that no alarm runs by itself. */
export const openPayer = async (): Promise<Payer> => {
  const { address, privateKey } = person(`payer ${randomHex(16)}`);
  const payer = address.toLowerCase() as Address;
  const agent: BenchAgent = { address: payer, key: bytesOf(privateKey) };
  const account = accountOf(payer);
  const world = await openWorld(nowSeconds() + DAY);
  world.chain.balances.set(payer, BALANCE);
  await world.meter.watch(account);
  await trust(payer, 1_000_000n, BALANCE);
  await world.until(account, Infinity);
  world.set(nowSeconds() + DAY);
  return {
    world,
    account,
    call: async (calls) => {
      await world.wake(account);
      const offers = await Promise.all(Array.from({ length: calls }, () => world.offer()));
      const payments = offers.map((offer) => boundPayment(agent, offer, REQUEST));
      await Promise.all(payments.map((payment) => world.pay(payment)));
    },
    callsValidFor: async (times) => {
      await world.wake(account);
      const stub = stubOf(payer);
      const facts = factsOf(BALANCE, world.chain.state.head);
      await Promise.all(
        times.map(async (seconds) => {
          const call = callOf(payer, { validBefore: nowSeconds() + seconds });
          const attempt = randomHex(16);
          const result = await stub.reserve(call, attempt, { facts });
          if (result.verdict !== 'go')
            throw new Error(`the account returned ${JSON.stringify(result)}`);
          await stub.finish(call.id, attempt, success);
        }),
      );
    },
  };
};
