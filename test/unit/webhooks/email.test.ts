import { expect, inject, test, vi } from 'vitest';
import { parseWebhook, webhookName } from '../../../src/webhooks/document.ts';
import { sealWebhook } from '../../../src/webhooks/seal.ts';
import { ALICE, START } from '../audit/history.ts';
import { db } from '../audit/database.ts';
import { alertOf, consumer, queued, register } from './world.ts';
import { found, log, ONCE, useReceiver } from './receiver.ts';

useReceiver();

const TOKEN = 're_hunter2secret';
const REQUEST = {
  ...{ url: 'https://api.resend.com/emails', events: ['*'], format: 'email', token: TOKEN },
  ...{ from: 'Alerts <alerts@example.com>', to: ['me@example.com', 'you@example.com'] },
};

/** A fake e-mail provider that checks required members and the bearer token (https://resend.com/docs/api-reference/emails/send-email). */
const useProvider = async (...answers: readonly Response[]) => {
  const requests: Request[] = [];
  const bodies: Record<string, unknown>[] = [];
  const prepared = [...answers];
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    requests.push(request);
    const body = JSON.parse(await request.clone().text()) as Record<string, unknown>;
    bodies.push(body);
    if (request.headers.get('authorization') !== `Bearer ${TOKEN}`)
      return Response.json({ name: 'missing_api_key' }, { status: 401 });
    if (!['from', 'to', 'subject', 'text', 'html'].every((name) => name in body))
      return Response.json({ name: 'missing_required_field' }, { status: 422 });
    return prepared.shift() ?? Response.json({ id: '49a3999c' });
  });
  const parsed = parseWebhook(REQUEST, 'public');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const name = webhookName(ALICE, 'ops');
  await register(ALICE, 'ops', await sealWebhook(inject('receiptKey'), name, parsed.value));
  return { requests, bodies };
};

const deliver = async (now = START) => {
  const alert = {
    rule: 'webhook_disabled' as const,
    detail: { webhook: '<b>"x"</b>\r\nBcc: all@example.com', reason: 'gone', failures: 0 },
  };
  const [message] = await queued(ALICE, alertOf(ALICE, alert));
  const { consume, raised } = consumer();
  return { done: await consume([message], now), message, consume, raised };
};

test('an e-mail has the provider’s form, and its authorization', async () => {
  const { requests, bodies } = await useProvider();
  const { done, message } = await deliver();
  expect(done).toEqual(ONCE);
  const [request] = requests;
  expect(request?.url).toBe(REQUEST.url);
  expect(request?.headers.get('idempotency-key')).toBe(message?.event.id);
  expect(request?.headers.get('webhook-signature')).toBeNull();
  const { from, to, subject, text, html } = bodies[0] ?? {};
  expect({ from, to }).toEqual({ from: REQUEST.from, to: REQUEST.to });
  expect(subject).toBe('Countersign: A webhook is disabled');
  expect(text).toContain('The receiver of <b>"x"</b> Bcc: all@example.com is gone.');
  expect(html).toContain('&lt;b&gt;&quot;x&quot;&lt;/b&gt;');
  expect(html).not.toMatch(/<(?!\/?p>)/);
});

test('an e-mail is sent again with the same key, so that the provider drops a second one', async () => {
  const { requests } = await useProvider(new Response(null, { status: 500 }));
  const { message, consume } = await deliver();
  expect(await consume([message], START + 10)).toEqual(ONCE);
  const keys = requests.map(({ headers }) => headers.get('idempotency-key'));
  expect(keys).toEqual([message?.event.id, message?.event.id]);
});

test.each([401, 403, 422])('a provider’s %i is final for the message', async (status) => {
  await useProvider(new Response(null, { status }));
  expect((await deliver()).done).toEqual(ONCE);
  expect(await log()).toMatchObject([{ status, outcome: 'failed' }]);
  expect(await found()).toMatchObject({ failures: 1 });
});

test('the token is in no table', async () => {
  await useProvider();
  await deliver();
  const { results } = await db.prepare('SELECT * FROM webhooks').all();
  expect(JSON.stringify(results)).toContain('api.resend.com');
  expect(JSON.stringify([results, await log()])).not.toContain('hunter2');
});
