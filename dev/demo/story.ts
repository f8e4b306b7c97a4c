import { movePayment, overreach } from './attack.ts';
import { type Bought, checkLog, readLog } from './audit-log.ts';
import { ask, loseAnswer, payAgain, payAsStock, payFirst, useCredit } from './payments.ts';
import { dollars, type Purchase } from './purchase.ts';
import { requestsFor, type Scene } from './scene.ts';
import { type Settlement, settlementOf } from './settlement.ts';

/** What `npm run demo -- --json` prints as its last line. Amounts are atomic units of USDC. */
export type Line = {
  /** The deferred call, and what became of its payment. */
  readonly paid: {
    readonly status: number;
    readonly charged: string;
    /** The call id: the nonce of the payment. */
    readonly payment: string;
    readonly settled: boolean;
    /** Hash of the transaction that moved the money; empty if none did. */
    readonly transaction: string;
  };
  /** The call whose answer got lost, asked for again. */
  readonly replayed: {
    readonly status: number;
    /** How often the tool ran for the call and its repeat. */
    readonly executions: number;
  };
  /** A payment that has bought one call, stripped of its intent and sent to another tool. */
  readonly moved: { readonly status: number; readonly type: string };
  /** A call above the limit. */
  readonly refused: { readonly status: number; readonly type: string; readonly rule: string };
  /** What was paid ahead, what the call from credit took of it, and what the gateway says is left. */
  readonly credit: { readonly toppedUp: string; readonly charged: string; readonly left: string };
  readonly balances: { readonly agent: Change; readonly payTo: Change };
  /** Entries of the agent's audit log. */
  readonly audit: number;
};

export type Change = { readonly before: string; readonly after: string };

const settle = async (
  scene: Scene,
  payments: readonly Purchase[],
): Promise<readonly (Settlement | undefined)[]> => {
  const { narrator, chain, wallet, payTo, patience } = scene;
  const settlements = await narrator.during(
    'waiting for the chain',
    Promise.all(
      payments.map(async ({ call: nonce }) =>
        settlementOf(chain, { payer: wallet.address, payee: payTo, nonce }, patience),
      ),
    ),
  );
  for (const [index, { request, charged, transaction }] of payments.entries()) {
    const found = settlements[index];
    const as = transaction === '' || transaction === found?.transaction;
    narrator.check(
      `${request.tool.padEnd(19)} ${dollars(charged).padEnd(6)}  ${found?.transaction ?? 'not settled'}`,
      found?.value === charged && as,
      found === undefined ? 'no transfer' : `${dollars(found.value)} in ${found.transaction}`,
    );
  }
  return settlements;
};

type Balances = { readonly agent: bigint; readonly payee: bigint };

const balancesOf = async ({ chain, wallet, payTo }: Scene): Promise<Balances> => ({
  agent: await chain.balanceOf(wallet.address),
  payee: await chain.balanceOf(payTo),
});

const compare = ({ narrator }: Scene, before: Balances, after: Balances, total: bigint): void => {
  narrator.say(`agent  ${dollars(before.agent)} → ${dollars(after.agent)}`);
  narrator.say(`payee  ${dollars(before.payee)} → ${dollars(after.payee)}`);
  const spent = before.agent - after.agent;
  const got = after.payee - before.payee;
  narrator.check(
    `${dollars(total)} went from one to the other, and nothing else`,
    spent === total && got === total,
    `${dollars(spent)} and ${dollars(got)}`,
  );
};

/** Plays the whole story. Says what did not hold as it goes; throws only where there is no way on. */
export const play = async (scene: Scene): Promise<Line> => {
  const { narrator } = scene;
  const requests = requestsFor(scene.stack);
  const before = await balancesOf(scene);

  narrator.step('The agent asks, with nothing but a wallet');
  await ask(scene, requests);

  narrator.step('It pays. Nobody knows this payer, so the money moves before the tool runs');
  const first = await payFirst(scene, requests);

  narrator.step('It pays again. Now it is known: the tool runs at once, the money moves later');
  const second = await payAgain(scene, requests);

  narrator.step('It buys a lookup. The answer gets lost on the way, so it asks again');
  const { bought, replayed } = await loseAnswer(scene, requests);

  narrator.step('Somebody who saw that payment takes it to another tool of the same price');
  const moved = await movePayment(scene, requests);

  narrator.step('A stock x402 client, which knows nothing of all this, buys a lookup too');
  const stock = await payAsStock(scene, requests);

  narrator.step('The agent calls a tool that is dearer than the policy allows');
  const refused = await overreach(scene, requests);

  narrator.step('It pays ten cents ahead, and then by the word, without paying each time');
  const { toppedUp, fromCredit, credit } = await useCredit(scene, requests);

  narrator.step('It waits until all of it has settled on the chain');
  const payments = [first, second, bought, stock, toppedUp];
  const settlements = await settle(scene, payments);
  const after = await balancesOf(scene);
  const total = payments.reduce((sum, { charged }) => sum + charged, 0n);
  compare(scene, before, after, total);

  narrator.step('It reads the audit log of all this, and verifies it offline');
  const all: Bought = { payments, fromCredit };
  const entries = await readLog(scene, all);
  checkLog(scene, all, entries);

  const change = (from: bigint, to: bigint) => ({ before: `${from}`, after: `${to}` });
  return {
    paid: {
      status: second.answer.status,
      charged: second.charged.toString(),
      payment: second.call,
      settled: settlements[1] !== undefined,
      transaction: settlements[1]?.transaction ?? '',
    },
    replayed,
    moved,
    refused,
    credit,
    balances: {
      agent: change(before.agent, after.agent),
      payTo: change(before.payee, after.payee),
    },
    audit: entries.length,
  };
};
