import { describe, expect, inject, test } from 'vitest';
import { openSecret, sealWebhook } from '../../../src/webhooks/seal.ts';
import { readStoredWebhook } from '../../../src/webhooks/document.ts';

const KEY = inject('receiptKey');
const URL_OF_SLACK = 'https://hooks.slack.com/services/T0/B0/hunter2';
const slack = { url: URL_OF_SLACK, events: ['*' as const], format: 'slack' as const };
const seal = async (name = '*/ops', request = slack, key = KEY) => sealWebhook(key, name, request);

describe('a sealed webhook', () => {
  test('shows the origin of its URL alone, and opens under its own name', async () => {
    const document = await seal();
    expect(document).toMatchObject({ url: 'https://hooks.slack.com/', format: 'slack' });
    expect(JSON.stringify(document)).not.toContain('hunter2');
    expect(readStoredWebhook(document)).toEqual(document);
    expect(await openSecret(KEY, '*/ops', document)).toBe(URL_OF_SLACK);
  });

  test('is the same document for the same secret, and another for another', async () => {
    expect(await seal()).toEqual(await seal());
    const other = await seal('*/ops', { ...slack, url: `${URL_OF_SLACK}x` });
    expect(other.sealed?.slice(0, 16)).not.toBe((await seal()).sealed?.slice(0, 16));
    expect((await seal('*/other')).sealed).not.toBe((await seal()).sealed);
  });

  test('does not open for another webhook, host or key, or after a change', async () => {
    const document = await seal();
    expect(await openSecret(KEY, '*/other', document)).toBeUndefined();
    expect(
      await openSecret(KEY, '*/ops', { ...document, url: 'https://evil.example/' }),
    ).toBeUndefined();
    const other = JSON.stringify({ d: 'B'.repeat(43) });
    expect(await openSecret(other, '*/ops', document)).toBeUndefined();
    const { sealed = '' } = document;
    for (const text of ['', 'AA', '*', `${sealed.slice(0, -2)}AA`])
      expect(await openSecret(KEY, '*/ops', { ...document, sealed: text })).toBeUndefined();
  });

  test('has no token in the clear', async () => {
    const document = await sealWebhook(KEY, '*/mail', {
      ...{ url: 'https://api.resend.com/emails', events: ['*'], format: 'email' },
      ...{ from: 'a@example.com', to: ['b@example.com'], token: 're_hunter2' },
    });
    expect(document).not.toHaveProperty('token');
    expect(JSON.stringify(document)).not.toContain('hunter2');
    expect(await openSecret(KEY, '*/mail', document)).toBe('re_hunter2');
  });

  test('keeps a webhook of signed JSON as it is', async () => {
    const plain = { url: 'https://hooks.example.com/x', events: ['*' as const] };
    expect(await sealWebhook(KEY, '*/ops', plain)).toEqual(plain);
  });
});
