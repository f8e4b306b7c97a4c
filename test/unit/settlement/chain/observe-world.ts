import { afterEach, beforeEach, vi } from 'vitest';
import type { Observation } from '../../../../src/settlement/chain/observation.ts';
import { observePayments } from '../../../../src/settlement/chain/observe-payments.ts';
import { expectedTransfer } from '../../../../src/settlement/chain/expected-transfer.ts';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { NOW, paymentNumber, RPC } from '../scripted.ts';
import { answerHosts, scriptChain, type ScriptedChain } from '../scripted-chain.ts';

/** The state, which is new for each test. */
type World = {
  chain: ScriptedChain;
};

export const world = {} as World;

/** Resets the world before each test. Every file must call it, because test files share modules. */
export const useObserveWorld = (): void => {
  beforeEach(() => {
    world.chain = scriptChain();
    answerHosts({ 'node.test': (body) => world.chain.respond(body) });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
};

export const see = async (
  payment: Payment,
  confirmations = 1,
  sinceBlock = 100,
): Promise<Observation> => {
  const views = await observePayments({ urls: [RPC], confirmations }, [
    expectedTransfer(payment, sinceBlock),
  ]);
  return views[0] as Observation;
};
export const expiring = paymentNumber(1, { validBefore: BigInt(NOW + 10) });
export const payment = paymentNumber(1);
