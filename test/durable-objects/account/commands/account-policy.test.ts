import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Expected } from '../../../../src/protocol/account/command.ts';
import type { Json } from '../../../../src/protocol/entry.ts';
import { documentHash } from '../../../../durable-objects/account/commands/precondition.ts';
import { entriesOf, factsOf, intentCallOf, randomHex, stubOf, success } from '../../support.ts';
import { AUDIENCE, callOnce, enrol, ownerWith, restore, ruleOf } from '../../tree-support.ts';
import {
  ownerBy,
  operator,
  applyPolicy,
  standingOf,
  changed,
  seqOf,
  wide,
} from './command-support.ts';

afterEach(restore);

describe('running calls that a new policy would deny', () => {
  test('are counted in the answer and may finish; a dry run changes nothing', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const begin = async (price: bigint, tool: string) => {
      const call = intentCallOf(agent, { price, tool, settlement: 'credit', audience: AUDIENCE });
      const attempt = randomHex(16);
      const verdict = await stubOf(agent).reserve(call, attempt, { facts: factsOf(0n) });
      expect(verdict.verdict).toBe('go');
      return { call, attempt };
    };
    const dear = await begin(600n, 'lookup');
    await begin(10n, 'lookup');
    await begin(10n, 'search');
    const by = ownerBy(owner);
    const seq = await seqOf(agent);
    const cases = [
      [{ perCall: '500u' }, 1],
      [{ tools: ['search'] }, 2],
      [{ tools: ['*'] }, 0],
      [{ windows: [{ every: 'day', limit: '619u' }] }, 3],
      [{ windows: [{ every: 'day', limit: '620u' }] }, 0],
      [{ payees: [] }, 3],
      [{ payees: [dear.call.payTo] }, 0],
      [null, 0],
    ] as const;
    for (const [document, cutOff] of cases) {
      const answer = await applyPolicy(agent, by, document, { dryRun: true });
      expect(answer).toMatchObject({ inFlight: { held: 3, cutOff } });
    }
    expect(await seqOf(agent)).toBe(seq);
    expect((await standingOf(agent)).etags).toEqual({});
    expect(await applyPolicy(agent, by, { perCall: '500u' })).toMatchObject({
      ...changed,
      inFlight: { held: 3, cutOff: 1 },
    });
    expect(await stubOf(agent).finish(dear.call.id, dear.attempt, success)).toMatchObject({
      verdict: 'finished',
      charged: 600n,
    });
    const known = (await standingOf(agent)).etags?.owner;
    expect(await applyPolicy(agent, by, wide, { dryRun: true })).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_required', current: known },
    });
    const dry = await applyPolicy(agent, by, wide, { dryRun: true, expected: '*' });
    expect(dry).toMatchObject({ changed: true, current: known, inFlight: { held: 2, cutOff: 0 } });
  });
});

describe('the document of a policy', () => {
  test('is in the log once, and its hash in every entry', async () => {
    const payer = await ownerWith(1_000n);
    const [one, other] = [{ perCall: '5u' }, { perCall: '6u' }];
    const put = async (document: unknown, expected: Expected) =>
      expect(await applyPolicy(payer, operator, document, { expected })).toMatchObject(changed);
    await put(one, 'none');
    for (const document of [other, one, null]) await put(document, '*');
    await put(one, 'none');
    const entries = (await entriesOf(payer)).filter(({ type }) => type === 'account.policy');
    const texts = entries.map(({ evidence }) => evidence?.['policy']);
    expect(texts.map((text) => text !== undefined)).toEqual([true, true, false, false, false]);
    const hashes = entries.map(({ outcome }) => outcome?.['hash']);
    expect(hashes).toEqual([hashes[0], hashes[1], hashes[0], null, hashes[0]]);
    // The hash covers the document exactly as the entry holds it.
    expect(documentHash(texts[0] as Json)).toBe(hashes[0]);
    expect(documentHash(texts[1] as Json)).toBe(hashes[1]);
  });

  test('is written once to the journal, not with each later commit', async () => {
    const owner = await ownerWith(10_000n, { perCall: '4321u' });
    expect(ruleOf(await callOnce(owner, 100n))).toBe('go');
    const texts = await runInDurableObject(stubOf(owner), (_, { storage }) =>
      storage.sql.exec<{ text: string }>('SELECT text FROM journal ORDER BY seq').toArray(),
    );
    const account = texts.flatMap(({ text }) =>
      text.split('\n').filter((line) => line.startsWith('account\t')),
    );
    const written = account.filter((line) => line.includes('4321'));
    expect(written).toHaveLength(1);
    expect(account.indexOf(written[0] ?? '')).toBeLessThan(account.length - 1);
    await evictDurableObject(stubOf(owner));
    expect(ruleOf(await callOnce(owner, 5_000n))).toBe('per_call');
  });
});
