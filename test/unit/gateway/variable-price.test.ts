import { describe, expect, it } from 'vitest';

import { call } from '../../../src/gateway/call.ts';

import { claimsOf, decoded, KEY_ACCOUNT, network, scriptedGateway } from './scripted.ts';
import { paying, paymentHeader, paymentOf } from './signing.ts';

import { config, requestOf, signed, bodyOf } from './call-fixture.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';

useVectorsClock();

describe('a tool of variable price', () => {
  const charging = (header: string, status = 200) =>
    network(
      KEY_ACCOUNT,
      () => new Response('counted', { status, headers: { 'Settlement-Overrides': header } }),
    );
  const run = async (maxAmount = 20_000n) => {
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await call(gateway, await signed('/tools/metered', paying(maxAmount)));
    const ended = asked.find((each) => each.asked === 'finish');
    return { answer, outcome: ended?.asked === 'finish' ? ended.outcome : undefined };
  };

  it('charges what the tool reports, and states it in the receipt only', async () => {
    const { sent } = charging('{"amount":"1234"}');
    const { answer, outcome } = await run();
    expect(answer.status).toBe(200);
    expect(outcome).toMatchObject({ success: true, amount: 1_234n });
    expect(answer.headers.get('Settlement-Overrides')).toBeNull();
    expect(claimsOf(answer.headers.get('Agent-Receipt'))['charged']).toBe('1234');
    expect(claimsOf(sent[0]?.headers.get('X-Agent-Assertion') ?? null)['max']).toBe('20000');
  });

  it('sends the signed maximum to the tool', async () => {
    const { sent } = charging('{"amount":"500"}');
    const { answer } = await run(500n);
    expect(answer.status).toBe(200);
    expect(claimsOf(sent[0]?.headers.get('X-Agent-Assertion') ?? null)['max']).toBe('500');
  });

  it('charges the whole reserved amount if the tool reports none', async () => {
    network(KEY_ACCOUNT);
    const { answer, outcome } = await run();
    expect(outcome).not.toHaveProperty('amount');
    expect(claimsOf(answer.headers.get('Agent-Receipt'))['charged']).toBe('20000');
  });

  it('that reports no charge fails if less than its maximum is reserved', async () => {
    network(KEY_ACCOUNT);
    const { answer, outcome } = await run(600n);
    expect(outcome).toMatchObject({ success: false });
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:upstream-overcharge',
    });
  });

  it('may succeed and charge nothing, also for a payment signature', async () => {
    charging('{"amount":"0"}');
    const { gateway } = await scriptedGateway(config);
    const headers = paymentHeader(await paymentOf({ maxTimeoutSeconds: 300 }));
    const answer = await call(gateway, requestOf('/tools/metered', headers));
    expect(answer.status).toBe(200);
    expect(decoded(answer.headers.get('PAYMENT-RESPONSE'))).toMatchObject({
      success: true,
      amount: '0',
      extra: { paidFrom: 'credit' },
    });
  });

  it('states the real charge to a payer by signature', async () => {
    charging('{"amount":"77"}');
    const { gateway } = await scriptedGateway(config);
    const headers = paymentHeader(await paymentOf({ maxTimeoutSeconds: 300 }));
    const answer = await call(gateway, requestOf('/tools/metered', headers));
    expect(decoded(answer.headers.get('PAYMENT-RESPONSE'))).toMatchObject({ amount: '77' });
  });

  it.each([
    ['more than was signed for', '{"amount":"501"}'],
    ['a number', '{"amount":500}'],
    ['a percentage', '{"amount":"50%"}'],
    ['dollars', '{"amount":"$0.05"}'],
    ['a leading zero', '{"amount":"010"}'],
    ['a negative amount', '{"amount":"-1"}'],
    ['another key', '{"amount":"1","to":"0x"}'],
    ['the key twice', '{"amount":"1","amount":"2"}'],
    ['the header twice', '{"amount":"1"}, {"amount":"2"}'],
    ['no JSON', '500'],
    ['nothing', ''],
  ])('that asks for %s has failed: nothing is charged, nothing is passed on', async (_, header) => {
    charging(header);
    const { answer, outcome } = await run(500n);
    expect(answer.status).toBe(502);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:upstream-overcharge',
      money: 'untouched',
    });
    expect(outcome).toMatchObject({ success: false, reason: 'refused' });
    expect(claimsOf(answer.headers.get('Agent-Receipt'))).toMatchObject({
      charged: '0',
      status: 0,
      response: 'none',
    });
  });

  it('charges nothing if it fails, whatever it reports', async () => {
    charging('{"amount":"999999"}', 500);
    const { answer, outcome } = await run();
    expect(answer.status).toBe(500);
    expect(outcome).toMatchObject({ success: false, reason: 'upstream_status' });
    expect(answer.headers.get('Settlement-Overrides')).toBeNull();
  });
});

describe('a tool of a fixed price', () => {
  it('ignores and removes the charge header', async () => {
    network(
      KEY_ACCOUNT,
      () => new Response('ok', { headers: { 'Settlement-Overrides': '{"amount":"999999"}' } }),
    );
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await call(gateway, await signed('/tools/translate', paying(20_000n)));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Settlement-Overrides')).toBeNull();
    expect(asked.at(-1)).not.toHaveProperty('outcome.amount');
    expect(claimsOf(answer.headers.get('Agent-Receipt'))['charged']).toBe('20000');
  });
});
