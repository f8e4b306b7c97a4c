import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type Gateway, startGateway } from '../../../dev/stack/gateway.ts';
import type { LocalAccount } from 'viem';
import { workerOf } from '../../support/built-worker.ts';
import { type Offered, readOffer } from './offer.ts';
import { trust, trustedAccount } from './payment.ts';
import { sendTo, type World } from './world.ts';

/** The same world, seen through another gateway that shares its chain and upstream. */
export const worldAt = (world: World, origin: string): World => {
  const at: World = {
    ...world,
    send: async (call, headers) => await sendTo(origin, call, headers),
    offer: async (call): Promise<Offered> => readOffer(await at.send(call)),
  };
  return at;
};

/**
 * Starts a second gateway with the same chain, tools and prices but another origin. It has the stack's `payTo` unless another one is given.
 */
export const startSecond = async (
  { stack }: World,
  payTo: string = stack.description.payTo,
): Promise<Gateway> => {
  const persistTo = await mkdtemp(join(tmpdir(), 'countersign-second-'));
  const { rpc, facilitator, upstream } = stack.description;
  const gateway = await startGateway({
    ...{ rpc, payTo, persistTo, upstreamUrl: upstream, facilitators: [facilitator] },
    shield: 1_000_000,
    ...workerOf({}),
  });
  return {
    ...gateway,
    stop: async () => {
      await gateway.stop();
      await rm(persistTo, { recursive: true, force: true });
    },
  };
};

/** Starts a second gateway before the tests of a file and stops it after them. */
export const useSecondGateway = (
  world: () => World,
): (() => { readonly gateway: Gateway; readonly there: World }) => {
  let gateway: Gateway | undefined;
  beforeAll(async () => {
    gateway = await startSecond(world());
  });
  afterAll(async () => {
    await gateway?.stop();
  });
  return () => {
    if (gateway === undefined) throw new Error('the second gateway does not run');
    return { gateway, there: worldAt(world(), gateway.url) };
  };
};

/** A payer with settled payments at both gateways, so that a rejection can only be due to its proof. */
export const trustedAtBoth = async (
  world: World,
  there: World,
  options: Parameters<typeof trustedAccount>[1],
): Promise<LocalAccount> => {
  const account = await trustedAccount(world, options);
  await trust(there, account, 2);
  return account;
};
