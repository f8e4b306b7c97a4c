import { describe, expect, it } from 'vitest';
import {
  inFormat,
  missingIn,
  webhookDraftOf,
  webhookRequestOf,
} from '../../../../../src/dashboard/data/webhooks/webhook-draft.ts';
import type { Webhook } from '../../../../../src/dashboard/data/webhooks/webhooks.ts';

const NEW = webhookDraftOf(undefined);

const SLACK = {
  ...{ id: 'ops', etag: '"1"', format: 'slack', url: 'https://hooks.slack.com' },
  ...{ description: 'for the night', events: ['debt'], state: 'active', failures: 0 },
} as unknown as Webhook;

describe('a new webhook', () => {
  it('lacks an address', () => {
    expect(missingIn(NEW)).toEqual({ url: 'Enter the address.' });
  });

  it('is named after its format', () => {
    expect(inFormat(NEW, 'countersign', undefined).name).toBe('program');
  });

  it('in e-mail starts at the provider, and lacks everything that sends a message', () => {
    const draft = inFormat(NEW, 'email', undefined);
    expect(draft.url).toBe('https://api.resend.com/emails');
    expect(Object.keys(missingIn(draft))).toEqual(['to', 'from', 'token']);
  });

  it('is sent without the spaces around its texts', () => {
    const draft = {
      ...inFormat(NEW, 'email', undefined),
      ...{
        url: ' https://mail.example ',
        from: 'Ops <a@ops.example> ',
        to: 'b@x.example, c@x.example',
      },
      token: ' secret ',
    };
    expect(webhookRequestOf(draft, undefined)).toEqual({
      ...{ url: 'https://mail.example', events: ['*'], format: 'email', token: 'secret' },
      ...{ from: 'Ops <a@ops.example>', to: ['b@x.example', 'c@x.example'] },
    });
  });
});

describe('a webhook that is replaced', () => {
  it('keeps its name in another format', () => {
    expect(inFormat(webhookDraftOf(SLACK), 'countersign', SLACK).name).toBe('ops');
  });

  it('asks for the address of Slack again, of which the gateway shows the origin only', () => {
    expect(missingIn(webhookDraftOf(SLACK))).toEqual({ url: 'Enter the address.' });
  });

  it('keeps its description', () => {
    const draft = { ...webhookDraftOf(SLACK), url: 'https://hooks.slack.com/T1' };
    expect(webhookRequestOf(draft, SLACK)).toMatchObject({
      description: 'for the night',
      format: 'slack',
    });
  });
});
