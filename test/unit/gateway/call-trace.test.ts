import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';
import { call } from '../../../src/gateway/call.ts';
import { openCallTrace } from '../../../src/gateway/call-trace.ts';
import { recordTrace } from '../../../src/tracing/recorded-trace.ts';
import { useTracing } from '../../../src/tracing/trace.ts';
import { fakeTracing, SPAN_ID, TRACE_ID } from '../../support/fake-tracing.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { bodyOf, config, signed } from './call-fixture.ts';
import { KEY_ACCOUNT, network, scriptedGateway } from './scripted.ts';
import { addressOf, paying } from './signing.ts';

useVectorsClock();
afterEach(() => useTracing(fakeTracing(false)));

const CALLER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** A gateway whose request is traced, unless `isTraced` says otherwise. */
const tracedGateway = async (answers: Parameters<typeof scriptedGateway>[1] = {}) => {
  const tracing = fakeTracing(true);
  useTracing(tracing);
  const scripted = await scriptedGateway(config, answers);
  const gateway = { ...scripted.gateway, trace: openCallTrace(recordTrace(tracing)) };
  return { ...scripted, gateway, spans: tracing.spans };
};

const request = async (): Promise<Request> => {
  const plain = await signed('/tools/translate', paying(20_000n));
  const traced = new Request(plain);
  traced.headers.set('traceparent', CALLER);
  return traced;
};

describe('a traced call', () => {
  it('has a span for each step, which says what was decided', async () => {
    network(KEY_ACCOUNT);
    const { gateway, spans, asked } = await tracedGateway();
    const answer = await call(gateway, await request());
    expect(answer.status).toBe(200);
    const names = 'observe proof observe check reserve dispatch finish';
    expect(spans.map(({ name }) => name).join(' ')).toBe(names);
    expect(spans.every(({ hasEnded, isFailed }) => hasEnded && !isFailed)).toBe(true);
    const of = (name: string) => spans.findLast((span) => span.name === name)?.attributes;
    expect(of('observe')).toEqual({
      'http.request.method': 'POST',
      'countersign.tool': 'translate',
    });
    expect(of('proof')).toEqual({
      'countersign.caller.traceparent': CALLER,
      'countersign.verdict': 'intent',
    });
    expect(of('reserve')).toEqual({
      'countersign.call': expect.stringMatching(/^0x[0-9a-f]{64}$/),
      'countersign.tool': 'translate',
      'countersign.account': `eip155:84532:${addressOf('agent')}`,
      'countersign.amount': '20000',
      'countersign.binding': 'intent',
      'countersign.verdict': 'go',
    });
    expect(of('dispatch')).toEqual({ 'http.response.status_code': 200 });
    expect(of('finish')).toEqual({
      'countersign.verdict': 'finished',
      'countersign.amount': '20000',
      'countersign.settlement.state': 'none',
    });
    expect(asked[0]).toMatchObject({ call: { trace: TRACE_ID } });
  });

  it('sends the traceparent of its own span to the upstream', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway } = await tracedGateway();
    await call(gateway, await request());
    expect(sent[0]?.headers.get('traceparent')).toBe(`00-${TRACE_ID}-${SPAN_ID}-01`);
  });

  it('names the reason of a refusal, and the refusal names the trace', async () => {
    network(KEY_ACCOUNT);
    const { gateway, spans } = await tracedGateway();
    const answer = await call(gateway, await signed('/tools/translate'));
    expect(await bodyOf(answer)).toMatchObject({ trace: TRACE_ID });
    expect(spans.at(-1)).toMatchObject({
      name: 'check',
      isFailed: true,
      attributes: { 'error.type': 'intent_mismatch' },
    });
  });

  it('has no planted secret in any span', async () => {
    network(KEY_ACCOUNT, () => new Response('S3cret-answer', { headers: { 'x-key': 'S3cret' } }));
    const { gateway, spans } = await tracedGateway();
    const planted = await request();
    const hidden = ['authorization', 'cookie', 'x-api-key', 'agent-note'];
    for (const name of hidden) planted.headers.set(name, 'S3cret-header');
    await call(gateway, planted);
    const intent = planted.headers.get('Agent-Intent') ?? '';
    const { signature } = JSON.parse(atob(intent)) as { readonly signature: string };
    const { d } = JSON.parse(env.RECEIPT_KEY) as { readonly d: string };
    const recorded = JSON.stringify(spans);
    expect(recorded).toContain(addressOf('agent'));
    for (const secret of ['S3cret', intent, signature, signature.slice(2, 40), d]) {
      expect(secret.length).toBeGreaterThan(5);
      expect(recorded).not.toContain(secret);
    }
  });
});

describe('a call that is not traced', () => {
  it("sends the caller's traceparent to the upstream, and names no trace", async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    await call(gateway, await request());
    expect(sent[0]?.headers.get('traceparent')).toBe(CALLER);
    expect(asked[0]).not.toHaveProperty('call.trace');
  });
});
