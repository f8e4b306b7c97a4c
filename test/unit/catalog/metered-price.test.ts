import { describe, expect, it } from 'vitest';
import { catalogueOf } from '../../../src/catalog/catalogue.ts';
import { readMeter } from '../../../src/catalog/metered-price.ts';
import { parseTool } from '../../../src/catalog/schema.ts';
import { termsOf } from '../../../src/catalog/terms.ts';

const TOOL = {
  ...{ id: 't', method: 'POST', path: '/tools/t', description: 'T.', settlement: 'credit' },
  upstream: 'https://api.example/t',
};

const RATES = { input_tokens: '$0.15 per 1000000', output_tokens: '$0.60 per 1000000' };
const METER = { usage: 'openai', rates: RATES, missing: 'max' };
const REPORT = {
  from: 'answer',
  answer: '/usage',
  events: [],
  units: { pages: { pointers: ['/pages'] } },
  reports: 'final',
};
const { answer: _answer, ...NOWHERE } = REPORT;
const BY_MODEL = { param: 'model', values: { small: RATES } };

/** The tool of a price as tools.json writes it, and what is wrong with it. */
const read = (price: unknown, changes: object = {}) => {
  const tool = { ...TOOL, ...changes, price };
  const parsed = parseTool(tool, 'public');
  if (!parsed.ok) return { faults: parsed.error };
  const metered = readMeter(parsed.value);
  return metered.ok ? { tool: metered.value, faults: [] } : { faults: metered.error };
};

const fieldsOf = (price: unknown, changes: object = {}) =>
  read(price, changes).faults.map(({ field }) => field);

const metered = (changes: object, more: object = {}) => ({
  max: '$0.05',
  ...more,
  meter: { ...METER, ...changes },
});

