import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ScreeningSettings } from '../../../src/config/screening-setting.ts';
import type { Address } from '../../../src/core/hex.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { MAX_LIST_BYTES, parseAddressList } from '../../../src/screening/address-list.ts';
import type { Provider } from '../../../src/screening/provider.ts';
import { screenerOf } from '../../../src/screening/screener.ts';
import { openStoredLists, type StoredLists } from '../../../src/screening/stored-lists.ts';

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const PAYER: Address = `0x${'ab'.repeat(20)}`;
const OTHER: Address = `0x${'cd'.repeat(20)}`;
const idOf = (address: Address): AccountId => `eip155:8453:${address}`;

/** @param slept the milliseconds by which it moves for each one that a request sleeps */
const clockAt = (start: number, slept: number) => {
  let ms = start;
  return {
    now: () => ms,
    pass: (by: number) => void (ms += by),
    sleep: async (by: number) => {
      ms += by * slept;
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
};

type Fakes = {
  readonly lists?: StoredLists;
  readonly provider?: Provider;
  readonly settings?: Partial<ScreeningSettings>;
  readonly slept?: number;
};

const open = ({ lists, provider, settings, slept = 1 }: Fakes) => {
  const clock = clockAt(1_800_000_000_000, slept);
  const asked: Address[] = [];
  const counted: Provider | undefined =
    provider &&
    (async (address, network) => {
      asked.push(address);
      return provider(address, network);
    });
  const screen = screenerOf(
    {
      ...{ onFailure: 'deny', lists: ['own'], cleared: [] },
      ...(provider === undefined ? {} : { provider: { name: 'acme', url: '', timeoutMs: 1_000 } }),
      ...settings,
    },
    {
      lists: lists ?? (async () => false),
      ...(counted === undefined ? {} : { provider: counted }),
      clock,
    },
  );
  return { screen, clock, asked };
};

describe('the verdict on an address', () => {
  it.each<[string, Fakes, object]>([
    ['on no list', {}, { verdict: 'clear', source: 'lists', passes: true }],
    [
      'on a list',
      { lists: async () => true },
      { verdict: 'listed', source: 'list:own', passes: false },
    ],
    [
      'on a list, and cleared by the operator',
      { lists: async () => true, settings: { cleared: [PAYER] } },
      { verdict: 'clear', source: 'cleared', passes: true },
    ],
    [
      'on a list that is read, beside one that is not',
      {
        lists: async (name) => (name === 'own' ? true : undefined),
        settings: { lists: ['lost', 'own'] },
      },
      { verdict: 'listed', source: 'list:own', passes: false },
    ],
    [
      'on no list that is read, deny',
      { lists: async () => undefined },
      { verdict: 'unanswered', source: 'list:own', passes: false },
    ],
    [
      'on no list that is read, allow',
      { lists: async () => undefined, settings: { onFailure: 'allow' } },
      { verdict: 'unanswered', source: 'list:own', passes: true },
    ],
    [
      'that the provider clears',
      { provider: async () => 'clear' },
      { verdict: 'clear', source: 'provider:acme', passes: true },
    ],
    [
      'that the provider lists',
      { provider: async () => 'listed', settings: { onFailure: 'allow' } },
      { verdict: 'listed', source: 'provider:acme', passes: false },
    ],
    [
      'on which the provider does not answer, deny',
      { provider: async () => undefined },
      { verdict: 'unanswered', source: 'provider:acme', passes: false },
    ],
    [
      'on which the provider does not answer, allow',
      { provider: async () => undefined, settings: { onFailure: 'allow' } },
      { verdict: 'unanswered', source: 'provider:acme', passes: true },
    ],
  ])('%s', async (_, fakes, expected) => {
    const { screen } = open(fakes);
    expect(await screen(idOf(PAYER))).toEqual({
      ...expected,
      account: idOf(PAYER),
      at: 1_800_000_000,
    });
  });

  it('of a list asks no provider', async () => {
    const { screen, asked } = open({ lists: async () => true, provider: async () => 'clear' });
    await screen(idOf(PAYER));
    expect(asked).toEqual([]);
  });
});

describe('the provider is asked', () => {
  it('once a day about an address, and a minute after it did not answer', async () => {
    let answer: 'clear' | undefined;
    const { screen, clock, asked } = open({ provider: async () => answer });
    await screen(idOf(PAYER));
    clock.pass(59_000);
    await screen(idOf(PAYER));
    expect(asked).toHaveLength(1);
    answer = 'clear';
    clock.pass(1_000);
    expect((await screen(idOf(PAYER))).verdict).toBe('clear');
    clock.pass(86_399_000);
    await screen(idOf(PAYER));
    expect(asked).toHaveLength(2);
    clock.pass(1_000);
    await screen(idOf(PAYER));
    await screen(idOf(OTHER));
    expect(asked).toEqual([PAYER, PAYER, PAYER, OTHER]);
  });

  it('once by requests that arrive together, and again if the first of them never returns', async () => {
    let settle = (_: 'clear'): void => undefined;
    const slow: Provider = () => new Promise((resolve) => void (settle = resolve));
    const { screen, asked } = open({ provider: slow, slept: 0 });
    const both = [screen(idOf(PAYER)), screen(idOf(PAYER))];
    await expect.poll(() => asked.length).toBe(1);
    settle('clear');
    expect((await Promise.all(both)).map(({ verdict }) => verdict)).toEqual(['clear', 'clear']);
    expect(asked).toHaveLength(1);

    let asks = 0;
    const lost: Provider = () => {
      asks += 1;
      return asks === 1 ? new Promise(() => undefined) : Promise.resolve('listed');
    };
    const other = open({ provider: lost });
    void other.screen(idOf(PAYER));
    expect((await other.screen(idOf(PAYER))).verdict).toBe('listed');
    expect(asks).toBe(2);
  });
});

describe('a list', () => {
  it('has one address a line, in any case, and comments', () => {
    const text = `# SDN\n\n${PAYER}\r\n  ${OTHER.toUpperCase().replace('0X', '0x')} # since 2024\n`;
    expect(parseAddressList(text)).toEqual({ ok: true, value: new Set([PAYER, OTHER]) });
    // The letters of such an address are no checksum.
    const mixed = `0x${'aB'.repeat(20)}`;
    expect(parseAddressList(mixed)).toEqual({ ok: true, value: new Set([PAYER]) });
  });

  it.each(['0xab', `${PAYER},${OTHER}`, 'vitalik.eth', `eip155:1:${PAYER}`])(
    'with the line %s is not read at all',
    (line) => {
      expect(parseAddressList(`${OTHER}\n${line}\n`)).toEqual({ ok: false, error: 2 });
    },
  );

  const bucketOf = (object: () => { etag: string; text: string } | null) => {
    let reads = 0;
    const get = async (_: string, { onlyIf }: { onlyIf?: { etagDoesNotMatch: string } }) => {
      const found = object();
      if (found === null) return null;
      if (onlyIf?.etagDoesNotMatch === found.etag) return { etag: found.etag };
      reads += 1;
      return { etag: found.etag, body: new Response(found.text).body };
    };
    return { bucket: { get } as unknown as R2Bucket, reads: () => reads };
  };

  it('is read from R2 once, and again when it has changed', async () => {
    let stored: { etag: string; text: string } | null = { etag: 'a', text: PAYER };
    let now = 0;
    const { bucket, reads } = bucketOf(() => stored);
    const has = openStoredLists(bucket, () => now);
    expect(await has('own', PAYER)).toBe(true);
    expect(await has('own', OTHER)).toBe(false);
    now += 61_000;
    expect(await has('own', PAYER)).toBe(true);
    expect(reads()).toBe(1);
    stored = { etag: 'b', text: OTHER };
    expect(await has('own', PAYER)).toBe(true);
    now += 61_000;
    expect(await has('own', PAYER)).toBe(false);
    stored = null;
    now += 61_000;
    expect(await has('own', PAYER)).toBeUndefined();
  });

  it.each<[string, () => { etag: string; text: string } | null]>([
    ['is missing', () => null],
    ['is too large', () => ({ etag: 'a', text: `${PAYER}\n${'#'.repeat(MAX_LIST_BYTES)}` })],
    ['has a line that is no address', () => ({ etag: 'a', text: `${PAYER}\nnobody` })],
    [
      'cannot be read',
      () => {
        throw new Error('R2 is away');
      },
    ],
  ])('that %s clears nobody', async (_, object) => {
    expect(await openStoredLists(bucketOf(object).bucket, Date.now)('own', OTHER)).toBeUndefined();
    expect(await openStoredLists(undefined, Date.now)('own', OTHER)).toBeUndefined();
  });
});
