import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { openProvider } from '../../../src/screening/provider.ts';
import { receivedFor } from '../webhooks/world.ts';

/** A local server that answers without end (`endless`), byte by byte (`trickle`), never (`slow`), or with a redirect. */
const receiver = inject('receiver');
const ADDRESS = `0x${'ab'.repeat(20)}` as const;
const BRIEF_MS = 300;

let logged: unknown[] = [];
beforeEach(() => {
  logged = [];
  vi.spyOn(console, 'error').mockImplementation((line: unknown) => void logged.push(line));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const ask = (url: string, key = '') =>
  openProvider({ name: 'acme', url, timeoutMs: BRIEF_MS }, key)(ADDRESS, 'eip155:8453');

const answering = (answer: () => Response | Promise<Response>): Request[] => {
  const asked: Request[] = [];
  vi.stubGlobal('fetch', async (input: RequestInfo, init?: RequestInit) => {
    asked.push(new Request(input, init));
    return answer();
  });
  return asked;
};

describe('a provider', () => {
  it.each(['clear', 'listed'] as const)('answers %s about one address', async (verdict) => {
    const asked = answering(() => Response.json({ verdict }));
    expect(await ask('https://acme.example/v1', 'the-key')).toBe(verdict);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.headers.get('authorization')).toBe('Bearer the-key');
    expect(await asked[0]?.json()).toEqual({ address: ADDRESS, network: 'eip155:8453' });
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ['an error', () => Response.json({ verdict: 'clear' }, { status: 500 })],
    ['not found', () => Response.json({ verdict: 'clear' }, { status: 404 })],
    ['accepted, for later', () => Response.json({ verdict: 'clear' }, { status: 202 })],
    ['another word', () => Response.json({ verdict: 'CLEAR' })],
    ['an unknown member', () => Response.json({ verdict: 'clear', score: 99 })],
    ['a list of verdicts', () => Response.json([{ verdict: 'clear' }])],
    ['HTML', () => new Response('<p>clear</p>', { headers: { 'content-type': 'text/html' } })],
    ['nothing', () => new Response(null)],
    ['a huge verdict', () => Response.json({ verdict: 'clear'.padEnd(5_000) })],
    ['a refused connection', () => Promise.reject(new TypeError('refused'))],
  ])('that answers %s does not answer', async (_, answer) => {
    answering(answer);
    expect(await ask('https://acme.example/v1')).toBeUndefined();
    expect(logged[0]).toMatchObject({ event: 'screening_unanswered', provider: 'acme' });
  });

  it.each(['slow', 'trickle', 'endless', 'redirect'])('that is %s does not answer', async (how) => {
    const key = `screening-${how}`;
    const began = Date.now();
    expect(await ask(`${receiver}/${how}/${key}`)).toBeUndefined();
    expect(Date.now() - began).toBeLessThan(5_000);
    expect(await receivedFor(`${key}-elsewhere`)).toEqual([]);
  });

  it('gets at most 32 questions at once', async () => {
    const waiting: (() => void)[] = [];
    const asked = answering(
      () =>
        new Promise((resolve) => waiting.push(() => resolve(Response.json({ verdict: 'clear' })))),
    );
    const provider = openProvider({ name: 'acme', url: 'https://a.example', timeoutMs: 5_000 }, '');
    const all = Array.from({ length: 33 }, () => provider(ADDRESS, 'eip155:8453'));
    expect(await all[32]).toBeUndefined();
    expect(asked).toHaveLength(32);
    for (const answer of waiting) answer();
    expect(new Set(await Promise.all(all.slice(0, 32)))).toEqual(new Set(['clear']));
    waiting.length = 0;
    const later = provider(ADDRESS, 'eip155:8453');
    await expect.poll(() => waiting.length).toBe(1);
    waiting[0]?.();
    expect(await later).toBe('clear');
  });
});
