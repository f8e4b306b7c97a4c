import { describe, expect, it } from 'vitest';
import type { Tool } from '../../../../src/catalog/tool.ts';
import { openMetering } from '../../../../src/gateway/meter/open-metering.ts';
import type { ReceivedRequest } from '../../../../src/gateway/paid-request.ts';
import { meterOf, RATES, toolOf } from './metered-tools.ts';

const openAt = (tool: Tool, target: string) => {
  if (tool.meter === undefined) throw new Error('has a meter');
  const body = new Uint8Array(new TextEncoder().encode('{}'));
  const received = { target, contentType: 'application/json', body } as ReceivedRequest;
  const opened = openMetering(tool.meter, { tool }, received);
  return opened.ok ? opened.value.metering?.rates : opened.error.field;
};

const GEMINI = toolOf(meterOf({ usage: 'gemini' }));

describe('a call of a tool that reads the usage of a Google API', () => {
  it.each([
    ['?fields=candidates', 'fields'],
    ['?alt=sse&fields=usageMetadata(promptTokenCount,candidatesTokenCount)', 'fields'],
    ['?%66ields=candidates', 'fields'],
    ['?$fields=candidates', '$fields'],
    ['?Fields=candidates', 'Fields'],
  ])('may not leave out parts of the answer: %s', (search, field) => {
    expect(openAt(GEMINI, `/tools/llm${search}`)).toBe(field);
  });

  it('may have any other parameter', () => {
    expect(openAt(GEMINI, '/tools/llm?alt=sse&fieldset=1')).toEqual(RATES);
  });

  it('may have these parameters at another upstream', () => {
    expect(openAt(toolOf(meterOf()), '/tools/llm?fields=title')).toEqual(RATES);
  });
});
