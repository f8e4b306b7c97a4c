import { privateKeyToAccount } from 'viem/accounts';
import { expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import type { OutageRule } from '../../src/protocol/alert.ts';
import { accountOf } from './support/credit.ts';
import { manage, okJson } from './support/manage.ts';
import { fundedAccount, pay } from './support/payment.ts';
import { useReceiver } from './support/webhook-receiver.ts';
import { lookup, useWorld } from './support/world.ts';

/** Outages of real components: a stopped chain node, an unreachable upstream and facilitator, and a cron trigger that does not run. */
const world = useWorld();
const operator = privateKeyToAccount(people.operator.privateKey);
const receiver = useReceiver();

type Alert = {
  readonly data: {
    readonly account: string;
    readonly rule: string;
    readonly severity: string;
    readonly detail: { readonly kind?: string };
  };
};

/** The alerts of a rule that the operator's webhook received: severity and kind. */
const received = (rule: OutageRule) =>
  receiver.received
    .map(({ body }) => (JSON.parse(body) as Alert).data)
    .filter((alert) => alert.rule === rule)
    .map(({ severity, detail }) => `${severity} ${detail.kind ?? ''}`.trim());

/** Runs the cron trigger with a scheduled time `minute` minutes in the future. */
const runCron = async (minute = 0): Promise<void> => {
  const time = Date.now() + minute * 60_000;
  const query = new URLSearchParams({ cron: '* * * * *', time: String(time) });
  const url = `${world().stack.gateway.url}/cdn-cgi/local/scheduled?${query.toString()}`;
  expect(await (await fetch(url)).text()).toBe('ok');
};

const patience = { timeout: 60_000, interval: 250 };

it('raises an alert for each part that stops, and another when it works again', async () => {
  const { stack, send } = world();
  const agent = await fundedAccount(world(), 1_000_000n);
  expect((await pay(world(), agent, lookup)).status).toBe(200);
  const put = manage(world(), operator, 'webhooks.put', {
    params: { webhook: 'pager' },
    body: { url: receiver.url(), events: ['*'] },
  });
  await okJson(put);
  await runCron();
  expect(receiver.received).toEqual([]);

  // The chain node is stopped. The facilitator runs in this process and still answers.
  process.kill(-stack.chain.processId, 'SIGSTOP');
  try {
    await runCron();
    await runCron(1);
  } finally {
    process.kill(-stack.chain.processId, 'SIGCONT');
  }
  await expect.poll(() => received('chain_stuck'), patience).toEqual(['critical silent']);
  await runCron();
  await expect
    .poll(() => received('chain_stuck'), patience)
    .toEqual(['critical silent', 'notice ended']);

  // The upstream is unreachable: twelve calls fail, and none is charged.
  await stack.upstream.stop();
  for (let call = 0; call < 12; call += 1) {
    const answer = await pay(world(), agent, { path: `/tools/lookup?word=river&call=${call}` });
    expect(answer.status).toBeGreaterThanOrEqual(500);
  }
  await expect
    .poll(async () => {
      await runCron();
      return received('upstream_failing');
    }, patience)
    .toEqual(['critical']);
  const home = await send({ path: '/' });
  const { tools } = (await home.json()) as {
    readonly tools: readonly { readonly id: string; readonly health: { readonly state: string } }[];
  };
  expect(tools.find(({ id }) => id === 'lookup')?.health).toMatchObject({ state: 'failing' });

  await stack.facilitator.stop();
  await runCron();
  await runCron(1);
  await expect.poll(() => received('facilitator_away'), patience).toEqual(['critical alone']);
  const { items } = await okJson<{ readonly items: readonly object[] }>(
    manage(world(), operator, 'outages'),
  );
  expect(items).toMatchObject([
    { rule: 'upstream_failing', severity: 'critical', title: 'A tool fails' },
    { rule: 'facilitator_away', severity: 'critical', next: expect.stringContaining('RELAYERS') },
  ]);
  expect(receiver.received.map(({ body }) => (JSON.parse(body) as Alert).data.account)).toEqual(
    Array.from({ length: 4 }, () => accountOf(people.payTo)),
  );
});
