import { applyD1Migrations, type D1Migration } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, expect, test, vi } from 'vitest';
import {
  consumeDeadLetters,
  settlementDeadLetter,
  recordDeadLetters,
} from '../../../src/settlement/dead-letter.ts';
import { messageFor, NOW, paymentNumber } from './scripted.ts';

const { AUDIT_DB: database, TEST_MIGRATIONS: migrations } = env as typeof env & {
  TEST_MIGRATIONS: D1Migration[];
};
const body = messageFor(paymentNumber(1));
const message = (id: string, content: unknown = body) => ({
  id,
  body: content,
  attempts: 101,
  ack: vi.fn<() => void>(),
  retry: vi.fn<(options?: { delaySeconds?: number }) => void>(),
});
const rows = async () =>
  (await database.prepare('SELECT * FROM dead_letters ORDER BY id').all<Record<string, unknown>>())
    .results;

const consume = async (messages: readonly ReturnType<typeof message>[], now: number) =>
  consumeDeadLetters({ queue: 'settlement', messages }, database, settlementDeadLetter, now);

beforeEach(async () => {
  await applyD1Migrations(database, migrations);
  await database.prepare('DELETE FROM dead_letters').run();
});

test('records each dead letter once, without its signature, and acknowledges it', async () => {
  const [one, again, two] = [message('a'), message('a'), message('b', 'no JSON object')];
  await consume([one, two], NOW);
  await consume([again], NOW + 5);
  const { signature: _, ...kept } = body;
  expect(await rows()).toEqual([
    {
      id: 'a',
      queue: 'settlement',
      account: body.account,
      call: body.call,
      body: JSON.stringify(kept),
      at: NOW,
      reason: 'retries exhausted',
      redriven_at: null,
    },
    expect.objectContaining({ id: 'b', account: '', call: '', body: '"no JSON object"' }),
  ]);
  for (const each of [one, again, two]) {
    expect(each.ack).toHaveBeenCalledTimes(1);
    expect(each.retry).not.toHaveBeenCalled();
  }
});

test('retries a message that D1 did not record', async () => {
  await database.prepare('ALTER TABLE dead_letters RENAME TO elsewhere').run();
  const one = message('a');
  await consume([one], NOW);
  await database.prepare('ALTER TABLE elsewhere RENAME TO dead_letters').run();
  expect(one.ack).not.toHaveBeenCalled();
  expect(one.retry).toHaveBeenCalledTimes(1);
});

test('bounds a dead letter, whatever the message holds', async () => {
  const huge = settlementDeadLetter(
    { id: 'c', body: { account: 'x'.repeat(500), call: 7, junk: 'y'.repeat(50_000) } },
    'settlement',
    'malformed: call',
    NOW,
  );
  expect(huge.account).toHaveLength(128);
  expect(huge.call).toBe('');
  expect(huge.body).toHaveLength(16_384);
  expect(settlementDeadLetter({ id: 'd', body: { n: 1n } }, 'settlement', '', NOW).body).toBe(
    'not JSON',
  );
  await recordDeadLetters(database, []);
});
