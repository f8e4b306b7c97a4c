import * as z from 'zod/mini';
import { summarise } from '../upstream/summary.ts';
import { jsonOf, offerOf, send, textOf } from './exchange.ts';
import { ahead, buy, byAgent, byStock, dollars, type Purchase } from './purchase.ts';
import { ARTICLE, priceOf, type Requests, runsOf, type Scene, TOP_UP } from './scene.ts';

/** What an offer says that takes payments bound to the request (design §4.2). */
const bindingSchema = z.object({ info: z.object({ binding: z.literal('eip3009-nonce') }) });

/** Asks for a price. */
export const ask = async (scene: Scene, { greeting }: Requests): Promise<void> => {
  const { narrator, stack, wallet } = scene;
  const answer = await send(wallet.wire.fetch, greeting);
  narrator.say(`POST ${greeting.url} ${greeting.body ?? ''}`);
  narrator.check('402: the tool wants to be paid', answer.status === 402, `${answer.status}`);
  const { accepts, extensions } = offerOf(answer);
  const [accepted] = accepts;
  if (accepted === undefined) throw new Error('the 402 offers nothing');
  narrator.say(`${dollars(accepted.amount)} in USDC on ${accepted.network}, to ${accepted.payTo}`);
  narrator.check(
    'the payee is the one of this gateway',
    accepted.payTo.toLowerCase() === stack.payTo.toLowerCase(),
    accepted.payTo,
  );
  const intent = extensions?.['agent-intent'];
  narrator.check(
    'it takes payments that are bound to the request',
    bindingSchema.safeParse(intent).success,
    intent === undefined ? 'no agent-intent' : JSON.stringify(intent),
  );
};

/** The first payment: nobody knows the payer. */
export const payFirst = async (scene: Scene, { greeting }: Requests): Promise<Purchase> => {
  const { narrator } = scene;
  const first = await buy(scene, greeting, priceOf(scene, greeting.tool), byAgent);
  narrator.say(JSON.stringify(textOf(first.answer, 'text')));
  narrator.check(
    `settled first, in ${first.transaction}`,
    first.transaction !== '',
    'no transaction',
  );
  return first;
};

/** The second payment. */
export const payAgain = async (scene: Scene, { errand }: Requests): Promise<Purchase> => {
  const { narrator } = scene;
  const second = await buy(scene, errand, priceOf(scene, errand.tool), byAgent);
  narrator.say(JSON.stringify(textOf(second.answer, 'text')));
  narrator.check('accepted, to be settled later', second.transaction === '', second.transaction);
  return second;
};

/** A payment whose answer gets lost on the way. */
export const loseAnswer = async (scene: Scene, { word }: Requests) => {
  const { narrator, wallet } = scene;
  const runsBefore = runsOf(scene, word.tool);
  const signedBefore = wallet.wire.seen().length;
  wallet.wire.loseNextAnswer();
  const bought = await buy(scene, word, priceOf(scene, word.tool), byAgent);
  if (bought.transaction !== '')
    narrator.say('settled first: what is open may not be more than what it has settled here');
  const [lost, ...others] = wallet.wire.seen().slice(signedBefore);
  const isSame = others.length === 1 && others[0]?.proof === lost?.proof;
  narrator.check(
    'asked twice, with one signature',
    isSame,
    `${others.length + 1} requests, ${new Set([lost, ...others].map((sent) => sent?.proof)).size} signatures`,
  );
  const isStored = Buffer.compare(bought.answer.bytes, lost?.bytes ?? Buffer.alloc(0)) === 0;
  narrator.check('the second answer is the first one, byte for byte', isStored);
  const executions = runsOf(scene, word.tool) - runsBefore;
  narrator.check('the tool ran once for both', executions === 1, `${executions} runs`);
  return { bought, replayed: { status: bought.answer.status, executions } };
};

/** A payment by a client that knows x402 and nothing else. */
export const payAsStock = async (scene: Scene, { other }: Requests): Promise<Purchase> =>
  await buy(scene, other, priceOf(scene, other.tool), byStock);

/** Pays ahead, then calls from credit a tool that charges by the word. */
export const useCredit = async (scene: Scene, { topUp, article }: Requests) => {
  const { narrator, wallet } = scene;
  const toppedUp = await buy(scene, topUp, TOP_UP, ahead(TOP_UP));
  narrator.say(`${dollars(TOP_UP)} are credit now`);
  // What it costs is public: the agent can count for itself.
  const { words, price } = summarise(ARTICLE);
  const fromCredit = await buy(scene, article, price, byAgent);
  narrator.say(JSON.stringify(textOf(fromCredit.answer, 'summary')));
  narrator.check(
    `charged for ${words} words, of ${dollars(priceOf(scene, article.tool))} at most`,
    jsonOf(fromCredit.answer)['words'] === words,
    `${JSON.stringify(jsonOf(fromCredit.answer)['words'])} words`,
  );
  const last = wallet.wire.seen().at(-1)?.header;
  narrator.check('signed the request, and no payment', last === 'Agent-Intent', last);
  const { charged, creditLeft: left } = fromCredit;
  narrator.check(
    `credit left: ${dollars(TOP_UP - price)}`,
    left === TOP_UP - price,
    left === undefined ? 'nothing told' : dollars(left),
  );
  const credit = {
    toppedUp: toppedUp.charged.toString(),
    charged: charged.toString(),
    left: (left ?? 0n).toString(),
  };
  return { toppedUp, fromCredit, credit };
};
