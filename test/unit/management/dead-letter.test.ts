import { auditDeadLetter } from '../../../src/audit/consumer.ts';
import { type Config, gatewayAccount } from '../../../src/config/config.ts';
import { encodeBase64Url, utf8 } from '../../../src/crypto/bytes.ts';
import { manage } from '../../../src/management/router.ts';
import { recordDeadLetters, settlementDeadLetter } from '../../../src/settlement/dead-letter.ts';
import { webhookDeadLetter } from '../../../src/webhooks/consumer.ts';
import { alertEvent } from '../../../src/webhooks/message.ts';
import { db, freshDatabase, messageOf } from '../audit/database.ts';
import { ALICE, paidCalls, word } from '../audit/history.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { addressOf, NOW, vectorConfig } from '../gateway/signing.ts';
import { scriptedContext, signedRequest } from './scripted-context.ts';
import { alertOf } from '../webhooks/world.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { useVectorsClock } from '../../support/vectors-clock.ts';

const config: Config = { ...vectorConfig(), operators: [addressOf('owner')] };

useVectorsClock();
beforeEach(async () => {
  await freshDatabase();
  network(KEY_ACCOUNT);
});

const redrive = async (id: string, answers: Parameters<typeof scriptedContext>[1] = {}) => {
  const { context, asked, queued } = await scriptedContext(config, answers);
  const path = `/admin/dead-letters/${encodeBase64Url(utf8(id))}/redrive`;
  const answer = await manage(context, await signedRequest(config, 'deadletters.redrive', path));
  return { answer, asked, queued };
};

const listed = async () => {
  const { context } = await scriptedContext(config);
  const request = await signedRequest(config, 'deadletters.list', '/admin/dead-letters');
  const page = await (await manage(context, request)).json<{ items: Record<string, unknown>[] }>();
  return page.items;
};

const record = async (letter: ReturnType<typeof settlementDeadLetter>) => {
  await recordDeadLetters(db, [letter]);
  return letter.id;
};

describe('redriving a dead letter', () => {
  it('makes the account present its payment again, because only the account has the signature', async () => {
    const body = { v: 1, kind: 'settle', account: ALICE, call: word(5), signature: '0xsecret' };
    const id = await record(
      settlementDeadLetter({ id: 'm1', body }, 'countersign-settlement-dead', 'r', NOW),
    );
    const { answer, asked, queued } = await redrive(id);
    expect(answer.status).toBe(200);
    expect(asked).toMatchObject([
      {
        ...{ asked: 'apply', of: ALICE },
        order: { kind: 'redrive', call: word(5), by: { role: 'operator' } },
      },
    ]);
    expect(queued).toEqual([]);
    expect(await listed()).toMatchObject([
      {
        ...{ id: encodeBase64Url(utf8('m1')), queue: 'countersign-settlement-dead' },
        ...{ account: ALICE, call: word(5), redriven_at: NOW },
      },
    ]);
  });

  it('sends an audit message again, byte for byte', async () => {
    const message = await messageOf(paidCalls(ALICE, 3));
    const body = { ...message };
    const id = await record(
      auditDeadLetter({ id: 'm2', body }, 'countersign-audit-dead', 'r', NOW),
    );
    expect(id).toContain('/');
    const { answer, asked, queued } = await redrive(id);
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(queued).toEqual([{ queue: 'audit', message }]);
    expect(asked).toMatchObject([
      {
        of: gatewayAccount(config),
        order: { kind: 'deadLetter', id, by: { role: 'operator' } },
      },
    ]);
  });

  it('sends a webhook message again', async () => {
    const event = alertEvent(alertOf(ALICE));
    const body = { v: 1, scope: '*', webhook: 'ops', event };
    const id = await record(
      webhookDeadLetter({ id: 'm3', body }, 'countersign-webhooks-dead', 'r', NOW),
    );
    const { answer, queued } = await redrive(id);
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(queued).toEqual([{ queue: 'webhooks', message: body }]);
  });

  it('sends nothing for an intent that was used before', async () => {
    const message = await messageOf(paidCalls(ALICE, 1));
    const letter = auditDeadLetter({ id: 'm4', body: message }, 'countersign-audit-dead', 'r', NOW);
    const id = await record(letter);
    const { answer, queued } = await redrive(id, {
      apply: async () => ({ verdict: 'refused', fault: { reason: 'already_used' } }),
    });
    expect([answer.status, queued]).toEqual([409, []]);
    expect((await listed())[0]).not.toHaveProperty('redriven_at');
  });

  it.each([
    ['an unreadable message', 'countersign-audit-dead', 'not a message', 409],
    ['a truncated message', 'countersign-audit-dead', { v: 1, account: ALICE, body: 'x' }, 409],
    ['a payment without a call', 'countersign-settlement-dead', { v: 1 }, 409],
    ['a message of an unknown queue', 'countersign-other', { v: 1 }, 409],
  ] as const)('rejects %s', async (_, queue, body, status) => {
    const id = await record(settlementDeadLetter({ id: 'm5', body }, queue, 'r', NOW));
    const { answer, asked, queued } = await redrive(id);
    expect([answer.status, asked, queued]).toEqual([status, [], []]);
  });

  it('answers 404 for an unknown id', async () => {
    expect((await redrive('nothing')).answer.status).toBe(404);
    // The text is not the base64url of any id.
    const { context } = await scriptedContext(config);
    const path = '/admin/dead-letters/_/redrive';
    const request = await signedRequest(config, 'deadletters.redrive', path);
    expect((await manage(context, request)).status).toBe(404);
  });
});
