import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { AuditMessage } from '../../../src/audit/chunk.ts';
import { auditDeadLetter } from '../../../src/audit/consumer.ts';
import { decodeBase64 } from '../../../src/crypto/bytes.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { consumeDeadLetters } from '../../../src/settlement/dead-letter.ts';
import { alice, cut, deliver, listeners, mallory, QUEUE } from './consumer-fixture.ts';
import { db, freshDatabase, messageOf, rows, storedEntries } from './database.ts';
import { ALICE, MALLORY, START } from './history.ts';

beforeEach(async () => {
  await freshDatabase();
  vi.spyOn(console, 'error').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

describe('a message that no account could have sent', () => {
  const tampered = async (): Promise<AuditMessage> => {
    const entry = { ...(alice[0] as Entry), tool: 'other' };
    return messageOf(alice.slice(0, 3).with(0, entry));
  };

  test('is recorded as a dead letter, acknowledged, and blocks no other message', async () => {
    const { acknowledged, account } = listeners();
    const bodies = [{ v: 1, junk: 10n }, await tampered(), await cut(mallory, 0, 3)];
    expect(await deliver(bodies, { account })).toMatchObject({
      acked: ['m0', 'm1', 'm2'],
      retried: [],
    });
    expect(acknowledged).toEqual([[MALLORY, 3]]);
    expect(await storedEntries(ALICE)).toEqual([]);
    const letters = await rows('dead_letters');
    expect(letters).toMatchObject([
      { id: `${QUEUE}/${ALICE}/1`, queue: QUEUE, account: ALICE, at: START },
      { id: 'm0', account: '', body: '{"v":1,"junk":"10"}', reason: 'malformed message' },
    ]);
    expect(JSON.parse(letters[0]?.reason as string)).toEqual({
      kind: 'broken',
      broken: { index: 0, seq: 1, reason: 'altered' },
    });
  });

  test('is one dead letter, however often it is sent', async () => {
    const { account } = listeners();
    for (let times = 0; times < 3; times += 1) await deliver([await tampered()], { account });
    expect(await rows('dead_letters')).toHaveLength(1);
  });

  test('can be redriven from its dead letter', async () => {
    const message = await cut(alice, 0, 3);
    const batch = createMessageBatch(`${QUEUE}-dead`, [
      { id: 'd0', timestamp: new Date(), attempts: 1, body: message as unknown },
      { id: 'd1', timestamp: new Date(), attempts: 1, body: 'junk' },
    ]);
    await consumeDeadLetters(batch, db, auditDeadLetter, START);
    expect((await getQueueResult(batch, createExecutionContext())).explicitAcks).toEqual([
      'd0',
      'd1',
    ]);
    const letters = await rows('dead_letters');
    expect(letters.map(({ reason }) => reason)).toEqual(['retries exhausted', 'retries exhausted']);
    const body = JSON.parse(letters.find(({ account }) => account === ALICE)?.body as string);
    const { account } = listeners();
    const again = { ...body, body: decodeBase64(body.body) };
    expect(await deliver([again], { account })).toMatchObject({ acked: ['m0'] });
    expect(await storedEntries(ALICE)).toEqual(alice.slice(0, 3));
  });

  test('stays in the dead-letter queue until it is recorded', async () => {
    // Test files share the database.
    onTestFinished(freshDatabase);
    await db.prepare('DROP TABLE dead_letters').run();
    const batch = createMessageBatch(`${QUEUE}-dead`, [
      { id: 'd0', timestamp: new Date(), attempts: 1, body: 'junk' as unknown },
    ]);
    await consumeDeadLetters(batch, db, auditDeadLetter, START);
    const result = await getQueueResult(batch, createExecutionContext());
    expect(result.explicitAcks).toEqual([]);
    expect(result.retryMessages).toMatchObject([{ msgId: 'd0' }]);
  });
});
