import { storeChunk } from '../../../src/audit/store.ts';
import { textHash } from '../../../src/audit/verify/logged-text.ts';
import { type Config, gatewayAccount } from '../../../src/config/config.ts';
import { manage } from '../../../src/management/router.ts';
import type { EntryBody, Json } from '../../../src/protocol/entry.ts';
import { db, freshDatabase, messageOf } from '../audit/database.ts';
import { ALICE, history, START } from '../audit/history.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { addressOf, NOW, vectorConfig } from '../gateway/signing.ts';
import { scriptedContext, signedRequest } from './scripted-context.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { useVectorsClock } from '../../support/vectors-clock.ts';

const config: Config = { ...vectorConfig(), operators: [addressOf('owner')] };
const TERMS = { tool: 'translate', price: '20000', pricing: 'exact' };
const POLICY = { perCall: '1000000' };
const PRIVATE = { perCall: '7' };

const entryOf = (type: EntryBody['type'], member: string, text: Json): EntryBody => ({
  type,
  at: START,
  evidence: { [member]: text },
  outcome: { hash: textHash(text) },
});

useVectorsClock();
beforeEach(async () => {
  await freshDatabase();
  network(KEY_ACCOUNT);
  const gateway = gatewayAccount(config);
  const published = [
    entryOf('alert.raised', 'document', { about: 'nothing' }),
    entryOf('tool.listed', 'document', TERMS),
    entryOf('policy.default', 'policy', POLICY),
    // The same log contains the operator's policy for another account.
    entryOf('account.policy', 'policy', PRIVATE),
  ];
  const stored = await storeChunk(db, await messageOf(history(gateway, published)), NOW);
  if (!stored.ok) throw new Error('the chunk was not stored');
});

const ask = async (text: Json) => {
  const { context } = await scriptedContext(config, {
    relation: async () => ({ verdict: 'found', relation: 'self', hasParent: true, exists: true }),
  });
  const path = `/accounts/${ALICE}/texts/${textHash(text)}`;
  return manage(context, await signedRequest(config, 'account.text', path));
};

describe('a text that decides calls', () => {
  it.each([
    ['terms of a tool', TERMS],
    ['default policy', POLICY],
  ])('is shown to a reader of an account that knows its hash: %s', async (_, text) => {
    const answer = await ask(text);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ hash: textHash(text), text });
  });

  it.each([
    ['a policy of another account', PRIVATE],
    ['a member of an alert', { about: 'nothing' }],
    ['a text that no log has', { perCall: '8' }],
  ])('is not %s', async (_, text) => {
    const answer = await ask(text);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      type: expect.stringContaining('unknown-document') as unknown,
    });
  });
});
