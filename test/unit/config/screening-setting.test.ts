import { describe, expect, test } from 'vitest';
import { readScreening } from '../../../src/config/screening-setting.ts';

const address = `0x${'ab'.repeat(20)}`;
const url = 'https://screening.example/v1';

describe('SCREENING', () => {
  test('names lists, a provider and cleared addresses, or nothing', () => {
    expect(readScreening(' ', 'public')).toEqual({ ok: true, value: undefined });
    const lists = { onFailure: 'deny', lists: ['sanctions', 'own', 'own'] };
    expect(readScreening(JSON.stringify(lists), 'public')).toEqual({
      ok: true,
      value: { onFailure: 'deny', lists: ['sanctions', 'own'], cleared: [] },
    });
    const provider = { name: 'acme', url };
    const all = {
      onFailure: 'allow',
      provider,
      cleared: [address.toUpperCase().replace('X', 'x')],
    };
    expect(readScreening(JSON.stringify(all), 'public')).toEqual({
      ok: true,
      value: {
        ...{ onFailure: 'allow', lists: [], cleared: [address] },
        provider: { ...provider, timeoutMs: 1_500 },
      },
    });
  });

  test.each<[string, unknown]>([
    ['no choice for a failure', { lists: ['own'] }],
    ['another choice for a failure', { onFailure: 'ask', lists: ['own'] }],
    ['no source', { onFailure: 'deny' }],
    ['a path as a list', { onFailure: 'deny', lists: ['../secret'] }],
    ['nine lists', { onFailure: 'deny', lists: Array.from({ length: 9 }, (_, at) => `l${at}`) }],
    [
      'a provider without TLS',
      { onFailure: 'deny', provider: { name: 'a', url: 'http://a.example' } },
    ],
    ['a private provider', { onFailure: 'deny', provider: { name: 'a', url: 'https://10.0.0.1' } }],
    ['a patient provider', { onFailure: 'deny', provider: { name: 'a', url, timeoutMs: 5_001 } }],
    ['half an address', { onFailure: 'deny', cleared: ['0xab'] }],
    ['an unknown member', { onFailure: 'deny', lists: ['own'], default: 'clear' }],
    ['a list', [{ onFailure: 'deny' }]],
  ])('is refused with %s', (_, value) => {
    expect(readScreening(JSON.stringify(value), 'public').ok).toBe(false);
  });
});
