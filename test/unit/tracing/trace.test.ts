import { afterEach, describe, expect, it } from 'vitest';
import { recordTrace } from '../../../src/tracing/recorded-trace.ts';
import { type Attributes, FORMS } from '../../../src/tracing/table.ts';
import { activeTraceId, inActiveSpan, openTrace, useTracing } from '../../../src/tracing/trace.ts';
import { fakeTracing, SPAN_ID, TRACE_ID } from '../../support/fake-tracing.ts';

afterEach(() => useTracing(fakeTracing(false)));

describe('an invocation that is not traced', () => {
  it('asks the platform once, and opens no span', async () => {
    const tracing = fakeTracing(false);
    useTracing(tracing);
    expect(openTrace()).toBeUndefined();
    expect(tracing.questions()).toBe(1);
    expect(await inActiveSpan('deliver', async (span) => span)).toBeUndefined();
    expect(activeTraceId()).toBeUndefined();
    expect(tracing.spans).toEqual([]);
  });
});

describe('a traced invocation', () => {
  it('runs a step in a span, and names the trace', async () => {
    const tracing = fakeTracing(true);
    useTracing(tracing);
    const answer = await inActiveSpan('read_chain', async (span) => {
      span?.set({ 'rpc.method': 'eth_call', 'countersign.count': 3 });
      return 'answer';
    });
    expect(answer).toBe('answer');
    expect(tracing.spans).toEqual([
      {
        name: 'read_chain',
        attributes: { 'rpc.method': 'eth_call', 'countersign.count': 3 },
        isFailed: false,
        hasEnded: true,
      },
    ]);
    expect(activeTraceId()).toBe(TRACE_ID);
    const trace = await openTrace();
    expect(trace?.id).toBe(TRACE_ID);
    expect(trace?.traceparent()).toBe(`00-${TRACE_ID}-${SPAN_ID}-01`);
  });

  it('ends the span of a step that throws, and passes the error on', async () => {
    const tracing = fakeTracing(true);
    useTracing(tracing);
    const failing = inActiveSpan('deliver', async () => Promise.reject(new Error('broken')));
    await expect(failing).rejects.toThrow('broken');
    expect(tracing.spans[0]?.hasEnded).toBe(true);
  });

  it('marks a span with an error', () => {
    const tracing = fakeTracing(true);
    recordTrace(tracing).inSpan('deliver', (span) => span.set({ 'error.type': 'timeout' }));
    expect(tracing.spans[0]?.isFailed).toBe(true);
  });
});

/** Texts that can contain a secret: none fits the form of any attribute. */
const SECRETS = [
  ['a signature', `0x${'ab'.repeat(65)}`],
  ['a URL with a key', 'https://node.example/v2/S3cretKey?k=1'],
  ['a base64 header', 'eyJwYXlsb2FkIjp7InNpZ25hdHVyZSI6IjB4MTIzNCJ9fQ=='],
  ['a JWK', '{"kty":"OKP","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}'],
  ['a bearer token', 'Bearer abc.def.ghi'],
  ['a compact JWS', `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(86)}`],
  ['a line break', 'go\nAuthorization: x'],
  ['nothing', ''],
] as const;

describe('the table of attributes', () => {
  it.each(SECRETS)('takes %s as the value of no attribute', (_, secret) => {
    const tracing = fakeTracing(true);
    const all = Object.fromEntries(Object.keys(FORMS).map((name) => [name, secret]));
    recordTrace(tracing).inSpan('deliver', (span) => span.set(all as Attributes));
    expect(tracing.spans[0]?.attributes).toEqual({});
  });

  it('drops a name that it does not list, also one of every object', () => {
    const tracing = fakeTracing(true);
    const others = { 'url.full': 'go', constructor: 'go', 'countersign.verdict': 'go' };
    recordTrace(tracing).inSpan('deliver', (span) => span.set(others));
    expect(tracing.spans[0]?.attributes).toEqual({ 'countersign.verdict': 'go' });
  });

  it.each([
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', true],
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more', false],
    ['00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01', false],
    ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', false],
    [`00-${'0'.repeat(32)}-b7ad6b7169203331-01`, false],
    [`00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`, false],
    [
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01, 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      false,
    ],
  ])('takes the traceparent %s: %s', (value, isValid) => {
    expect(FORMS['countersign.caller.traceparent'].test(value)).toBe(isValid);
  });
});
