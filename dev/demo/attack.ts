import { CountersignError } from '../../src/client/index.ts';
import { answerOf, initOf, jsonOf, send, textOf } from './exchange.ts';
import { type Requests, runsOf, type Scene } from './scene.ts';
import { stripped } from './wallet.ts';

/** Presents an observed payment to another tool: without its intent, then with it. */
export const movePayment = async (scene: Scene, { elsewhere }: Requests) => {
  const { narrator, wallet } = scene;
  const payment = wallet.wire.seen().at(-1)?.proof ?? '';
  const before = runsOf(scene, elsewhere.tool);
  const answer = await send(wallet.wire.fetch, elsewhere, stripped(payment));
  const isStripped = textOf(answer, 'type') === 'urn:countersign:problem:binding-required';
  narrator.check(
    'without its intent, the gateway rejects it with 400',
    answer.status === 400 && isStripped,
    `${answer.status} '${textOf(answer, 'type')}'`,
  );
  narrator.detail(textOf(answer, 'detail'));
  const whole = await send(wallet.wire.fetch, elsewhere, payment);
  const isMismatch = textOf(whole, 'type') === 'urn:countersign:problem:intent-mismatch';
  narrator.check(
    'with its intent, the gateway rejects it with 400',
    whole.status === 400 && isMismatch,
    `${whole.status} '${textOf(whole, 'type')}'`,
  );
  narrator.detail(textOf(whole, 'detail'));
  const ran = runsOf(scene, elsewhere.tool) - before;
  narrator.check('the other tool did not run', ran === 0, `${ran} runs`);
  return { status: answer.status, type: textOf(answer, 'type') };
};

/** Calls a tool whose price is above the agent's own cap; then, with a high cap, above that of the policy. */
export const overreach = async (scene: Scene, { dear }: Requests) => {
  const { narrator, wallet } = scene;
  const before = runsOf(scene, dear.tool);
  const signed = wallet.wire.seen().length;
  const code = await wallet.agent.fetch(dear.url, initOf(dear)).then(
    ({ status }) => `${status}`,
    (error: unknown) => (error instanceof CountersignError ? error.code : String(error)),
  );
  narrator.check(
    "the agent's own cap stops the call before it signs",
    code === 'over_per_call' && wallet.wire.seen().length === signed,
    code,
  );
  const answer = await answerOf(await wallet.careless.fetch(dear.url, initOf(dear)));
  const rule = textOf(answer, 'rule');
  const held = answer.status === 403 && rule === 'per_call';
  narrator.check(
    "with a higher cap, the gateway rejects it with 403 by rule 'per_call'",
    held,
    `${answer.status} '${rule}'`,
  );
  narrator.detail(textOf(answer, 'detail'));
  const left = jsonOf(answer)['remaining'];
  narrator.check(
    'the rejection names the remaining amount',
    typeof left === 'string',
    String(left),
  );
  const ran = runsOf(scene, dear.tool) - before;
  narrator.check('the tool did not run', ran === 0, `${ran} runs`);
  return { status: answer.status, type: textOf(answer, 'type'), rule };
};
