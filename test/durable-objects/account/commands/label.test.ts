import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { accountOf, randomHex, stubOf } from '../../support.ts';
import { restore } from '../../tree-support.ts';
import {
  operator,
  applyLabel,
  standingOf,
  changed,
  refused,
  lastEntry,
} from './command-support.ts';

afterEach(restore);

describe('a label', () => {
  test('creates the account when an operator sets it, so the account is known from then on', async () => {
    const key = randomHex(20);
    expect(await applyLabel(key, operator, 'Till 4')).toMatchObject(changed);
    expect(await stubOf(key).relation({ by: accountOf(key) })).toMatchObject({ exists: true });
    expect(await standingOf(key)).toMatchObject({ label: 'Till 4', revision: 0 });
    expect(await lastEntry(key)).toMatchObject({
      type: 'account.label',
      outcome: { label: 'Till 4' },
    });
    await evictDurableObject(stubOf(key));
    expect(await standingOf(key)).toMatchObject({ label: 'Till 4' });
    expect(await applyLabel(key, operator, null)).toMatchObject(changed);
    expect(await standingOf(key)).not.toHaveProperty('label');
  });

  test('must be visible text of 1 to 256 characters', async () => {
    for (const label of ['', 'x'.repeat(257), '\ud800', 'Acme\u200b', '\u3164']) {
      expect(await applyLabel(randomHex(20), operator, label)).toMatchObject(
        refused('not_writable'),
      );
    }
  });
});
