import { describe, expect, it } from 'vitest';
import type { Tool } from '../../../../src/catalog/tool.ts';
import { ratesOfCall } from '../../../../src/gateway/meter/rates-of-call.ts';
import { readParams } from '../../../../src/gateway/params.ts';
import type { Meter } from '../../../../src/protocol/meter/meter.ts';
import { toolOf } from '../fixture.ts';

const [small, large, other] = [{ bytes: '$1' }, { bytes: '$5' }, { bytes: '$2' }];
const plain: Meter = {
  ...{ usage: { from: 'gateway' }, rates: other },
  ...{ readOn: { seconds: 25, bytes: 1 }, idleSeconds: 30 },
};
const by = (rates: Meter['rates']): Meter => ({
  ...plain,
  rates,
  ratesBy: { param: 'model', values: { small, large } },
});

const tool: Tool = toolOf({ params: { model: { pointer: '/model' } } });
const ratesFor = (meter: Meter, body: string) =>
  ratesOfCall(
    meter,
    readParams(tool, {
      ...{ target: '/tools/t', contentType: 'application/json' },
      body: new Uint8Array(new TextEncoder().encode(body)),
    }),
  );

describe('the rates of a call', () => {
  it('are those of the tool if they depend on nothing', () => {
    expect(ratesFor(plain, 'no json')).toEqual({ ok: true, value: other });
  });

  it('are those of the value that the request names', () => {
    expect(ratesFor(by(other), '{"model":"small"}')).toEqual({ ok: true, value: small });
    expect(ratesFor(by(other), '{"model":"large"}')).toEqual({ ok: true, value: large });
  });

  it('are the default for another value, unless it is not sold', () => {
    for (const model of ['medium', 'constructor', 'SMALL']) {
      const body = JSON.stringify({ model });
      expect(ratesFor(by(other), body)).toEqual({ ok: true, value: other });
      expect(ratesFor(by('not sold'), body)).toEqual({
        ok: false,
        error: { field: 'model', hint: 'is not sold; use small or large' },
      });
    }
  });

  it.each([
    ['that is absent', '{}'],
    ['twice', '{"model":"small","model":"large"}'],
    ['in two cases, of which an upstream may read either', '{"model":"small","Model":"large"}'],
    ['that is no text', '{"model":{"name":"large"}}'],
    ['in a body that is no JSON', 'model=large'],
  ])('are refused for a value %s, even if there is a default', (_name, body) => {
    expect(ratesFor(by(other), body)).toMatchObject({ ok: false, error: { field: 'model' } });
  });
});
