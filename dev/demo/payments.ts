import { jsonOf, offerOf, send, textOf } from './exchange.ts';
import { buy, byAgent, byStock, byTopUp, dollars, type Purchase } from './purchase.ts';
import { ARTICLE, priceOf, type Requests, runsOf, type Scene, TOP_UP } from './scene.ts';
import { type ChainAccess, usdcAbi } from '../stack/chain-access.ts';
import { summarise } from '../upstream/text.ts';
import { type Address, type Hex, isAddressEqual, parseEventLogs } from 'viem';
import * as z from 'zod/mini';

/** A settled payment on the chain. */
export type Settlement = {
  readonly transaction: Hex;
  readonly block: bigint;
  /** Amount that the authorization moved, in atomic units. */
  readonly value: bigint;
};

const POLL_MS = 100;

const find = async (
  chain: ChainAccess,
  payer: Address,
  payee: Address,
  nonce: Hex,
): Promise<Settlement | undefined> => {
  const [used] = await chain.client.getContractEvents({
    address: chain.usdc,
    abi: usdcAbi,
    eventName: 'AuthorizationUsed',
    args: { authorizer: payer, nonce },
    fromBlock: 0n,
    strict: true,
  });
  if (used === undefined) return undefined;
  const receipt = await chain.client.getTransactionReceipt({ hash: used.transactionHash });
  // USDC logs the transfer directly after its authorization. Any other transfer of the transaction is another payment.
  const transfer = parseEventLogs({ abi: usdcAbi, eventName: 'Transfer', logs: receipt.logs }).find(
    ({ logIndex, address }) =>
      logIndex === used.logIndex + 1 && isAddressEqual(address, chain.usdc),
  );
  if (transfer === undefined || !isAddressEqual(transfer.args.from, payer)) return undefined;
  if (!isAddressEqual(transfer.args.to, payee)) return undefined;
  const { transactionHash: transaction, blockNumber: block } = used;
  return { transaction, block, value: transfer.args.value };
};

/** Waits until the chain shows the settlement of a payment. @returns undefined after a timeout. */
export const settlementOf = async (
  chain: ChainAccess,
  payment: { readonly payer: Address; readonly payee: Address; readonly nonce: Hex },
  milliseconds: number,
): Promise<Settlement | undefined> => {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const found = await find(chain, payment.payer, payment.payee, payment.nonce);
    if (found !== undefined || Date.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};

/** Extension of an offer that accepts payments bound to the request (`docs/wire-format.md`). */
const bindingSchema = z.object({ info: z.object({ binding: z.literal('eip3009-nonce') }) });

/** Calls without a payment and reads the offer. */
export const readOffer = async (scene: Scene, { greeting }: Requests): Promise<void> => {
  const { narrator, stack, wallet } = scene;
  const answer = await send(wallet.wire.fetch, greeting);
  narrator.detail(`POST ${greeting.url} ${greeting.body ?? ''}`);
  narrator.check(
    'the gateway answers 402 with an offer',
    answer.status === 402,
    `${answer.status}`,
  );
  const { accepts, extensions } = offerOf(answer);
  const [accepted] = accepts;
  if (accepted === undefined) throw new Error('the 402 has no offer');
  narrator.detail(
    `${dollars(accepted.amount)} in USDC on ${accepted.network}, to ${accepted.payTo}`,
  );
  narrator.check(
    'the payee is that of the gateway',
    accepted.payTo.toLowerCase() === stack.payTo.toLowerCase(),
    accepted.payTo,
  );
  const intent = extensions?.['agent-intent'];
  narrator.check(
    'the offer accepts payments bound to the request',
    bindingSchema.safeParse(intent).success,
    intent === undefined ? 'no agent-intent' : JSON.stringify(intent),
  );
};

/** Pays as an unknown payer. */
export const payFirst = async (scene: Scene, { greeting }: Requests): Promise<Purchase> => {
  const { narrator } = scene;
  const first = await buy(scene, greeting, priceOf(scene, greeting.tool), byAgent);
  narrator.detail(JSON.stringify(textOf(first.answer, 'text')));
  narrator.check(
    `settled before the tool ran, in ${first.transaction}`,
    first.transaction !== '',
    'no transaction',
  );
  return first;
};

/** Pays as a known payer. */
export const payAgain = async (scene: Scene, { phrase }: Requests): Promise<Purchase> => {
  const { narrator } = scene;
  const second = await buy(scene, phrase, priceOf(scene, phrase.tool), byAgent);
  narrator.detail(JSON.stringify(textOf(second.answer, 'text')));
  narrator.check('accepted, settles later', second.transaction === '', second.transaction);
  return second;
};

/** Pays for a call whose answer is lost. */
export const loseAnswer = async (scene: Scene, { word }: Requests) => {
  const { narrator, wallet } = scene;
  const runsBefore = runsOf(scene, word.tool);
  const signedBefore = wallet.wire.seen().length;
  wallet.wire.loseNextAnswer();
  const bought = await buy(scene, word, priceOf(scene, word.tool), byAgent);
  if (bought.transaction !== '')
    narrator.detail('settled first: open payments must not exceed what the payer has settled here');
  const [lost, ...others] = wallet.wire.seen().slice(signedBefore);
  const isSame = others.length === 1 && others[0]?.proof === lost?.proof;
  narrator.check(
    'the client sent two requests with one signature',
    isSame,
    `${others.length + 1} requests, ${new Set([lost, ...others].map((sighting) => sighting?.proof)).size} signatures`,
  );
  const isStored = Buffer.compare(bought.answer.bytes, lost?.bytes ?? Buffer.alloc(0)) === 0;
  narrator.check('both answers have the same bytes', isStored);
  const executions = runsOf(scene, word.tool) - runsBefore;
  narrator.check('the tool ran once for both requests', executions === 1, `${executions} runs`);
  return { bought, replayed: { status: bought.answer.status, executions } };
};

/** Pays with the official x402 client. */
export const payAsStock = async (scene: Scene, { other }: Requests): Promise<Purchase> =>
  await buy(scene, other, priceOf(scene, other.tool), byStock);

/** Tops up, then calls a tool that charges by the word from credit. */
export const useCredit = async (scene: Scene, { topUp, article }: Requests) => {
  const { narrator, wallet } = scene;
  const toppedUp = await buy(scene, topUp, TOP_UP, byTopUp(TOP_UP));
  narrator.detail(`The agent has ${dollars(TOP_UP)} of credit`);
  // The tool publishes its formula, so the agent can compute the price.
  const { words, price } = summarise(ARTICLE);
  const fromCredit = await buy(scene, article, price, byAgent);
  narrator.detail(JSON.stringify(textOf(fromCredit.answer, 'summary')));
  narrator.check(
    `charged for ${words} words, at most ${dollars(priceOf(scene, article.tool))}`,
    jsonOf(fromCredit.answer)['words'] === words,
    `${JSON.stringify(jsonOf(fromCredit.answer)['words'])} words`,
  );
  const last = wallet.wire.seen().at(-1)?.header;
  narrator.check('the agent signed an intent and no payment', last === 'Agent-Intent', last);
  const { charged, creditLeft: left } = fromCredit;
  narrator.check(
    `remaining credit: ${dollars(TOP_UP - price)}`,
    left === TOP_UP - price,
    left === undefined ? 'no figure' : dollars(left),
  );
  const credit = {
    toppedUp: toppedUp.charged.toString(),
    charged: charged.toString(),
    left: (left ?? 0n).toString(),
  };
  return { toppedUp, fromCredit, credit };
};
