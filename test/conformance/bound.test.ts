import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { randomNonce } from '../../dev/stack/authorization.ts';
import { intentFields } from '../../src/protocol/intent/agent-intent.ts';
import vectors from '../vectors/countersign-v1.json' with { type: 'json' };
import { bind, bound, boundField, boundTree, callOf, signBound } from './support/bound.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import {
  agentIntent,
  digestOf,
  paidIntentFor,
  retryKey,
  sha256,
  signFields,
  signPaidIntent,
} from './support/intent.ts';
import { kindOf, paymentResponse, readProblem } from './support/offer.ts';
import { base64Json } from '../support/payment-header.ts';
import { isUsed, settled, sign, transfersFrom, trustedAccount, v2 } from './support/payment.ts';
import { claimsOf, verify } from './support/receipt.ts';
import { changed, refusal } from './support/refusal.ts';
import { notarise, report, type ToolCall, translate, useWorld } from './support/world.ts';

const world = useWorld();
let account: LocalAccount;
beforeAll(async () => {
  account = await trustedAccount(world(), { reports: 4, balance: 1_000_000n });
});

const echo: ToolCall = {
  path: '/tools/echo/bound?a=b',
  method: 'POST',
  body: 'exactly this',
  contentType: 'text/plain',
};

describe('a bound payment', () => {
  it.each<[string, ToolCall, string, bigint]>([
    ['deferred', translate, 'translate', 20_000n],
    ['upfront', report, 'report', 50_000n],
    ['upfront, on a tool that requires binding', notarise, 'notarise', 10_000n],
  ])('buys exactly one call: %s', async (_, call, tool, price) => {
    const before = await world().counts();
    const payment = await bind(world(), account, call);
    const answer = await world().send(call, bound(payment));
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await claimsOf(world(), answer)).toMatchObject({
      ...{ call: digestOf(payment.intent), tool, binding: 'intent', charged: price.toString() },
      agent: accountOf(account.address),
      iss: world().stack.description.audience,
    });
    expect(paymentResponse(answer)).toMatchObject({ success: true, amount: price.toString() });
    expect(await world().counts()).toEqual({
      ...before,
      [tool]: before[tool as keyof typeof before] + 1,
    });
    await settled(world(), payment);
    expect(
      (await transfersFrom(world(), account.address)).filter((value) => value === price).length,
    ).toBeGreaterThan(0);
  });

  it('reaches the upstream as an assertion of binding `intent`, without intent or payment', async () => {
    const payment = await bind(world(), account, echo);
    const answer = await world().send(echo, bound(payment));
    expect(answer.status).toBe(200);
    const text = await answer.text();
    const { headers } = JSON.parse(text) as { headers: Record<string, string> };
    const claims = await verify(world(), headers['x-agent-assertion'] ?? '', 'agent-assertion+jwt');
    expect(claims).toMatchObject({
      ...{ binding: 'intent', call: callOf(payment), tool: 'echo', max: '1000' },
      ...{ account: accountOf(account.address), digest: sha256('exactly this') },
    });
    for (const secret of [
      payment.intent.nonce,
      payment.payload.signature,
      bound(payment)['PAYMENT-SIGNATURE'],
    ])
      expect(text).not.toContain(secret.slice(2));
  });

  it('is logged with binding `intent` and an intent that readers can hash again', async () => {
    const payment = await bind(world(), account, echo);
    expect((await world().send(echo, bound(payment))).status).toBe(200);
    await expect
      .poll(() => world().audit.call(callOf(payment))?.state, { timeout: 30_000, interval: 200 })
      .toBe('committed');
    expect(world().audit.call(callOf(payment))).toMatchObject({ binding: 'intent', tool: 'echo' });
    const entries = await world().audit.entries(accountOf(account.address));
    const accepted = entries.find(
      ({ type, call }) => type === 'call.accepted' && call === callOf(payment),
    );
    expect(accepted).toMatchObject({
      binding: 'intent',
      evidence: { intent: intentFields(payment.intent) },
    });
  });

  it('is accepted when the client echoes the whole offer next to the intent', async () => {
    const payment = await bind(world(), account, echo);
    const offered = await world().offer(echo);
    const tree = boundTree(payment);
    const answer = await world().send(echo, {
      'PAYMENT-SIGNATURE': base64Json({
        ...tree,
        resource: offered.resource,
        extensions: { ...offered.extensions, ...(tree['extensions'] as object) },
      }),
    });
    expect(answer.status, await answer.text()).toBe(200);
  });
});

