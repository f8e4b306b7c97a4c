import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Tool } from '../../../src/catalog/tool.ts';
import type { Outcome } from '../../../src/protocol/account/call.ts';
import type { RightsVerdict } from '../../../src/protocol/account/rights.ts';
import { ratesHash } from '../../../src/protocol/meter/rates-hash.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import {
  bodyOf,
  counted,
  digestOf,
  EVENTS,
  LLM,
  MAXIMUM,
  METERED,
  meterOf,
  type Script,
  toolOf,
} from '../gateway/meter/metered-tools.ts';
import {
  anthropicStream,
  openaiAnswer,
  openaiStream,
  openaiStreamWithoutUsage,
} from '../gateway/meter/provider-streams.ts';
import { claimsOf, KEY_ACCOUNT, network, scriptedGateway } from '../gateway/scripted.ts';
import { paying, vectorConfig } from '../gateway/signing.ts';
import { serveMcp } from '../../../src/mcp/endpoint.ts';
import { callOf, intentOf, problemIn, requestOf, send, wire } from './fixture.ts';

useVectorsClock();
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** The rights of an account that may call every tool. */
const anything: RightsVerdict = {
  verdict: 'found',
  rights: {
    account: `eip155:84532:0x${'aa'.repeat(20)}`,
    asset: `eip155:84532/erc20:0x${'03'.repeat(20)}`,
    policies: [],
    limits: [],
    credit: '0',
    debt: '0',
  },
};

const JSON_TYPE = { 'content-type': 'application/json' };
const GIVEN = { prompt: 'Hello' };

/** Pays for a call of this tool over MCP, from credit, up to the maximum. */
const pay = async (
  tool: Tool,
  script: Script,
  { answers = EVENTS, given = GIVEN as Readonly<Record<string, unknown>> } = {},
) => {
  const { sent } = network(KEY_ACCOUNT, () => new Response(bodyOf(script), { headers: answers }));
  const { gateway, asked } = await scriptedGateway(vectorConfig([tool]), {
    rights: async () => anything,
  });
  const raised: unknown[] = [];
  const scripted = {
    ...gateway,
    raise: async (alert: unknown) => {
      raised.push(alert);
      return true;
    },
  };
  const intent = await intentOf(tool.id, given, paying(MAXIMUM));
  const answer = await send(
    scripted,
    'tools/call',
    callOf(given, { 'countersign/intent': wire(intent) }, tool.id),
  );
  const [outcome] = asked.flatMap((each) => (each.asked === 'finish' ? [each.outcome] : []));
  const meta = answer.result?._meta ?? {};
  return {
    answer,
    asked,
    sent,
    raised,
    outcome: outcome as Outcome,
    texts: answer.result?.content.map(({ text }) => text) ?? [],
    meta,
    receipt: meta['countersign/receipt'] as string,
  };
};

