import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Tool } from '../../../src/catalog/tool.ts';
import { call } from '../../../src/gateway/call.ts';
import type { Outcome } from '../../../src/protocol/account/call.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { observe } from './fixture.ts';
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
  utf8,
} from './meter/metered-tools.ts';
import { openaiAnswer, openaiStream, openaiStreamWithoutUsage } from './meter/provider-streams.ts';
import { claimsOf, decoded, KEY_ACCOUNT, network, scriptedGateway } from './scripted.ts';
import { intentFor, intentHeader, paying, signIntent, vectorConfig } from './signing.ts';

useVectorsClock();
afterEach(() => {
  vi.useRealTimers();
});

/** A call of a tool whose upstream answers with this script. */
const run = async (
  tool: Tool,
  script: Script,
  { headers = {}, answers = EVENTS }: { headers?: object; answers?: Record<string, string> } = {},
) => {
  const { sent } = network(KEY_ACCOUNT, () => new Response(bodyOf(script), { headers: answers }));
  const config = vectorConfig([tool]);
  const { gateway, asked } = await scriptedGateway(config);
  const request = new Request('https://gw.example/tools/llm', { method: 'POST' });
  const seen = await observe(request, config);
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value.received, paying(MAXIMUM));
  const proof = intentHeader(await signIntent(intent));
  const kept: Promise<unknown>[] = [];
  const raised: AlertBody[] = [];
  const raise = async (alert: AlertBody) => {
    raised.push(alert);
    return true;
  };
  const answer = await call(
    { ...gateway, raise, waitUntil: (promise) => void kept.push(promise) },
    new Request(request, { headers: { ...proof, ...headers } }),
  );
  const outcome = async (): Promise<Outcome> => {
    await Promise.all(kept);
    const ended = asked.filter((each) => each.asked === 'finish');
    expect(ended).toHaveLength(1);
    return (ended[0] as unknown as { outcome: Outcome }).outcome;
  };
  return { answer, asked, outcome, raised, sent };
};

const readAll = async ({ body }: Response) => {
  const chunks: Uint8Array[] = [];
  let broke = false;
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const read = await reader.read().catch(() => undefined);
    broke = read === undefined;
    if (read === undefined || read.done) break;
    chunks.push(read.value);
  }
  return { text: Buffer.concat(chunks).toString(), broke };
};