describe('a bound payment that is presented again', () => {
  it.each([
    ['deferred', translate],
    ['upfront', notarise],
  ])(
    'returns the stored answer byte for byte, before and after settlement: %s',
    async (_, call) => {
      const payment = await bind(world(), account, call);
      const first = await world().send(call, bound(payment));
      const text = await first.text();
      expect(first.status, text).toBe(200);
      const before = await world().counts();
      const again = async (): Promise<void> => {
        const shown = { ...bound(payment), ...retryKey(payment.intent) };
        const answer = await world().send(call, shown);
        expect([answer.status, await answer.text()]).toEqual([200, text]);
        expect(answer.headers.get('Content-Type')).toBe(first.headers.get('Content-Type'));
        expect(await claimsOf(world(), answer)).toMatchObject({
          ...{ call: callOf(payment), binding: 'intent', response: sha256(text) },
        });
      };
      const withoutSecret = async (): Promise<void> => {
        const problem = await readProblem(await world().send(call, bound(payment)));
        expect(kindOf(problem)).toBe('already-used');
      };
      await again();
      await withoutSecret();
      await settled(world(), payment);
      await again();
      await withoutSecret();
      expect(await world().counts()).toEqual(before);
    },
  );

  it('runs once when it arrives a hundred times at once, and every answer is the same', async () => {
    // Use another payer, because earlier payments of `account` may settle during this test.
    const payer = await trustedAccount(world(), { reports: 1, balance: 20_000n });
    const payment = await bind(world(), payer, translate);
    const before = (await world().counts()).translate;
    const repeats = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const shown = { ...bound(payment), ...retryKey(payment.intent) };
        const answer = await world().send(translate, shown);
        return { status: answer.status, text: await answer.text() };
      }),
    );
    const answers = repeats.filter(({ status }) => status === 200);
    expect(answers.length).toBeGreaterThan(0);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    for (const { status, text } of repeats.filter((one) => one.status !== 200))
      expect([status, kindOf(JSON.parse(text) as Parameters<typeof kindOf>[0])]).toEqual([
        409,
        'in-progress',
      ]);
    expect((await world().counts()).translate).toBe(before + 1);
    await settled(world(), payment);
    expect(await transfersFrom(world(), payer.address)).toEqual([50_000n, 20_000n]);
  });
});

describe('one intent, presented as payment and as header', () => {
  it.each(['the payment first', 'the header first'])(
    'is one call, because both forms have the same call id: %s',
    async (first) => {
      const payer = await creditedAccount(world(), { credit: 20_000n, balance: 20_000n });
      const payment = await bind(world(), payer, translate);
      const header = agentIntent(await signFields(payer, payment.intent));
      const forms = [bound(payment), header];
      const before = (await world().counts()).translate;
      const texts: string[] = [];
      for (const headers of first === 'the payment first' ? forms : forms.toReversed()) {
        const shown = { ...headers, ...retryKey(payment.intent) };
        const answer = await world().send(translate, shown);
        texts.push(await answer.text());
        expect(answer.status, texts.at(-1)).toBe(200);
        expect(await claimsOf(world(), answer)).toMatchObject({ call: digestOf(payment.intent) });
      }
      expect(texts[1]).toBe(texts[0]);
      expect((await world().counts()).translate).toBe(before + 1);
      // The gateway debited the credit once and never presented the authorization.
      expect(await isUsed(world(), payment)).toBe(false);
      expect(await transfersFrom(world(), payer.address)).toEqual([20_000n]);
      const more = await signPaidIntent(world(), payer, echo);
      expect(await readProblem(await world().send(echo, agentIntent(more)))).toMatchObject({
        ...{ rule: 'credit', remaining: '0' },
      });
    },
  );
});