describe('a metered tool over MCP', () => {
  it.each([
    ['a whole answer', JSON_TYPE, openaiAnswer()],
    ['a stream', EVENTS, openaiStream()],
  ])('charges the usage of %s (rule 1)', async (_, answers, text) => {
    const { answer, outcome, texts, meta, receipt } = await pay(
      LLM,
      { chunks: [text] },
      { answers },
    );
    expect(answer.result?.isError).toBeUndefined();
    expect(texts).toEqual([text]);
    const usage = { input_tokens: 1_200, output_tokens: 40 };
    const { rates } = LLM.meter ?? {};
    expect(outcome).toMatchObject({
      ...{ success: true, reason: 'answered', amount: METERED, digest: digestOf(text) },
      metered: { basis: 'metered', usage, rates: ratesHash(rates as never) },
    });
    expect(meta).toMatchObject({
      'countersign/charged': METERED.toString(),
      'countersign/usage': usage,
      'countersign/basis': 'metered',
    });
    expect(meta).not.toHaveProperty('countersign/end');
    expect(claimsOf(receipt)).toMatchObject({ usage, basis: 'metered', response: digestOf(text) });
  });

  it.each([
    ['connection', 'broken'],
    ['stream, without its last event,', 'closed'],
  ] as const)(
    'charges nothing if the %s ends early and usage comes last (rule 2)',
    async (_, end) => {
      const [head = ''] = openaiStream().split(
        'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[]',
      );
      const paid = await pay(LLM, { chunks: [head], end });
      expect(problemIn(paid.answer, 'upstream-truncated')).toMatchObject({ money: 'untouched' });
      expect(paid.outcome).toMatchObject({
        ...{ success: false, reason: 'truncated', amount: 0n },
        metered: { basis: 'broken' },
      });
      expect(paid.meta).toMatchObject({
        'countersign/charged': '0',
        'countersign/basis': 'broken',
        'countersign/usage': {},
      });
    },
  );

  it.each([
    ['connection', 'broken'],
    ['stream, without its last event,', 'closed'],
  ] as const)(
    'charges and returns what came before the %s ended, if usage is cumulative (rule 2)',
    async (_, end) => {
      const anthropic = toolOf(meterOf({ usage: 'anthropic' }));
      const [head = ''] = anthropicStream(7).split('event: message_stop');
      const paid = await pay(anthropic, { chunks: [head.slice(0, 50), head.slice(50)], end });
      const { amount } = paid.outcome;
      expect(paid.outcome).toMatchObject({
        ...{ success: true, reason: 'truncated', digest: digestOf(head) },
        metered: { basis: 'partial', usage: { output_tokens: 7 } },
      });
      expect(amount).toBeGreaterThan(0n);
      expect(paid.outcome.answer).toBeUndefined();
      expect(paid.answer.result?.isError).toBe(true);
      expect(paid.texts[0]).toContain(`(${amount} atomic units)`);
      expect(paid.texts[1]).toBe(head);
      expect(paid.meta).toMatchObject({
        'countersign/charged': amount?.toString(),
        'countersign/basis': 'partial',
        'countersign/end': 'truncated',
      });
      expect(claimsOf(paid.receipt)).toMatchObject({ end: 'truncated', response: digestOf(head) });
    },
  );

  it('charges what the gateway counted before the connection ended (rule 2)', async () => {
    const script = { chunks: ['data: 1\n\n', 'data: 2'], end: 'broken' } as const;
    const { outcome, texts } = await pay(counted({ events: '$0.01' }), script);
    expect(outcome).toMatchObject({
      ...{ success: true, reason: 'truncated', amount: 10_000n },
      metered: { basis: 'partial', usage: { events: 1 } },
    });
    expect(texts[1]).toBe('data: 1\n\ndata: 2');
  });

  it('charges what came before the tool fell silent (rule 2)', async () => {
    const tool = { ...counted({ events: '$0.01' }), timeoutSeconds: 2 };
    const paying = pay(tool, { chunks: ['data: 1\n\n'], end: 'silent' });
    await new Promise((heard) => setTimeout(heard, 100));
    vi.setSystemTime(Date.now() + 2_000);
    const { outcome, meta } = await paying;
    expect(outcome).toMatchObject({ success: true, reason: 'timeout', amount: 10_000n });
    expect(meta['countersign/end']).toBe('timeout');
  });

  it('charges the same if the client disconnects (rule 3)', async () => {
    const text = openaiStream();
    let resume: () => void = () => undefined;
    const resumed = new Promise<void>((resolve) => {
      resume = resolve;
    });
    const parts = [text.slice(0, 200), text.slice(200)];
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const part = parts.shift();
        if (parts.length === 0) await resumed;
        if (part === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(part));
      },
    });
    const { sent } = network(KEY_ACCOUNT, () => new Response(body, { headers: EVENTS }));
    const { gateway, asked } = await scriptedGateway(vectorConfig([LLM]));
    const kept: Promise<unknown>[] = [];
    const intent = await intentOf(LLM.id, GIVEN, paying(MAXIMUM));
    const params = callOf(GIVEN, { 'countersign/intent': wire(intent) }, LLM.id);
    const client = new AbortController();
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
    const value = { ...gateway, waitUntil: (work: Promise<unknown>) => void kept.push(work) };
    const answering = serveMcp(
      { ok: true, value },
      new Request(requestOf(message), { signal: client.signal }),
    );
    await vi.waitFor(() => {
      expect(sent).toHaveLength(1);
    });
    client.abort();
    void answering.then((answer) => answer.body?.cancel()).catch(() => undefined);
    resume();
    await Promise.all(kept);
    expect(asked.at(-1)).toMatchObject({
      ...{ asked: 'finish', outcome: { success: true, amount: METERED } },
    });
  });

  it.each([
    ['max', MAXIMUM],
    ['none', 0n],
  ])(
    'charges what `missing` states for an answer without usage: %s (rule 4)',
    async (missing, amount) => {
      const includeUsage = missing === 'none' ? { includeUsage: true } : {};
      const tool = toolOf(meterOf({ missing, ...includeUsage }));
      for (const [answers, text] of [
        [EVENTS, openaiStreamWithoutUsage()],
        [JSON_TYPE, openaiAnswer(null)],
      ] as const) {
        const { outcome, meta } = await pay(tool, { chunks: [text] }, { answers });
        expect(outcome).toMatchObject({ success: true, amount, metered: { basis: 'missing' } });
        expect(meta).toMatchObject({
          'countersign/charged': amount.toString(),
          'countersign/basis': 'missing',
        });
      }
    },
  );

  it('charges the maximum for more usage than it pays for (rule 5)', async () => {
    const usage = { prompt_tokens: 900_000_000, completion_tokens: 1 };
    const { outcome, meta } = await pay(LLM, { chunks: [openaiStream(usage)] });
    expect(outcome).toMatchObject({ success: true, amount: MAXIMUM });
    expect(meta).toMatchObject({
      'countersign/charged': MAXIMUM.toString(),
      'countersign/usage': { input_tokens: 900_000_000 },
    });
  });

  it('ends an answer that the gateway counts at the maximum, however long it is (rule 5)', async () => {
    const chunks = ['data: 1\n\ndata: 2\n\ndata: 3\n\n', 'data: 4\n\n'];
    const paid = await pay(counted({ events: '$0.02' }), { chunks, end: 'silent' });
    const text = 'data: 1\n\ndata: 2\n\n';
    expect(paid.outcome).toMatchObject({
      ...{ success: true, reason: 'answered', amount: 40_000n, digest: digestOf(text) },
      metered: { basis: 'metered', usage: { events: 2 } },
    });
    expect(paid.answer.result?.isError).toBeUndefined();
    expect(paid.texts[0]).toBe(text);
    expect(paid.texts[1]).toContain('the maximum of the call pays for no more');
    expect(paid.meta['countersign/end']).toBe('maximum');
    expect(claimsOf(paid.receipt)).toMatchObject({ end: 'maximum' });
  });

  it.each([
    ['negative', { prompt_tokens: -1, completion_tokens: 1 }],
    ['text', { prompt_tokens: '12', completion_tokens: 1 }],
  ])('charges nothing for %s usage, and alerts the operator (rule 6)', async (kind, usage) => {
    const tool = toolOf(meterOf(), { id: `absurd-${kind}` });
    const { answer, outcome, receipt, raised } = await pay(tool, { chunks: [openaiStream(usage)] });
    expect(raised).toMatchObject([{ rule: 'absurd_usage', detail: { tool: tool.id } }]);
    problemIn(answer, 'upstream-usage');
    expect(outcome).toMatchObject({ success: false, reason: 'usage' });
    expect(outcome.amount).toBeUndefined();
    expect(claimsOf(receipt)['charged']).toBe('0');
  });

  it('charges nothing for an answer of more than 1 MiB', async () => {
    const chunks = Array.from({ length: 33 }, () => `data: ${'x'.repeat(32_768)}\n\n`);
    const { answer, outcome } = await pay(counted({ events: '$0.0001' }), { chunks });
    problemIn(answer, 'upstream-oversized');
    expect(outcome).toMatchObject({ success: false, reason: 'refused' });
    expect(outcome.metered).toBeUndefined();
  });

  it('does not pass on terms in an answer that breaks off, and charges nothing for them', async () => {
    const terms = 'data: {"x402Version":2,"accepts":[]}\n\n';
    const { answer, outcome } = await pay(counted({ events: '$0.01' }), {
      ...{ chunks: [terms], end: 'broken' },
    });
    problemIn(answer, 'upstream-payment');
    expect(JSON.stringify(answer)).not.toContain('accepts');
    expect(outcome).toMatchObject({ success: false });
  });
});

