import {
  createExecutionContext,
  createMessageBatch,
  getQueueResult,
  applyD1Migrations,
  runDurableObjectAlarm,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { readLog, verifyRun } from '../../../src/audit/run.ts';
import { signaturesOf } from '../../support/verify-log.ts';
import { GENESIS } from '../../../src/audit/entry.ts';
import { onAuditBatch } from '../../../src/signer/worker/audit-queue.ts';
import type { SignerEnv } from '../../../src/signer/env.ts';
import { ask, askIntent, enrolAgent, entriesOf, intentOf, newOwner } from './world.ts';

const bindings = env as unknown as SignerEnv & {
  readonly TEST_MIGRATIONS: Parameters<typeof applyD1Migrations>[1];
};

beforeAll(() => applyD1Migrations(bindings.AUDIT_DB, bindings.TEST_MIGRATIONS));

describe('the log of a keyring', () => {
  it('is exported to the own database, and verifies with every signature of the owner', async () => {
    const agent = await enrolAgent(newOwner());
    await askIntent(agent, intentOf(agent));
    await ask(agent, 'personal_sign', '0x00');
    const sent: unknown[] = [];
    const send = vi.spyOn(bindings.AUDIT_QUEUE, 'send').mockImplementation(async (body) => {
      sent.push(body);
      return undefined as never;
    });
    expect(await runDurableObjectAlarm(agent.owner.stub())).toBe(true);
    send.mockRestore();
    const messages = sent.map((body, at) => ({
      id: String(at),
      timestamp: new Date(),
      attempts: 1,
      body,
    }));
    const batch = createMessageBatch('countersign-signer-audit', messages);
    await onAuditBatch(batch, bindings);
    const result = await getQueueResult(batch, createExecutionContext());
    expect(result.explicitAcks).toHaveLength(messages.length);
    const stored = await Promise.resolve(agent.owner.stub().entries(0, 10));
    expect(stored).toMatchObject({ exported: 3 });

    const entries = await entriesOf(agent.owner);
    const read = readLog(entries.map((entry) => JSON.stringify(entry)).join('\n'));
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    expect(verifyRun(read.value, { after: GENESIS })).toMatchObject({
      ok: true,
      value: { last: 3 },
    });
    expect(await signaturesOf(read.value)).toMatchObject({ verdict: 'proved', checked: 1 });
    expect(entries.map(({ type }) => type)).toEqual([
      'signer.enrolled',
      'signer.signed',
      'signer.refused',
    ]);
  });
});