describe('a payment with an intent that does not match it', () => {
  it('is rejected when the intent names another agent', async () => {
    const other = await trustedAccount(world(), { reports: 1, balance: 100_000n });
    const intent = await paidIntentFor(world(), account.address, translate);
    const payment = await signBound(world(), other, translate, intent);
    const problem = await refusal(world(), Object.entries(bound(payment)), translate);
    expect([kindOf(problem), problem.field]).toEqual(['intent-mismatch', boundField('agent')]);
    expect(await isUsed(world(), payment)).toBe(false);
  });

  it('is rejected when its payer is changed to the agent of the intent', async () => {
    const other = await trustedAccount(world(), { reports: 1, balance: 100_000n });
    const intent = await paidIntentFor(world(), account.address, translate);
    const payment = await signBound(world(), other, translate, intent);
    const tree = changed(boundTree(payment), 'payload.authorization.from', account.address);
    const problem = await refusal(world(), [['PAYMENT-SIGNATURE', base64Json(tree)]], translate);
    expect([kindOf(problem), problem.field]).toEqual([
      'invalid-signature',
      'PAYMENT-SIGNATURE.payload.signature',
    ]);
  });

  it('is rejected when it is marked but its nonce is not the digest of the intent', async () => {
    const intent = await paidIntentFor(world(), account.address, translate);
    const payment = await signBound(world(), account, translate, intent, { nonce: randomNonce() });
    const problem = await refusal(world(), Object.entries(bound(payment)), translate);
    expect([kindOf(problem), problem.field]).toEqual([
      'intent-mismatch',
      'PAYMENT-SIGNATURE.payload.authorization.nonce',
    ]);
    expect(await isUsed(world(), payment)).toBe(false);
  });

  it('is rejected when it has no mark', async () => {
    const intent = await paidIntentFor(world(), account.address, translate);
    const vanilla = await sign(world(), account, translate);
    const advert = (await bind(world(), account, translate)).advert;
    const problem = await refusal(
      world(),
      Object.entries(bound({ ...vanilla, intent, advert })),
      translate,
    );
    expect([kindOf(problem), problem.field, problem['expected'], problem['got']]).toEqual([
      'intent-mismatch',
      'PAYMENT-SIGNATURE.payload.authorization.validAfter',
      vectors.boundValidAfter,
      '0',
    ]);
    // Without the foreign intent, this is a valid vanilla payment.
    const answer = await world().send(translate, v2(vanilla));
    expect(answer.status).toBe(200);
    expect(await claimsOf(world(), answer)).toMatchObject({ binding: 'none' });
  });

  it.each([
    ['of deferred settlement', translate],
    ['of upfront settlement', report],
    ['that requires binding', notarise],
  ])('is rejected without a usable intent by a tool %s', async (_, call) => {
    const payment = await bind(world(), account, call);
    const before = await world().counts();
    const advert = { info: payment.advert };
    const withIntent = (intent: unknown) => ({
      'agent-intent': { info: { ...payment.advert, intent } },
    });
    const tried: readonly (readonly [extensions: unknown, kind: string])[] = [
      [undefined, 'binding-required'],
      [null, 'binding-required'],
      [{}, 'binding-required'],
      [{ 'agent-intent': advert }, 'binding-required'],
      [{ 'agent-intent': null }, 'malformed-field'],
      ...[null, {}, [], '', 'intent', 0, 1, false].map(
        (intent) => [withIntent(intent), 'malformed-field'] as const,
      ),
    ];
    for (const [extensions, kind] of tried) {
      const tree = { ...boundTree(payment), extensions };
      const answer = await world().send(call, { 'PAYMENT-SIGNATURE': base64Json(tree) });
      expect(answer.status).toBe(400);
      const problem = await readProblem(answer);
      expect([kindOf(problem), extensions]).toEqual([kind, extensions]);
      expect(problem.field).toMatch(/^PAYMENT-SIGNATURE\.extensions\.agent-intent/);
    }
    expect(await world().counts()).toEqual(before);
    expect(await isUsed(world(), payment)).toBe(false);
    expect((await world().send(call, bound(payment))).status).toBe(200);
  });
});