describe('a request for usage over MCP', () => {
  const asking = toolOf(meterOf({ includeUsage: true }), { assertion: true });

  it('is in the body that the upstream gets, and not in the request that the caller signed', async () => {
    const given = { stream: true, prompt: 'Hello' };
    const { asked, sent, outcome } = await pay(asking, { chunks: [openaiStream()] }, { given });
    const body = await sent[0]?.text();
    expect(JSON.parse(body ?? '')).toEqual({ ...given, stream_options: { include_usage: true } });
    expect(claimsOf(sent[0]?.headers.get('x-agent-assertion') ?? null)['digest']).toBe(
      digestOf(body ?? ''),
    );
    expect(asked[0]).toMatchObject({ call: { binding: 'intent' } });
    expect(outcome).toMatchObject({ success: true, amount: METERED });
  });

  it('that the arguments make impossible is refused before anything is reserved', async () => {
    const given = { Stream: true };
    const { answer, asked, sent } = await pay(asking, { chunks: [] }, { given });
    expect(problemIn(answer, 'malformed-request')['field']).toBe('arguments.Stream');
    expect(asked.map((each) => each.asked)).not.toContain('reserve');
    expect(sent).toEqual([]);
  });
});

describe('rates by a parameter over MCP', () => {
  const large = { input_tokens: '$3 per 1000000', output_tokens: '$15 per 1000000' };
  const byModel = toolOf(
    meterOf({ rates: 'not sold', ratesBy: { param: 'model', values: { large } } }),
    { params: { model: { pointer: '/model' } } },
  );

  it('decide the charge', async () => {
    const { outcome } = await pay(
      byModel,
      { chunks: [openaiStream()] },
      { given: { model: 'large' } },
    );
    expect(outcome).toMatchObject({ amount: 4_200n, metered: { rates: ratesHash(large) } });
  });

  it.each([[{ model: 'huge' }], [{}]])(
    'refuse what is not sold before anything is reserved: %j',
    async (given) => {
      const { answer, asked, sent } = await pay(byModel, { chunks: [] }, { given });
      expect(problemIn(answer, 'malformed-request')['field']).toBe('model');
      expect(asked.map((each) => each.asked)).not.toContain('reserve');
      expect(sent).toEqual([]);
    },
  );
});
