import { jsonOf, pay, send, textOf } from './exchange.ts';
import { checkLog, readLog } from './audit-log.ts';
import type { Line } from './line.ts';
import { buy, checkReceipt, dollars, type Purchase } from './purchase.ts';
import { requestsFor, runsOf, type Scene } from './scene.ts';
import { settlementOf } from './settlement.ts';
import { offerOf } from './wallet.ts';

type Requests = ReturnType<typeof requestsFor>;

const ask = async ({ narrator, stack }: Scene, { greeting }: Requests): Promise<void> => {
  narrator.step('The agent asks, with nothing but a wallet');
  const answer = await send(greeting);
  narrator.say(`POST ${greeting.url} ${greeting.body ?? ''}`);
  narrator.check('402: the tool wants to be paid', answer.status === 402, `${answer.status}`);
  const [accepted] = offerOf(answer).accepts;
  if (accepted === undefined) throw new Error('the 402 offers nothing');
  narrator.say(`${dollars(accepted.amount)} in USDC on ${accepted.network}, to ${accepted.payTo}`);
  narrator.check(
    'the payee is the one of this gateway',
    accepted.payTo.toLowerCase() === stack.payTo.toLowerCase(),
    accepted.payTo,
  );
};

const payFirst = async (scene: Scene, { greeting }: Requests): Promise<Purchase> => {
  const { narrator } = scene;
  narrator.step('It pays. Nobody knows this payer, so the money moves before the tool runs');
  const first = await buy(scene, greeting);
  narrator.say(`${JSON.stringify(textOf(first.answer, 'text'))}`);
  narrator.check(
    `settled first, in ${first.transaction}`,
    first.transaction !== '',
    'no transaction',
  );
  checkReceipt(scene, first);
  return first;
};

const payAgain = async (scene: Scene, { errand }: Requests): Promise<Purchase> => {
  const { narrator } = scene;
  narrator.step('It pays again. Now it is known: the tool runs at once, the money moves later');
  const second = await buy(scene, errand);
  narrator.say(`${JSON.stringify(textOf(second.answer, 'text'))}`);
  narrator.check('accepted, to be settled later', second.transaction === '', second.transaction);
  checkReceipt(scene, second);
  return second;
};

const repeat = async (scene: Scene, second: Purchase, before: number) => {
  const { narrator } = scene;
  narrator.step('It repeats that request, with the same payment and its payment-identifier');
  const answer = await pay(second.request, second.payment.header);
  const executions = runsOf(scene, second.request.tool) - before;
  const same = Buffer.compare(answer.bytes, second.answer.bytes) === 0;
  narrator.check(
    '200 with the stored answer, byte for byte',
    second.payment.identified && answer.status === 200 && same,
    `${answer.status}`,
  );
  narrator.check('the tool ran once for both', executions === 1, `${executions} runs`);
  return { status: answer.status, executions };
};

const move = async (scene: Scene, { word, elsewhere }: Requests) => {
  const { narrator } = scene;
  narrator.step('It buys a lookup, and moves that payment to another tool of the same price');
  const bought = await buy(scene, word);
  if (bought.transaction !== '')
    narrator.say('settled first: what is open may not be more than what it has settled here');
  const before = runsOf(scene, elsewhere.tool);
  const answer = await send(elsewhere, bought.payment.header);
  narrator.check('refused with 409', answer.status === 409, `${answer.status}`);
  narrator.say(textOf(answer, 'detail'));
  const ran = runsOf(scene, elsewhere.tool) - before;
  narrator.check('the other tool did not run', ran === 0, `${ran} runs`);
  return { bought, moved: { status: answer.status, type: textOf(answer, 'type') } };
};

const overreach = async (scene: Scene, { dear }: Requests) => {
  const { narrator } = scene;
  narrator.step('It signs for a tool that is dearer than the policy allows');
  const payment = await scene.wallet.sign(offerOf(await send(dear)));
  const before = runsOf(scene, dear.tool);
  const answer = await send(dear, payment.header);
  const rule = textOf(answer, 'rule');
  const held = answer.status === 403 && rule === 'per_call';
  narrator.check("refused with 403, by rule 'per_call'", held, `${answer.status} '${rule}'`);
  narrator.say(textOf(answer, 'detail'));
  const left = jsonOf(answer)['remaining'];
  narrator.check('it is told what is left', typeof left === 'string', String(left));
  const ran = runsOf(scene, dear.tool) - before;
  narrator.check('the tool did not run', ran === 0, `${ran} runs`);
  return { status: answer.status, type: textOf(answer, 'type'), rule };
};

const settle = async (scene: Scene, purchases: readonly Purchase[]) => {
  const { narrator, chain, wallet, payTo, patience } = scene;
  narrator.step('It waits until all of it has settled on the chain');
  const settlements = await narrator.during(
    'waiting for the chain',
    Promise.all(
      purchases.map(async ({ payment }) =>
        settlementOf(
          chain,
          { payer: wallet.address, payee: payTo, nonce: payment.nonce },
          patience,
        ),
      ),
    ),
  );
  for (const [index, { request, charged, transaction }] of purchases.entries()) {
    const found = settlements[index];
    const as = transaction === '' || transaction === found?.transaction;
    narrator.check(
      `${request.tool.padEnd(9)} ${dollars(charged)}  ${found?.transaction ?? 'not settled'}`,
      found?.value === charged && as,
      found === undefined ? 'no transfer' : `${dollars(found.value)} in ${found.transaction}`,
    );
  }
  return settlements;
};

/** Plays the whole story. Says what did not hold as it goes; throws only where there is no way on. */
export const play = async (scene: Scene): Promise<Line> => {
  const { narrator, chain, wallet, payTo } = scene;
  const requests = requestsFor(scene.stack);
  const balances = async () =>
    [await chain.balanceOf(wallet.address), await chain.balanceOf(payTo)] as const;
  const [agentBefore, payeeBefore] = await balances();

  await ask(scene, requests);
  const first = await payFirst(scene, requests);
  const runsBefore = runsOf(scene, 'translate');
  const second = await payAgain(scene, requests);
  const replayed = await repeat(scene, second, runsBefore);
  const { bought, moved } = await move(scene, requests);
  const refused = await overreach(scene, requests);

  const purchases = [first, second, bought];
  const settlements = await settle(scene, purchases);
  const [agentAfter, payeeAfter] = await balances();
  const total = purchases.reduce((sum, { charged }) => sum + charged, 0n);
  narrator.say(`agent  ${dollars(agentBefore)} → ${dollars(agentAfter)}`);
  narrator.say(`payee  ${dollars(payeeBefore)} → ${dollars(payeeAfter)}`);
  narrator.check(
    `${dollars(total)} went from one to the other, and nothing else`,
    agentBefore - agentAfter === total && payeeAfter - payeeBefore === total,
    `${dollars(agentBefore - agentAfter)} and ${dollars(payeeAfter - payeeBefore)}`,
  );

  const entries = await readLog(scene, purchases);
  checkLog(scene, purchases, entries);
  const change = (before: bigint, after: bigint) => ({ before: `${before}`, after: `${after}` });
  return {
    paid: {
      status: second.answer.status,
      charged: second.charged.toString(),
      payment: second.payment.nonce,
      settled: settlements[1] !== undefined,
      transaction: settlements[1]?.transaction ?? '',
    },
    replayed,
    moved,
    refused,
    balances: { agent: change(agentBefore, agentAfter), payTo: change(payeeBefore, payeeAfter) },
    audit: entries.length,
  };
};
