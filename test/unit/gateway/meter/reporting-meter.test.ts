import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { USAGE_PRESETS, type UsagePreset } from '../../../../src/catalog/usage-presets.ts';
import { openAnswerMeter } from '../../../../src/gateway/meter/open-answer-meter.ts';
import { meteredCharge } from '../../../../src/protocol/meter/metered-charge.ts';
import type { Meter, Rates, UsageSource } from '../../../../src/protocol/meter/meter.ts';
import {
  anthropicStream,
  geminiStream,
  openaiAnswer,
  openaiStream,
  openaiStreamWithoutUsage,
} from './provider-streams.ts';

const STREAM = { 'content-type': 'text/event-stream; charset=utf-8' };
const JSON_TYPE = { 'content-type': 'application/json' };
const RATES: Rates = { input_tokens: '$1 per 1000000', output_tokens: '$2 per 1000000' };

const meterOf = (usage: UsageSource, rates: Rates): Meter => ({
  ...{ usage, rates, missing: 'none' },
  ...{ readOn: { seconds: 25, bytes: 1 }, idleSeconds: 30 },
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

type Options = {
  readonly usage?: UsageSource;
  readonly rates?: Rates;
  readonly headers?: Record<string, string>;
};

const open = (
  preset: UsagePreset,
  { usage = USAGE_PRESETS[preset], rates = RATES, headers = STREAM }: Options = {},
) =>
  openAnswerMeter({
    ...{ headers: new Headers(headers), startedAt: 0, maximum: 50_000n },
    ...{ meter: meterOf(usage, rates), rates },
  });

const readChunks = (preset: UsagePreset, chunks: readonly Uint8Array[], options: Options = {}) => {
  const meter = open(preset, options);
  for (const chunk of chunks) {
    // A chunk that was passed on may be transferred: a view of it that the meter kept would be empty.
    const own = chunk.slice();
    expect(meter.write(own, 0)).toBe(chunk.length);
    own.fill(0);
  }
  return meter.end(0);
};

const read = (preset: UsagePreset, text: string, options: Options = {}) =>
  readChunks(preset, [bytes(text)], options);

const fault = (preset: UsagePreset, text: string, options: Options = {}) =>
  read(preset, text, options).fault;

const WHOLE = { isWhole: true, isEnded: true };
const OPENAI = { input_tokens: 1_200, output_tokens: 40, cached_input_tokens: 1_000 };

describe('the usage of a provider', () => {
  it.each<[string, UsagePreset, string, object, object]>([
    ['openai, streamed', 'openai', openaiStream(), OPENAI, STREAM],
    ['openai, whole', 'openai', openaiAnswer(), OPENAI, JSON_TYPE],
    [
      'anthropic, streamed',
      'anthropic',
      anthropicStream(7, 15),
      {
        ...{ input_tokens: 1_230, output_tokens: 15 },
        ...{ cached_input_tokens: 1_000, cache_write_tokens: 30 },
      },
      STREAM,
    ],
    [
      'anthropic, whole',
      'anthropic',
      '{"type":"message","usage":{"input_tokens":9,"output_tokens":4}}',
      { input_tokens: 9, output_tokens: 4 },
      JSON_TYPE,
    ],
    [
      'gemini, streamed',
      'gemini',
      geminiStream(3, 20),
      { input_tokens: 12, output_tokens: 25 },
      STREAM,
    ],
  ])('%s', (_name, preset, text, usage, headers) => {
    expect(read(preset, text, { headers: headers as Record<string, string> })).toEqual({
      usage,
      ...WHOLE,
    });
  });

  it('is the same at every cut', () => {
    for (const [preset, text] of [
      ['openai', openaiStream()],
      ['anthropic', anthropicStream(7, 15)],
      ['gemini', geminiStream(3, 20)],
    ] as const) {
      const whole = bytes(text);
      const expected = read(preset, text);
      for (let at = 0; at <= whole.length; at += 1) {
        expect(readChunks(preset, [whole.slice(0, at), whole.slice(at)])).toEqual(expected);
      }
      expect(
        readChunks(
          preset,
          [...whole].map((byte) => Uint8Array.of(byte)),
        ),
      ).toEqual(expected);
    }
  });

  it('is the same with every kind of line end', () => {
    for (const lineEnd of ['\r', '\r\n']) {
      const text = openaiStream().replaceAll('\n', lineEnd);
      expect(read('openai', `\ufeff${text}`)).toEqual({ usage: OPENAI, ...WHOLE });
    }
  });

  it('is none without include_usage', () => {
    expect(read('openai', openaiStreamWithoutUsage())).toEqual({
      ...{ usage: {}, isWhole: false, isEnded: true },
    });
    expect(read('openai', openaiAnswer(null), { headers: JSON_TYPE })).toMatchObject({
      ...{ usage: {}, isWhole: false },
    });
  });

  it('is not whole without a unit that costs something; parts and units without a rate may be absent', () => {
    const usage = { prompt_tokens: 5 };
    const headers = JSON_TYPE;
    const answer = openaiAnswer(usage);
    expect(read('openai', answer, { headers })).toMatchObject({ isWhole: false });
    const rates = { input_tokens: '$1', cached_input_tokens: '$0.1' };
    expect(read('openai', answer, { headers, rates })).toMatchObject({ isWhole: true });
  });
});

describe('a stream that breaks off', () => {
  const half = (text: string, marker: string): string => text.slice(0, text.indexOf(marker));

  it('has used what it reported last, if the source is cumulative', () => {
    const cut = half(anthropicStream(7, 15), '"output_tokens":15');
    expect(read('anthropic', cut)).toMatchObject({
      usage: { input_tokens: 1_230, output_tokens: 7 },
      isEnded: false,
    });
  });

  it('has not ended, although its body has', () => {
    expect(read('openai', half(openaiStream(), 'data: [DONE]'))).toMatchObject({ isEnded: false });
    expect(read('openai', openaiStream().replace('[DONE]', '[DONE'))).toMatchObject({
      isEnded: false,
    });
    const wrong = anthropicStream(1).replace('event: message_stop', 'event: message_stops');
    expect(read('anthropic', wrong)).toMatchObject({ isEnded: false });
    expect(read('gemini', geminiStream(1))).toMatchObject({ isEnded: true });
  });

  it('never costs more than a longer part of the same stream', () => {
    const whole = bytes(anthropicStream(3, 9, 27));
    const meter = meterOf(USAGE_PRESETS.anthropic, RATES);
    const costs = Array.from({ length: whole.length }, (_, at) => {
      const reading = readChunks('anthropic', [whole.slice(0, at)]);
      const charge = meteredCharge(meter, RATES, reading, 'broken', 50_000n);
      if (charge.kind !== 'charged') throw new Error('no fault');
      return charge.amount;
    });
    expect(costs).toEqual(costs.toSorted((a, b) => Number(a - b)));
    expect(costs[0]).toBe(0n);
  });

  it('knows whether it broke off within an event', () => {
    const meter = open('openai');
    const states = ['data: a\n', '', '\n', 'data: b', '\n\n'].map((text) => {
      meter.write(bytes(text), 0);
      return meter.isBetweenEvents();
    });
    expect(states).toEqual([false, false, true, false, true]);
  });
});

describe('absurd usage', () => {
  const answer = (usage: string): string => `{"usage":${usage}}`;
  const headers = JSON_TYPE;

  it.each<[string, string, object]>([
    ['a negative count', '{"prompt_tokens":-1}', { fault: 'not_whole', got: '-1' }],
    ['a fraction', '{"prompt_tokens":1.5}', { fault: 'not_whole', got: '1.5' }],
    ['an exponent', '{"prompt_tokens":1e3}', { fault: 'not_whole', got: '1e3' }],
    ['a text', '{"prompt_tokens":"12"}', { fault: 'not_whole' }],
    ['an object', '{"prompt_tokens":{}}', { fault: 'not_whole' }],
    ['a huge count', '{"prompt_tokens":1000000000001}', { fault: 'huge' }],
    ['an absurd count', `{"prompt_tokens":${'9'.repeat(400)}}`, { fault: 'huge' }],
    ['a count that is no double', '{"prompt_tokens":9007199254740993}', { fault: 'huge' }],
    ['a member twice', '{"prompt_tokens":1,"prompt_tokens":1}', { fault: 'duplicated' }],
    [
      'a part above its whole',
      '{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":6}}',
      { fault: 'conflicting', unit: 'cached_input_tokens' },
    ],
    ['a report that is a number', '12', { fault: 'not_whole' }],
    ['a report that is a list', '[{"prompt_tokens":1}]', { fault: 'not_whole' }],
  ])('%s is a fault of the tool', (_name, usage, expected) => {
    expect(fault('openai', answer(usage), { headers })).toMatchObject(expected);
  });

  it('a report twice in one document is a fault', () => {
    const text = '{"usage":{"prompt_tokens":1},"usage":{"prompt_tokens":1}}';
    expect(fault('openai', text, { headers })).toMatchObject({ fault: 'duplicated' });
  });

  it.each(['12', '12.0', '0', '1000000000000', 'null'])('%s is none', (count) => {
    const text = answer(`{"prompt_tokens":${count},"completion_tokens":1}`);
    expect(fault('openai', text, { headers })).toBeUndefined();
  });

  it('usage that shrinks is a fault, and stays one', () => {
    for (const stream of [anthropicStream(15, 7), anthropicStream(15, 7, 20)]) {
      expect(fault('anthropic', stream)).toEqual({
        ...{ fault: 'shrinking', unit: 'output_tokens', before: 15, got: 7 },
      });
    }
  });

  it('the same usage again is none, also from a source that reports at the end', () => {
    expect(fault('anthropic', anthropicStream(15, 15))).toBeUndefined();
    const event = 'data: {"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n';
    expect(read('openai', `${event}${event}data: [DONE]\n\n`)).toEqual({
      ...{ usage: { input_tokens: 3, output_tokens: 1 }, ...WHOLE },
    });
  });

  it('a caller that asks for usage in every chunk does not make the tool fail', () => {
    const chunks = [1, 2, 3].map(
      (output) => `data: {"usage":{"prompt_tokens":3,"completion_tokens":${output}}}\n\n`,
    );
    expect(read('openai', `${chunks.join('')}data: [DONE]\n\n`)).toEqual({
      ...{ usage: { input_tokens: 3, output_tokens: 3 }, ...WHOLE },
    });
  });

  it('two places of one event that disagree are a fault', () => {
    const event = (input: number) =>
      `data: {"usage":{"input_tokens":5},"message":{"usage":{"input_tokens":${input}}}}\n\n`;
    expect(fault('anthropic', event(6))).toEqual({ fault: 'conflicting', unit: 'input_tokens' });
    expect(fault('anthropic', event(5))).toBeUndefined();
  });

  it('never makes a charge: any report of odd values fails, or costs at most the maximum', () => {
    const value = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.constantFrom('1', null, true, [], {}, [1]),
      fc.bigInt(0n, 10n ** 30n).map((count) => `#${count}#`),
    );
    const usage = fc.record(
      {
        prompt_tokens: value,
        completion_tokens: value,
        prompt_tokens_details: fc.oneof(value, fc.record({ cached_tokens: value })),
      },
      { requiredKeys: [] },
    );
    const terms = meterOf(USAGE_PRESETS.openai, RATES);
    fc.assert(
      fc.property(fc.array(usage, { maxLength: 4 }), (reports) => {
        const text = reports
          .map(
            (report) => `data: ${JSON.stringify({ usage: report }).replaceAll(/"#|#"/g, '')}\n\n`,
          )
          .join('');
        const reading = read('openai', `${text}data: [DONE]\n\n`);
        const charge = meteredCharge(terms, RATES, reading, 'complete', 50_000n);
        if (charge.kind === 'failed') return;
        expect(charge.amount).toBeLessThanOrEqual(50_000n);
        for (const count of Object.values(charge.usage)) {
          expect(Number.isSafeInteger(count) && count >= 0 && count <= 4e12).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('usage in headers', () => {
  const usage: UsageSource = { from: 'header', units: { characters: 'character-cost' } };
  const rates = { characters: '$1 per 1000' };
  const of = (headers: Record<string, string>) => read('openai', 'body', { usage, rates, headers });

  it('is read before the body', () => {
    expect(of({ 'character-cost': ' 321 ' })).toEqual({ usage: { characters: 321 }, ...WHOLE });
  });

  it('is missing without the header', () => {
    expect(of({})).toEqual({ usage: {}, isWhole: false, isEnded: true });
  });

  it('is shown in part if it is long', () => {
    expect(of({ 'character-cost': 'x'.repeat(9_000) }).fault).toEqual({
      ...{ fault: 'not_whole', unit: 'characters', got: 'x'.repeat(32) },
    });
  });

  it.each(['', '1, 2', '-1', '1.5', '0x10', '1000000000001'])('is a fault with %j', (value) => {
    expect(of({ 'character-cost': value })).toHaveProperty('fault');
  });
});

describe('a hostile upstream', () => {
  it('sends an event of 100 MB, whose usage still counts, and the meter holds none of it', () => {
    const meter = open('openai');
    const noise = new Uint8Array(1_000_000).fill(120);
    meter.write(bytes('data: {"choices":[{"delta":{"content":"'), 0);
    for (let count = 0; count < 100; count += 1) meter.write(noise, 0);
    meter.write(bytes('"}}],"usage":{"prompt_tokens":5,"completion_tokens":6}}\n\n'), 0);
    meter.write(bytes('data: [DONE]\n\n'), 0);
    expect(meter.end(0)).toEqual({ usage: { input_tokens: 5, output_tokens: 6 }, ...WHOLE });
  });

  it('sends bytes that are not UTF-8, and usage within them', () => {
    const meter = open('openai');
    const whole = [
      ...bytes('data: {"a":"'),
      ...[0xff, 0xc3, 0xe2, 0x82],
      ...bytes('","usage":{"prompt_tokens":1,"completion_tokens":2}}\n\ndata: [DONE]\n\n'),
    ];
    meter.write(Uint8Array.from(whole), 0);
    expect(meter.end(0)).toMatchObject({ usage: { input_tokens: 1, output_tokens: 2 } });
  });
});