describe('a metered price', () => {
  it('is read into terms that state every condition', () => {
    const { tool, faults } = read({ max: '$0.05', min: '$0.0001', meter: METER });
    expect(faults).toEqual([]);
    expect(tool).toMatchObject({ price: 50_000n, pricing: 'upto' });
    expect(tool?.meter).toEqual({
      usage: {
        from: 'answer',
        answer: '/usage',
        events: ['/usage'],
        units: {
          input_tokens: { pointers: ['/prompt_tokens'] },
          output_tokens: { pointers: ['/completion_tokens'] },
          cached_input_tokens: {
            pointers: ['/prompt_tokens_details/cached_tokens'],
            within: 'input_tokens',
          },
        },
        reports: 'final',
        end: { data: '[DONE]' },
      },
      rates: RATES,
      missing: 'max',
      readOn: { seconds: 25, bytes: 1_048_576 },
      idleSeconds: 30,
      min: '100',
    });
  });

  it.each([
    ['a preset of each provider', metered({ usage: 'anthropic' })],
    ['gemini', metered({ usage: 'gemini' })],
    [
      'what the gateway counts',
      {
        max: '$1',
        meter: { usage: 'counted', rates: { bytes: '$0.01 per 1000', events: '$0.1' } },
      },
    ],
    ['pointers of the tool', metered({ usage: REPORT, rates: { pages: '$0.01' } })],
    [
      'pointers to the whole answer',
      metered({ usage: { ...REPORT, answer: '' }, rates: { pages: '$0.01' } }),
    ],
    [
      'a header',
      metered({
        usage: { from: 'header', units: { characters: 'character-cost' } },
        rates: { characters: '$0.0000001' },
      }),
    ],
    ['a free part', metered({ rates: { ...RATES, cached_input_tokens: '$0 per 1000' } })],
    ['a maximum of the minimum', metered({}, { min: '$0.05' })],
    ['an added include_usage', metered({ includeUsage: true })],
    ['limits', metered({ readOn: { seconds: 0, bytes: 0 }, idleSeconds: 300 })],
  ])('accepts %s', (_name, price) => {
    expect(read(price).faults).toEqual([]);
  });

  it('accepts rates by a declared parameter, with and without a default', () => {
    const params = { model: { pointer: '/model' } };
    for (const rates of [RATES, 'not sold']) {
      expect(read(metered({ rates, ratesBy: BY_MODEL }), { params }).faults).toEqual([]);
    }
  });

  it('states whether the tool accepts exact payments, unless it accepts no payment at all', () => {
    expect(read(metered({})).tool?.meter).not.toHaveProperty('exact');
    expect(read(metered({}), { settlement: 'deferred' }).tool?.meter?.exact).toBe(true);
    const refused = read(metered({}, { exact: false }), { settlement: 'upfront' });
    expect(refused).toMatchObject({ faults: [], tool: { meter: { exact: false } } });
  });

  it.each<[string, unknown]>([
    ['price', 0.02],
    ['price', { min: '$0.01' }],
    ['price', { max: 5, meter: METER }],
    ['meter', { max: '$0.05', meter: 'openai' }],
    ['unit', { ...metered({}), unit: 'token' }],
    ['min', metered({}, { min: 1 })],
    ['meter.usage', metered({ usage: 'mistral' })],
    ['meter.usage', metered({ usage: undefined })],
    ['meter.usage.from', metered({ usage: { ...REPORT, from: 'stream' } })],
    ['meter.usage.events', metered({ usage: { ...REPORT, events: {} } })],
    ['min', { max: '$0.05', min: '$0.01' }],
    ['exact', { max: '$0.05', exact: true }],
    ['meter.usage.events[0]', metered({ usage: { ...REPORT, events: ['usage'] } })],
    ['meter.usage.events[0]', metered({ usage: { ...REPORT, events: ['/~2'] } })],
    ['meter.usage.events[0]', metered({ usage: { ...REPORT, events: ['/"'] } })],
    ['meter.usage.events[0]', metered({ usage: { ...REPORT, events: ['/ä'] } })],
    ['meter.usage.events[0]', metered({ usage: { ...REPORT, events: ['/a\n'] } })],
    ['meter.usage.answer', metered({ usage: { ...REPORT, answer: `/${'a'.repeat(256)}` } })],
    ['meter.usage.reports', metered({ usage: { ...REPORT, reports: 'delta' } })],
    ['meter.usage.units', metered({ usage: { ...REPORT, units: {} } })],
    [
      'meter.usage.units',
      metered({ usage: { ...REPORT, units: { 'in put': { pointers: ['/a'] } } } }),
    ],
    ['meter.usage.units.pages', metered({ usage: { ...REPORT, units: { pages: '/pages' } } })],
    [
      'meter.usage.units.pages.pointers',
      metered({ usage: { ...REPORT, units: { pages: { pointers: [] } } } }),
    ],
    ['meter.usage.end', metered({ usage: { ...REPORT, end: 'DONE' } })],
    [
      'meter.usage.units.pages',
      metered({ usage: { from: 'header', units: { pages: 'X Pages' } } }),
    ],
    ['meter.rates', metered({ rates: { ...RATES, constructor: '$1' } })],
    ['meter.rates', metered({ rates: {} })],
    ['meter.rates', metered({ rates: 'sold' })],
    ['meter.rates.input_tokens', metered({ rates: { input_tokens: 0.15 } })],
    ['meter.rates.input_tokens', metered({ rates: { input_tokens: '$0.15 per 0' } })],
    ['meter.rates.input_tokens', metered({ rates: { input_tokens: '$0.15 per million' } })],
    ['meter.rates.input_tokens', metered({ rates: { input_tokens: '$-1' } })],
    ['meter.rates.input_tokens', metered({ rates: { input_tokens: '$0.0000000000001' } })],
    ['meter.ratesBy.values', metered({ ratesBy: { param: 'model', values: {} } })],
    ['meter.ratesBy.values', metered({ ratesBy: { param: 'model', values: { 'a b': RATES } } })],
    ['meter.missing', metered({ missing: 'maximum' })],
    ['meter.readOn.bytes', metered({ readOn: { seconds: 1 } })],
    ['meter.readOn.seconds', metered({ readOn: { seconds: 26, bytes: 1 } })],
    ['meter.idleSeconds', metered({ idleSeconds: 0 })],
    ['meter.includeUsage', metered({ includeUsage: 'yes' })],
    ['meter.perToken', metered({ perToken: 1 })],
  ])('names the field with a wrong form: %s', (field, price) => {
    expect(fieldsOf(price)).toEqual([field === 'price' ? field : `price.${field}`]);
  });

  it.each<[string, unknown, object?]>([
    ['price.meter', metered({}), { settlement: 'card', asset: 'iso4217:USD' }],
    ['price', metered({}), { settlement: 'free' }],
    ['price.meter', metered({}), { method: 'HEAD' }],
    [
      'price',
      metered({}),
      { upstream: { mcp: 'https://m.example/mcp', tool: 'x', pin: 'a'.repeat(64) } },
    ],
    ['price', { max: '$0', meter: METER }],
    ['price.min', metered({}, { min: '$0.06' })],
    ['price.min', metered({}, { min: '$0' })],
    ['price.exact', metered({}, { exact: true })],
    ['price.meter.missing', { max: '$0.05', meter: { usage: 'openai', rates: RATES } }],
    ['price.meter.missing', metered({ usage: 'counted', rates: { bytes: '$0.01' } })],
    ['price.meter.missing', metered({ missing: 'none' })],
    ['price.meter.missing', metered({ usage: 'gemini', missing: 'none' })],
    ['price.meter.includeUsage', metered({ usage: 'gemini', includeUsage: true })],
    ['price.meter.usage', metered({ usage: NOWHERE, rates: { pages: '$1' } })],
    [
      'price.meter.usage.units.pages.within',
      metered({
        usage: { ...REPORT, units: { pages: { pointers: ['/p'], within: 'pages' } } },
        rates: { pages: '$1' },
      }),
    ],
    [
      'price.meter.usage.units.pages.within',
      metered({
        usage: { ...REPORT, units: { pages: { pointers: ['/p'], within: 'toString' } } },
        rates: { pages: '$1' },
      }),
    ],
    ['price.meter.rates.pages', metered({ rates: { ...RATES, pages: '$1' } })],
    ['price.meter.rates', metered({ rates: { input_tokens: '$0.00' } })],
    ['price.meter.rates', metered({ rates: 'not sold' })],
    ['price.meter.ratesBy.param', metered({ ratesBy: BY_MODEL })],
    [
      'price.meter.ratesBy.values.small.pages',
      metered({ ratesBy: { param: 'model', values: { small: { ...RATES, pages: '$1' } } } }),
      { params: { model: { pointer: '/model' } } },
    ],
  ])('names the field that contradicts another: %s', (field, price, changes = {}) => {
    expect(fieldsOf(price, changes)).toContain(field);
  });

  it('is sold by its meter', () => {
    const parsed = parseTool({ ...TOOL, price: metered({}) }, 'public');
    if (!parsed.ok) throw new Error('the tool is valid');
    const deployed = {
      ...{ tools: [parsed.value], documents: [null], upstreamUrl: undefined },
      ...{ reach: 'public' as const, services: [] },
    };
    const { tools } = catalogueOf(deployed, new Map(), readMeter);
    expect(tools.get('t')?.tool?.meter).toMatchObject({ rates: RATES, missing: 'max' });
  });

  it('changes the terms of a tool with every member', () => {
    const hashOf = (price: unknown, changes: object = {}): string => {
      const { tool, faults } = read(price, changes);
      if (tool === undefined) throw new Error(JSON.stringify(faults));
      return termsOf(tool).hash;
    };
    const params = { model: { pointer: '/model' } };
    const prices = [
      metered({}),
      metered({}, { max: '$0.06' }),
      metered({}, { min: '$0.01' }),
      metered({ usage: 'anthropic' }),
      metered({ missing: 'none', includeUsage: true }),
      metered({ rates: { ...RATES, input_tokens: '$0.16 per 1000000' } }),
      metered({ ratesBy: BY_MODEL }),
      metered({ readOn: { seconds: 24, bytes: 1_048_576 } }),
      metered({ idleSeconds: 31 }),
      metered({ includeUsage: true }),
    ];
    const hashes = prices.map((price) => hashOf(price, { params }));
    expect(new Set(hashes).size).toBe(prices.length);
    expect(hashOf(metered({ readOn: { seconds: 25, bytes: 1_048_576 } }), { params })).toBe(
      hashes[0],
    );
  });

  it('has no terms before its meter is read', () => {
    const parsed = parseTool({ ...TOOL, price: metered({}) }, 'public');
    if (!parsed.ok) throw new Error('the tool is valid');
    expect(() => termsOf(parsed.value)).toThrow('unread meter');
  });
});
