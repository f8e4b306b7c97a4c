import { describe, expect, it } from 'vitest';
import { isTraceId, traceLink } from '../../../src/protocol/trace-link.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TEMPLATE = 'https://traces.example/trace/{trace}?tab=1';

describe('traceLink', () => {
  it('fills the id into the template', () => {
    expect(traceLink(TEMPLATE, TRACE)).toBe(`https://traces.example/trace/${TRACE}?tab=1`);
  });

  it.each([
    '',
    TRACE.toUpperCase(),
    `${TRACE}0`,
    TRACE.slice(1),
    `${TRACE}\n`,
    '0'.repeat(32),
    '$&',
  ])('fills in nothing but an id: %j', (trace) => {
    expect(isTraceId(trace)).toBe(false);
    expect(traceLink(TEMPLATE, trace)).toBeUndefined();
  });
});
