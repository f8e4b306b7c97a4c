import { describe, expect, it } from 'vitest';
import { readTraceUrl } from '../../../src/config/trace-url.ts';

describe('TRACE_URL', () => {
  it.each([
    'https://traces.example/trace/{trace}',
    'https://grafana.internal:3000/explore?left=%7B%22query%22:%22{trace}%22%7D',
    'https://10.0.0.8/#/trace/{trace}?tab=spans',
    'http://localhost:16686/trace/{trace}',
    'http://127.0.0.1:16686/trace/{trace}',
  ])('accepts %s', (text) => {
    expect(readTraceUrl(text)).toEqual({ ok: true, value: text });
  });

  it('may be empty', () => {
    expect(readTraceUrl('')).toEqual({ ok: true, value: undefined });
  });

  const ONCE = /must have \{trace\} exactly once/;
  const URL_ONLY = /percent-encode/;
  const SCHEME = /must start with https/;
  const USER = /no user and no password/;
  const HOST = /after the host/;
  it.each([
    ['https://traces.example/', ONCE],
    ['https://traces.example/{trace}/{trace}', ONCE],
    ['https://traces.example/{TRACE}', ONCE],
    ['https://traces.example/{trace}/{span}', URL_ONLY],
    ['https://traces.example/{{trace}}', URL_ONLY],
    ['https://traces.example/%{trace}', URL_ONLY],
    ['https://traces.example/%2{trace}', URL_ONLY],
    ['https://traces.example/a b/{trace}', URL_ONLY],
    ['https://traces.example\\@evil.example/{trace}', URL_ONLY],
    ['https://traces.example/"onclick="{trace}', URL_ONLY],
    ['https://tracés.example/{trace}', URL_ONLY],
    ['https://traces.example/\n{trace}', URL_ONLY],
    ['{trace}', /absolute URL/],
    ['/trace/{trace}', /absolute URL/],
    ['https:///{trace}:99999999', /absolute URL/],
    ['http://traces.example/{trace}', SCHEME],
    ['http://10.0.0.8/{trace}', SCHEME],
    ['http://localhost.evil.example/{trace}', SCHEME],
    ['javascript:alert(1)//{trace}', SCHEME],
    ['data:text/html,{trace}', SCHEME],
    ['https://me:hunter2@traces.example/{trace}', USER],
    ['https://{trace}@traces.example/', USER],
    ['https://{trace}.example/', HOST],
    [`https://traces.example/${'a'.repeat(2_048)}/{trace}`, /at most 2048 characters/],
  ])('rejects %j', (text, reason) => {
    const read = readTraceUrl(text);
    const faults = read.ok ? [] : read.error;
    expect(faults).toEqual([expect.stringMatching(reason)]);
    expect(faults.join()).not.toContain('hunter2');
  });
});
