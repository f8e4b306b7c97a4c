import { describe, expect, it } from 'vitest';
import {
  controlOf,
  toolDraftOf,
  NEW_TOOL,
  toolOf,
} from '../../../../../src/dashboard/data/tools/tool-draft.ts';
import type { ToolDocument } from '../../../../../src/management/tool.route.ts';
import { toolFaults } from '../../../../../src/tool-import/tool-faults.ts';

const TOOL: ToolDocument = {
  ...{ id: 'forecast', method: 'GET', path: '/tools/forecast', description: 'Forecasts.' },
  ...{ price: { max: '$0.05' }, settlement: 'credit', upstream: 'https://api.example/v1' },
  ...{ timeoutSeconds: 20, params: { city: { query: 'city' } }, disabled: true },
  inputSchema: { type: 'object', properties: { city: { type: 'string' } } },
};

describe('a draft of a tool', () => {
  it('is the same tool again, every field included', () => {
    expect(toolOf(toolDraftOf(TOOL))).toEqual({ ok: true, value: TOOL });
    const service = { ...TOOL, upstream: { service: 'FORECASTS', path: '/x' } };
    expect(toolOf(toolDraftOf(service))).toEqual({ ok: true, value: service });
  });

  it('keeps how the charge follows use, and shows its faults at its control', () => {
    const price = {
      ...{ max: '$0.05', min: '$0.001' },
      meter: { usage: 'openai', rates: { input_tokens: '$1 per 1000' }, missing: 'max' },
    };
    const draft = toolDraftOf({ ...TOOL, price });
    expect(draft).toMatchObject({ price: '0.05', isMaximum: true });
    expect(toolOf(draft)).toMatchObject({ ok: true, value: { price } });
    expect(toolOf({ ...draft, price: '0.06' })).toMatchObject({
      value: { price: { ...price, max: '$0.06' } },
    });
    expect(toolOf({ ...draft, isMaximum: false })).toMatchObject({ value: { price: '$0.05' } });
    expect(toolOf({ ...draft, priceTerms: '[' })).toMatchObject({
      ok: false,
      error: [{ field: 'priceTerms' }],
    });
    const places = [
      'body.price.meter.rates.input_tokens',
      'body.price.min',
      'body.price.max',
      'price',
    ];
    expect(places.map(controlOf)).toEqual(['priceTerms', 'priceTerms', 'price', 'price']);
  });

  it('takes a price in dollars or in atomic units', () => {
    const priced = (price: string) => {
      const read = toolOf({ ...NEW_TOOL, price });
      return read.ok ? read.value.price : undefined;
    };
    expect(['0.02', ' 0.02 ', '$0.02', '20000u'].map(priced)).toEqual([
      ...['$0.02', '$0.02', '$0.02', '20000u'],
    ]);
  });

  it('names each text that is no JSON object', () => {
    const read = toolOf({ ...NEW_TOOL, params: '{', inputSchema: '[]', others: '{"price": 1}' });
    expect(read.ok ? [] : read.error.map(({ field }) => field)).toEqual([
      ...['params', 'inputSchema', 'others'],
    ]);
  });

  it('shows the fault of a field beside the control that has it', () => {
    const read = toolOf({
      ...toolDraftOf(TOOL),
      path: '/admin/x',
      others: '{"timeoutSeconds": 900}',
    });
    if (!read.ok) throw new Error('is no tool');
    const faults = toolFaults(read.value, 'public');
    expect(faults.map(({ field }) => controlOf(field)).toSorted()).toEqual(['others', 'path']);
    expect(controlOf('body.inputSchema.properties.city')).toBe('inputSchema');
    expect(controlOf('body')).toBe('others');
  });
});