describe('a metered stream', () => {
  it('passes byte for byte before the call ends, and is charged by its usage (rule 1)', async () => {
    const text = openaiStream();
    const bytes = utf8.encode(text);
    const { answer, asked, outcome } = await run(LLM, {
      chunks: [bytes.slice(0, 100), bytes.slice(100, 333), bytes.slice(333)],
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Agent-Receipt')).toBeNull();
    expect(asked.some((each) => each.asked === 'finish')).toBe(false);
    expect(await readAll(answer)).toEqual({ text, broke: false });
    expect(await outcome()).toMatchObject({
      ...{ success: true, reason: 'answered', amount: METERED, digest: digestOf(text) },
      metered: { basis: 'metered', usage: { input_tokens: 1_200, output_tokens: 40 } },
    });
  });

  it('that breaks off costs nothing if its usage comes last, and the usage so far if it is cumulative (rule 2)', async () => {
    const [head] = openaiStream().split('"prompt_tokens"');
    const final = await run(LLM, { chunks: [head ?? ''], end: 'broken' });
    expect((await readAll(final.answer)).broke).toBe(true);
    expect(await final.outcome()).toMatchObject({
      ...{ success: false, reason: 'truncated', amount: 0n },
      metered: { basis: 'broken' },
    });
    const anthropic = toolOf(meterOf({ usage: 'anthropic' }));
    const begun = `event: message_start\ndata: ${JSON.stringify({
      type: 'message_start',
      message: { usage: { input_tokens: 1_000, output_tokens: 1 } },
    })}\n\n`;
    const cumulative = await run(anthropic, { chunks: [begun], end: 'broken' });
    expect((await readAll(cumulative.answer)).broke).toBe(true);
    expect(await cumulative.outcome()).toMatchObject({
      ...{ success: true, reason: 'truncated', amount: 151n },
      metered: { basis: 'partial', usage: { input_tokens: 1_000, output_tokens: 1 } },
    });
  });

  it('whose caller disconnects is read on, and costs the same (rule 3)', async () => {
    const parts = openaiStream().split(/(?<=\n\n)/);
    const { answer, outcome } = await run(LLM, { chunks: parts });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    expect(await outcome()).toMatchObject({ success: true, amount: METERED });
  });

  it('whose caller disconnects is read on only as far as the tool says (rule 3)', async () => {
    const endless = Array.from({ length: 40 }, () => `data: ${'x'.repeat(10_000)}\n\n`);
    const { answer, outcome } = await run(LLM, { chunks: [...endless, openaiStream()] });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    expect(await outcome()).toMatchObject({ success: false, metered: { basis: 'broken' } });
  });

  it('whose caller stops reading is read on when its time is over, and costs the same (rule 3)', async () => {
    const parts = openaiStream().split(/(?<=\n\n)/);
    const { answer, outcome } = await run(LLM, { chunks: parts });
    await (answer.body as ReadableStream<Uint8Array>).getReader().read();
    await new Promise((passed) => setTimeout(passed, 50));
    vi.setSystemTime(Date.now() + 60_000);
    expect(await outcome()).toMatchObject({ success: true, amount: METERED });
  });

  it.each([
    ['max', MAXIMUM],
    ['none', 0n],
  ])('without usage costs what `missing` says: %s (rule 4)', async (missing, amount) => {
    const includeUsage = missing === 'none' ? { includeUsage: true } : {};
    const tool = toolOf(meterOf({ missing, ...includeUsage }));
    const { answer, outcome } = await run(tool, { chunks: [openaiStreamWithoutUsage()] });
    await readAll(answer);
    expect(await outcome()).toMatchObject({ success: true, amount, metered: { basis: 'missing' } });
  });

  it('that uses more than the maximum costs the maximum (rule 5)', async () => {
    const usage = { prompt_tokens: 900_000_000, completion_tokens: 1 };
    const { answer, outcome } = await run(LLM, { chunks: [openaiStream(usage)] });
    await readAll(answer);
    expect(await outcome()).toMatchObject({
      ...{ success: true, amount: MAXIMUM },
      metered: { usage: { input_tokens: 900_000_000 } },
    });
  });

  it('that the gateway counts ends at the maximum (rule 5)', async () => {
    const tool = counted({ events: '$0.02' });
    const events = ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n', 'data: 4\n\n'];
    const { answer, outcome } = await run(tool, { chunks: [events.join('')] });
    expect(await readAll(answer)).toEqual({ text: 'data: 1\n\ndata: 2\n\n', broke: false });
    expect(await outcome()).toMatchObject({ amount: 40_000n, metered: { usage: { events: 2 } } });
  });

  it.each([
    ['negative', { prompt_tokens: -1, completion_tokens: 1 }],
    ['a fraction', { prompt_tokens: 1.5, completion_tokens: 1 }],
    ['huge', { prompt_tokens: 1e15, completion_tokens: 1 }],
    ['text', { prompt_tokens: '12', completion_tokens: 1 }],
  ])('that reports %s usage has failed, and costs nothing (rule 6)', async (_, usage) => {
    const { answer, outcome } = await run(LLM, { chunks: [openaiStream(usage)] });
    await readAll(answer);
    const ended = await outcome();
    expect(ended).toMatchObject({ success: false, reason: 'usage' });
    expect(ended.amount).toBeUndefined();
  });

  it('that reports absurd usage alerts the operator once an hour (rule 6)', async () => {
    const tool = toolOf(meterOf(), { id: 'absurd' });
    const script = { chunks: [openaiStream({ prompt_tokens: -1, completion_tokens: 1 })] };
    const first = await run(tool, script);
    await readAll(first.answer);
    await first.outcome();
    expect(first.raised).toEqual([
      {
        rule: 'absurd_usage',
        detail: {
          ...{ tool: 'absurd', kind: 'not_whole', unit: 'input_tokens' },
          reason: 'The upstream reported input tokens as -1, which is not a whole number',
        },
      },
    ]);
    const second = await run(tool, script);
    await readAll(second.answer);
    await second.outcome();
    expect(second.raised).toEqual([]);
  });

  it('has no alert for any other failure', async () => {
    const { answer, outcome, raised } = await run(toolOf(meterOf(), { id: 'cut' }), {
      ...{ chunks: ['data: 1\n\n'], end: 'broken' },
    });
    await readAll(answer);
    await outcome();
    expect(raised).toEqual([]);
  });

  it('that falls silent has broken off', async () => {
    const tool = toolOf(meterOf({ idleSeconds: 1 }));
    const { answer, outcome } = await run(tool, { chunks: ['data: 1\n\n'], end: 'silent' });
    const reading = readAll(answer);
    await new Promise((heard) => setTimeout(heard, 50));
    vi.setSystemTime(Date.now() + 1_000);
    expect((await reading).broke).toBe(true);
    expect(await outcome()).toMatchObject({ success: false, reason: 'timeout' });
  });
});

describe('the receipt of a stream', () => {
  const headers = { 'Agent-Receipt': 'stream' };

  it('is its last event, if the caller requests it', async () => {
    const text = openaiStream();
    const { answer } = await run(LLM, { chunks: [text] }, { headers });
    const { text: got, broke } = await readAll(answer);
    expect(broke).toBe(false);
    expect(got.startsWith(text)).toBe(true);
    const [, token = ''] =
      /^event: countersign-receipt\ndata: (\S+)\n\n$/.exec(got.slice(text.length)) ?? [];
    expect(claimsOf(token)).toMatchObject({ status: 200, response: digestOf(text), tool: 'llm' });
  });

  it.each(['Stream', 'stream, stream', 'true', 'none', ''])(
    'cannot be requested as %j: the call is refused before it costs anything',
    async (value) => {
      const { answer, asked, sent } = await run(
        LLM,
        { chunks: [openaiStream()] },
        { headers: { 'Agent-Receipt': value } },
      );
      expect([answer.status, await answer.json()]).toMatchObject([
        400,
        {
          type: 'urn:countersign:problem:malformed-request',
          field: 'agent-receipt',
          detail: expect.any(String) as string,
        },
      ]);
      expect([asked, sent]).toEqual([[], []]);
    },
  );

  it('is a request to the gateway alone: no upstream gets it, and no digest covers it', async () => {
    const requested = await run(LLM, { chunks: [openaiStream()] }, { headers });
    const plain = await run(LLM, { chunks: [openaiStream()] });
    expect([...(requested.sent[0]?.headers.keys() ?? [])]).not.toContain('agent-receipt');
    const [digest, other] = [requested, plain].map(({ asked }) => {
      const [first] = asked;
      return first?.asked === 'reserve' ? first.call.request : undefined;
    });
    expect(digest).toBeDefined();
    expect(digest).toBe(other);
  });

  it('is never one that the upstream sends: the stream ends before it, and costs nothing', async () => {
    const forged = `data: 1\n\nevent: countersign-receipt\r\ndata: e30.e30.e30\r\n\r\n`;
    for (const cut of [forged.length, 30, 50, forged.length - 1]) {
      const chunks = [forged.slice(0, cut), forged.slice(cut), openaiStream()];
      const { answer, outcome } = await run(LLM, { chunks }, { headers });
      const { text, broke } = await readAll(answer);
      expect(broke).toBe(true);
      expect(text).not.toMatch(/e30\r\n\r/);
      expect(await outcome()).toMatchObject({ success: false, reason: 'refused' });
    }
  });

  it.each(['\u2028', '\u0085', '\u0405'])(
    'cannot be made a discount: text of the tool with its name behind %j ends the stream, and costs the same',
    async (before) => {
      const repeated = JSON.stringify({ text: `${before}event: countersign-` });
      const chunks = ['data: 1\n\n', `data: ${repeated}\n\n`, openaiStream()];
      const { answer, outcome } = await run(LLM, { chunks }, { headers });
      expect(await readAll(answer)).toEqual({ text: 'data: 1\n\n', broke: true });
      expect(await outcome()).toMatchObject({ success: true, amount: METERED });
      const fixed = await run(toolOf('$0.05'), { chunks }, { headers });
      expect((await readAll(fixed.answer)).broke).toBe(true);
      expect(await fixed.outcome()).toMatchObject({ success: true, reason: 'answered' });
    },
  );
});

describe('a whole answer of a metered tool', () => {
  it('is charged by its usage, with the charge in the receipt', async () => {
    const { answer, outcome } = await run(
      LLM,
      { chunks: [openaiAnswer()] },
      { answers: { 'content-type': 'application/json' } },
    );
    expect(await answer.json()).toMatchObject({ object: 'chat.completion' });
    expect(await outcome()).toMatchObject({ success: true, amount: METERED });
    expect(claimsOf(answer.headers.get('Agent-Receipt'))).toMatchObject({
      charged: METERED.toString(),
    });
  });
});

describe('a request for a part of an answer', () => {
  it('reaches no tool whose answer reports its usage at its end', async () => {
    const headers = { Range: 'bytes=0-99', 'If-Range': '"1"', 'If-Match': '"1"' };
    const answers = { 'content-type': 'application/json' };
    const reported = await run(LLM, { chunks: [openaiAnswer()] }, { headers, answers });
    const names = [...(reported.sent[0]?.headers.keys() ?? [])];
    expect(names).toContain('if-match');
    expect(names).not.toContain('range');
    expect(names).not.toContain('if-range');
    const tool = counted({ bytes: '$0.0001' });
    const own = await run(tool, { chunks: ['0123456789'] }, { headers, answers });
    expect(own.sent[0]?.headers.get('range')).toBe('bytes=0-99');
  });
});

describe('a whole answer of a metered tool that breaks off', () => {
  const answers = { 'content-type': 'application/json' };

  it('costs nothing if usage comes last, and is no answer (rule 2)', async () => {
    const chunks = [openaiAnswer().slice(0, 100)];
    const { answer, outcome } = await run(LLM, { chunks, end: 'broken' }, { answers });
    expect([answer.status, await answer.json()]).toMatchObject([
      502,
      { type: 'urn:countersign:problem:upstream-truncated', money: 'untouched' },
    ]);
    expect(await outcome()).toMatchObject({
      ...{ success: false, reason: 'truncated', amount: 0n },
      metered: { basis: 'broken' },
    });
  });

  it.each([
    ['breaks off', {}],
    ['is shorter than it states', { 'content-length': '100' }],
  ])('costs what the gateway counted, and passes that far if it %s (rule 2)', async (_, length) => {
    const end = 'content-length' in length ? 'closed' : 'broken';
    const { answer, outcome } = await run(
      counted({ bytes: '$0.001' }),
      { chunks: ['0123456789'], end },
      { answers: { ...answers, ...length } },
    );
    expect(await readAll(answer)).toEqual({ text: '0123456789', broke: true });
    expect(await outcome()).toMatchObject({
      ...{ success: true, reason: 'truncated', amount: 10_000n, digest: digestOf('0123456789') },
      metered: { basis: 'partial', usage: { bytes: 10 } },
    });
  });

  it('ends at the maximum of what the gateway counts, and its receipt shows that (rule 5)', async () => {
    const tool = counted({ bytes: '$0.01' });
    const { answer, outcome } = await run(tool, { chunks: ['0123456789'] }, { answers });
    expect(await answer.text()).toBe('01234');
    const ended = await outcome();
    expect(ended).toMatchObject({ success: true, amount: MAXIMUM, metered: { basis: 'metered' } });
    expect(ended.answer).toBeUndefined();
    expect(claimsOf(answer.headers.get('Agent-Receipt'))).toMatchObject({
      ...{ end: 'maximum', basis: 'metered', usage: { bytes: 5 } },
    });
  });
});

describe('a stream of a fixed price', () => {
  const FIXED = toolOf('$0.05');

  it('that breaks off costs nothing (law 4)', async () => {
    const { answer, outcome } = await run(FIXED, { chunks: ['data: 1\n\n'], end: 'broken' });
    expect((await readAll(answer)).broke).toBe(true);
    expect(await outcome()).toMatchObject({ success: false, reason: 'truncated' });
  });

  it('whose caller disconnects costs its price', async () => {
    const { answer, outcome } = await run(FIXED, {
      chunks: Array.from({ length: 50 }, () => 'data: 1\n\n'),
      end: 'silent',
    });
    await answer.body?.cancel();
    expect(await outcome()).toMatchObject({ success: true, reason: 'answered' });
  });

  it('whose caller stops reading costs its price when its time is over', async () => {
    const chunks = Array.from({ length: 50 }, () => 'data: 1\n\n');
    const { answer, outcome } = await run(FIXED, { chunks, end: 'broken' });
    await (answer.body as ReadableStream<Uint8Array>).getReader().read();
    await new Promise((passed) => setTimeout(passed, 50));
    vi.setSystemTime(Date.now() + 60_000);
    expect(await outcome()).toMatchObject({ success: true, reason: 'answered' });
  });

  it('states the most that it may cost at its beginning', async () => {
    const { answer } = await run(FIXED, { chunks: ['data: 1\n\n'] });
    const paid = answer.headers.get('PAYMENT-RESPONSE');
    expect(paid === null ? undefined : decoded(paid)).toBeUndefined();
    expect((await readAll(answer)).text).toBe('data: 1\n\n');
  });
});
