import { describe, expect, test } from 'vitest';
import type { EgressReach } from '../../../src/protocol/egress-url.ts';
import {
  subscribesTo,
  parseWebhook,
  readWebhookName,
  type WebhookDocument,
  webhookHash,
  webhookName,
} from '../../../src/webhooks/document.ts';

const ACCOUNT = `eip155:84532:0x${'a1'.repeat(20)}` as const;
const document: WebhookDocument = { url: 'https://hooks.example.com/x', events: ['*'] };

describe('a document', () => {
  test('is read, with its URL normalised', () => {
    expect(parseWebhook({ ...document, description: 'pager' }, 'public')).toEqual({
      ok: true,
      value: { ...document, description: 'pager' },
    });
    expect(parseWebhook({ ...document, url: 'https://HOOKS.example.com' }, 'public')).toMatchObject(
      {
        value: { url: 'https://hooks.example.com/' },
      },
    );
    expect(parseWebhook({ ...document, events: ['debt', 'stuck'] }, 'public').ok).toBe(true);
  });

  test('is rejected with the wrong field', () => {
    const fieldOf = (json: unknown, reach: EgressReach = 'public') => {
      const parsed = parseWebhook(json, reach);
      return parsed.ok ? undefined : parsed.error[0]?.field;
    };
    expect(fieldOf({ ...document, url: 'https://10.0.0.1/' })).toBe('url');
    expect(fieldOf({ ...document, url: 'http://127.0.0.1/' })).toBe('url');
    expect(fieldOf({ ...document, url: 'http://127.0.0.1/' }, 'local_stack')).toBeUndefined();
    expect(fieldOf({ ...document, url: 7 })).toBe('url');
    expect(fieldOf({ ...document, events: [] })).toBe('events');
    expect(fieldOf({ ...document, events: ['debt', 'debt'] })).toBe('events');
    expect(fieldOf({ ...document, events: ['call'] })).toMatch(/^events/);
    expect(fieldOf({ ...document, description: 'a\nb' })).toBe('description');
    expect(fieldOf({ ...document, secret: 'x' })).toBe('secret');
    expect(fieldOf('https://hooks.example.com')).toBe('');
  });

  test('of a format has the fields of that format, and no other', () => {
    const faults = (more: object) => {
      const parsed = parseWebhook({ ...document, ...more }, 'public');
      return parsed.ok ? [] : parsed.error.map(({ field }) => field);
    };
    expect(faults({ format: 'slack' })).toEqual([]);
    // A reader sees only a part of a Slack webhook's URL, which must not be written back.
    expect(faults({ format: 'slack', url: 'https://hooks.slack.com/' })).toEqual(['url']);
    expect(faults({ format: 'email' })).toEqual(['from', 'to', 'token']);
    const mail = { from: 'Alerts <a@example.com>', to: ['b@example.com'], token: 're_1' };
    expect(faults({ format: 'email', ...mail })).toEqual([]);
    expect(faults({ format: 'slack', token: 're_1' })).toEqual(['token']);
    expect(faults({ token: 're_1' })).toEqual(['token']);
    expect(faults({ format: 'pager' })).toEqual(['format']);
    const injected = 'a@example.com\r\nBcc: c@example.com';
    expect(faults({ format: 'email', ...mail, from: injected })).toEqual(['from']);
    expect(faults({ format: 'email', ...mail, to: [injected] })[0]).toMatch(/^to/);
    expect(faults({ format: 'email', ...mail, to: [] })).toEqual(['to']);
    expect(faults({ format: 'email', ...mail, token: 'two words' })).toEqual(['token']);
    expect(parseWebhook({ ...document, format: 'countersign' }, 'public')).toEqual({
      ok: true,
      value: document,
    });
  });

  test('has a hash that does not depend on the order of its members', () => {
    const { url, events } = document;
    expect(webhookHash({ events, url })).toBe(webhookHash(document));
    expect(webhookHash({ ...document, events: ['debt'] })).not.toBe(webhookHash(document));
  });

  test('subscribes to the events that it lists', () => {
    expect(subscribesTo({ events: ['*'] }, 'debt')).toBe(true);
    expect(subscribesTo({ events: ['debt'] }, 'debt')).toBe(true);
    expect(subscribesTo({ events: ['stuck'] }, 'debt')).toBe(false);
  });
});

describe('a name', () => {
  test.each(['*', ACCOUNT] as const)('of scope %s is read as it was written', (scope) => {
    expect(readWebhookName(webhookName(scope, 'ops-1'))).toEqual({ scope, id: 'ops-1' });
  });

  test.each([
    'ops',
    '/ops',
    '**/ops',
    '*/',
    '*/Ops',
    '*/a/b',
    `${ACCOUNT}0/ops`,
    `x${ACCOUNT}/ops`,
  ])('%s is not a name', (name) => {
    expect(readWebhookName(name)).toBeUndefined();
  });
});
