import { movePayment, overreach } from './attack.ts';
import { type Bought, checkLog, readLog } from './audit-log.ts';
import { buyByCard } from './card.ts';
import { payOverMcp } from './mcp.ts';
import { callWithSecret } from './secret.ts';
import {
  loseAnswer,
  payAgain,
  payAsStock,
  payFirst,
  readOffer,
  type Settlement,
  settlementOf,
  useCredit,
} from './payments.ts';
import { dollars, type Purchase } from './purchase.ts';
import { payThroughSigner, type RemoteSigning } from './remote-signing.ts';
import { requestsFor, type Scene } from './scene.ts';

/** Output of `npm run demo -- --json`. Amounts are atomic units of USDC. */
export type DemoResults = {
  /** The deferred call and its settlement. */
  readonly paid: {
    readonly status: number;
    readonly charged: string;
    /** The call id: the nonce of the payment. */
    readonly payment: string;
    readonly settled: boolean;
    /** Hash of the settlement; empty without one. */
    readonly transaction: string;
  };
  /** The call whose answer was lost, and its retry. */
  readonly replayed: {
    readonly status: number;
    /** Runs of the tool for both requests. */
    readonly executions: number;
  };
  /** A used payment, presented to another tool without its intent. */
  readonly moved: { readonly status: number; readonly type: string };
  /** A call above the cap of the policy. */
  readonly refused: { readonly status: number; readonly type: string; readonly rule: string };
  /** The top-up, the charge of the call from credit, and the remaining credit that the gateway's answer states. */
  readonly credit: { readonly toppedUp: string; readonly charged: string; readonly left: string };
  readonly balances: { readonly agent: Change; readonly payTo: Change };
  /** Number of entries in the agent's audit log. */
  readonly audit: number;
  /** The call of an agent without a wallet key, and the rules by which the signer refused an expensive call and a permit. */
  readonly signer: RemoteSigning;
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
  narrator.detail(`agent  ${dollars(before.agent)} → ${dollars(after.agent)}`);
  narrator.detail(`payee  ${dollars(before.payee)} → ${dollars(after.payee)}`);
  const spent = before.agent - after.agent;
  const got = after.payee - before.payee;
  narrator.check(
    `exactly ${dollars(total)} moved from the agent to the payee`,
    spent === total && got === total,
    `${dollars(spent)} and ${dollars(got)}`,
  );
};

/** Runs all steps and prints every check. @throws Error if a step cannot continue. */
export const play = async (scene: Scene): Promise<DemoResults> => {
  const { narrator } = scene;
  const requests = requestsFor(scene.stack);
  const before = await balancesOf(scene);

  narrator.step('The agent calls a tool with nothing but a wallet');
  await readOffer(scene, requests);

  narrator.step('It pays. The payer is unknown, so the payment settles before the tool runs');
  const first = await payFirst(scene, requests);

  narrator.step(
    'It pays again. The payer is known now: the tool runs at once, the payment settles later',
  );
  const second = await payAgain(scene, requests);

  narrator.step('It buys a lookup. The answer is lost on the way, so the client retries');
  const { bought, replayed } = await loseAnswer(scene, requests);

  narrator.step('An attacker presents that payment to another tool of the same price');
  const moved = await movePayment(scene, requests);

  narrator.step('The official x402 client, without any extension, buys a lookup as well');
  const stock = await payAsStock(scene, requests);

  narrator.step(
    'It finds the same tools over MCP, and pays for a call there with the official SDK',
  );
  const overMcp = await payOverMcp(scene);

  narrator.step('The agent calls a tool whose price is above the cap of the policy');
  const refused = await overreach(scene, requests);

  narrator.step('It tops up ten cents, and then calls a tool that charges by the word from credit');
  const { toppedUp, fromCredit, credit } = await useCredit(scene, requests);

  if (scene.cards !== undefined) {
    narrator.step(
      'Another agent, with a budget of $50.00 a day, buys with a card that it never sees',
    );
    await buyByCard(scene, scene.cards);
  }

  narrator.step('It waits until every payment has settled on the chain');
  const payments = [first, second, bought, stock, overMcp, toppedUp];
  const settlements = await settle(scene, payments);
  const after = await balancesOf(scene);
  const total = payments.reduce((sum, { charged }) => sum + charged, 0n);
  compare(scene, before, after, total);

  narrator.step('It reads its audit log and verifies the log offline');
  const all: Bought = { payments, fromCredit };
  const entries = await readLog(scene, all);
  checkLog(scene, all, entries);

  if (scene.market !== undefined) {
    narrator.step('It calls a tool whose upstream demands an API key that only the vault holds');
    await callWithSecret(scene, scene.market);
  }

  narrator.step('Another agent, whose process holds no wallet key, pays through a signer');
  const signer = await payThroughSigner(scene, requests);

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
    signer,
  };
};
