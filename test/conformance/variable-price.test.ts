import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalAccount } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOOLS_FILE } from '../../dev/stack/tools.ts';
import type { AgentIntent } from '../../src/protocol/intent/agent-intent.ts';
import { accountOf, creditedAccount, rateLimitOf } from './support/credit.ts';
import { agentIntent, digestOf, signPaidIntent } from './support/intent.ts';
import { kindOf, readProblem } from './support/offer.ts';
import { transfersFrom } from './support/payment.ts';
import { claimsOf, verify } from './support/receipt.ts';
import { refusal } from './support/refusal.ts';
import { post, summarise, type ToolCall, useWorld } from './support/world.ts';

/** Has a variable price; its upstream never reports one. */
const silent: ToolCall = { path: '/tools/silent/x' };
/** Has a fixed price; its upstream reports another one. */
const fixed = post('/tools/fixed', { text: 'One. Two.', charge: '1' });

const directory = await mkdtemp(join(tmpdir(), 'countersign-tools-'));
const toolsFile = join(directory, 'tools.json');
const { tools } = JSON.parse(await readFile(TOOLS_FILE, 'utf8')) as { tools: readonly object[] };
const common = { description: 'For tests.', mimeType: 'application/json', settlement: 'credit' };
const more = [
  {
    ...{ id: 'silent', method: 'GET', path: '/tools/silent/*', price: { max: '$0.02' } },
    ...{ ...common, upstream: '/echo' },
  },
  {
    ...{ id: 'fixed', method: 'POST', path: '/tools/fixed', price: '$0.02' },
    ...{ ...common, upstream: '/summarise' },
  },
];
await writeFile(toolsFile, JSON.stringify({ tools: [...tools, ...more] }));
afterAll(async () => await rm(directory, { recursive: true, force: true }));

const world = useWorld({ toolsFile });
const CREDIT = 1_000_000n;
const MAX = 50_000n;

let account: LocalAccount;
let spent = 0n;
beforeAll(async () => {
  account = await creditedAccount(world(), { credit: CREDIT, balance: 0n });
});

const call = async (request: ToolCall, fields: Partial<AgentIntent> = {}) => {
  const signed = await signPaidIntent(world(), account, request, fields);
  return { answer: await world().send(request, agentIntent(signed)), id: digestOf(signed.intent) };
};

/** Expects that answer, log and remaining credit agree on the charge. */
const charged = async (answer: Response, id: `0x${string}`, amount: bigint): Promise<void> => {
  spent += amount;
  expect(answer.headers.get('Settlement-Overrides')).toBeNull();
  expect(await claimsOf(world(), answer)).toMatchObject({ charged: amount.toString() });
  expect(rateLimitOf(answer, 'credit')?.r).toBe(Number(CREDIT - spent));
  await expect
    .poll(() => world().audit.call(id)?.charged, { timeout: 30_000, interval: 200 })
    .toBe(Number(amount));
};

describe('a tool of variable price', () => {
  it.each<[string, string | undefined, Partial<AgentIntent>, bigint]>([
    ['less than its maximum', '1234', {}, 1_234n],
    ['nothing', '0', {}, 0n],
    ['exactly its maximum', MAX.toString(), {}, MAX],
    ['by its work', undefined, {}, 1_080n],
    ['the signed amount, which is below its maximum', '700', { maxAmount: 700n }, 700n],
    ['less than the signed amount', '699', { maxAmount: 700n }, 699n],
    [
      'less than its maximum when the signed amount is higher',
      '1500',
      { maxAmount: 10n * MAX },
      1_500n,
    ],
  ])('charges %s', async (_, charge, fields, amount) => {
    const { answer, id } = await call(summarise('Two words. Two words.', charge), fields);
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(await answer.clone().json()).toMatchObject({ words: 4 });
    await charged(answer, id, amount);
  });

  it('charges its maximum when the upstream reports no price', async () => {
    const whole = await call(silent);
    expect(whole.answer.status).toBe(200);
    const { headers } = (await whole.answer.clone().json()) as { headers: Record<string, string> };
    expect(
      await verify(world(), headers['x-agent-assertion'] ?? '', 'agent-assertion+jwt'),
    ).toMatchObject({ max: '20000' });
    await charged(whole.answer, whole.id, 20_000n);
    // Without a price from the upstream the charge is the maximum, which exceeds the signed amount.
    const capped = await call(silent, { maxAmount: 300n });
    expect(capped.answer.status).toBe(502);
    expect(await capped.answer.json()).toMatchObject({
      type: 'urn:countersign:problem:upstream-overcharge',
    });
  });

  it.each<[string, string, Partial<AgentIntent>]>([
    ['a unit more than the signed amount', '701', { maxAmount: 700n }],
    ['a unit more than its maximum', (MAX + 1n).toString(), { maxAmount: 10n * MAX }],
    ['a negative amount', '-1', {}],
    ['an empty amount', '', {}],
    ['a percentage', '50%', {}],
    ['dollars', '$0.01', {}],
    ['hex', '0x10', {}],
    ['a leading zero', '0100', {}],
    ['a fraction', '1.5', {}],
    ['more than 256 bits', '9'.repeat(80), {}],
  ])('fails and charges nothing when the upstream reports %s', async (_, charge, fields) => {
    const before = (await world().counts()).summarise;
    const { answer, id } = await call(summarise('Two words. Two words.', charge), fields);
    expect(answer.status).toBe(502);
    await charged(answer, id, 0n);
    const problem = await readProblem(answer);
    expect([kindOf(problem), problem['money'], problem['call']]).toEqual([
      'upstream-overcharge',
      'untouched',
      id,
    ]);
    expect(JSON.stringify(problem)).not.toContain('Two words');
    expect((await world().counts()).summarise).toBe(before + 1);
  });

  it('rejects an intent for the amount 0', async () => {
    const signed = await signPaidIntent(world(), account, summarise('x'), { maxAmount: 0n });
    const problem = await refusal(world(), Object.entries(agentIntent(signed)), summarise('x'));
    expect([problem.status, problem.field]).toEqual([400, 'Agent-Intent.intent.maxAmount']);
  });

  it('is offered at its maximum', async () => {
    const offered = await world().offer(summarise('x'));
    expect(offered.accepts.map(({ amount }) => amount)).toEqual([MAX.toString()]);
  });
});

describe('a tool of fixed price whose upstream reports another price', () => {
  it('charges its own price and drops the header', async () => {
    const { answer, id } = await call(fixed);
    expect(answer.status).toBe(200);
    await charged(answer, id, 20_000n);
  });
});

describe('the charges of all these calls', () => {
  it('add up in the log and were paid by one top-up', async () => {
    expect(await transfersFrom(world(), account.address)).toEqual([CREDIT]);
    const entries = await world().audit.entries(accountOf(account.address));
    const total = entries
      .filter(
        ({ type, amounts }) => type === 'call.finished' && amounts?.['credited'] === undefined,
      )
      .reduce((sum, { amounts }) => sum + BigInt(amounts?.['charged'] ?? 0), 0n);
    expect(total).toBe(spent);
  });
});
