import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { DOCUMENT } from '../../../../durable-objects/account/commands/document.ts';
import { entriesOf, onDisk, randomHex, stubOf, tablesOf } from '../../support.ts';
import { branchWith, callOnce, restore, ruleOf } from '../../tree-support.ts';
import {
  applyDocument,
  changed,
  currentOf,
  lastEntry,
  operator,
  ownerBy,
  refused,
} from './command-support.ts';

afterEach(restore);

describe('documents', () => {
  const tool = { id: 'lookup', price: '$0.01', nested: { list: [1, 'two', null, true] } };

  test('are stored, replaced with the current hash, and removed', async () => {
    const keeper = randomHex(20);
    expect(await stubOf(keeper).document('tool', 'lookup')).toEqual({ verdict: 'unknown' });
    const hash = currentOf(await applyDocument(keeper, tool, { expected: 'none' }));
    await evictDurableObject(stubOf(keeper));
    expect(await stubOf(keeper).document('tool', 'lookup')).toEqual({
      verdict: 'found',
      hash,
      document: tool,
    });
    expect(await lastEntry(keeper)).toMatchObject({
      type: 'tool.put',
      outcome: { name: 'lookup', hash },
      evidence: { document: tool, by: operator.account, role: 'operator' },
    });
    // The same document with its members in another order has the same hash.
    const { id, ...rest } = tool;
    expect(await applyDocument(keeper, { ...rest, id })).toMatchObject({
      changed: false,
      current: hash,
    });
    expect(await applyDocument(keeper, { id: 'other' })).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_required', current: hash },
    });
    expect(await applyDocument(keeper, { id: 'other' }, { expected: hash })).toMatchObject(changed);
    expect(await applyDocument(keeper, null, { expected: hash })).toMatchObject(
      refused('precondition_failed'),
    );
    expect(await applyDocument(keeper, null)).toMatchObject(changed);
    expect(await lastEntry(keeper)).toMatchObject({
      type: 'tool.removed',
      outcome: { name: 'lookup' },
    });
    expect(await applyDocument(keeper, null)).toMatchObject({ changed: false });
    expect(await stubOf(keeper).document('tool', 'lookup')).toEqual({ verdict: 'unknown' });
  });

  test('are in the log once: later entries name a document by its hash', async () => {
    const keeper = randomHex(20);
    const other = { ...tool, description: 'Another text.' };
    const put = (document: unknown) => applyDocument(keeper, document, { expected: '*' });
    await applyDocument(keeper, tool, { expected: 'none' });
    for (const document of [other, tool, other]) {
      expect(await put(document)).toMatchObject(changed);
    }
    await evictDurableObject(stubOf(keeper));
    expect(await put(tool)).toMatchObject(changed);
    const entries = (await entriesOf(keeper)).filter(({ type }) => type === 'tool.put');
    expect(entries.map(({ evidence }) => evidence?.['document'])).toEqual([
      ...[tool, other, undefined, undefined, undefined],
    ]);
    const [first, second] = entries.map(({ outcome }) => outcome?.['hash']);
    expect(entries.map(({ outcome }) => outcome?.['hash'])).toEqual([
      ...[first, second, first, second, first],
    ]);
    // The account stores the document itself, whichever entry contains it.
    expect(await stubOf(keeper).document('tool', 'lookup')).toMatchObject({ document: tool });
  });

  test('start from the gateway’s configuration until a command changes them', async () => {
    const keeper = randomHex(20);
    const known = randomHex(32);
    expect(await applyDocument(keeper, tool, { known })).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_required', current: known },
    });
    expect(await applyDocument(keeper, tool, { known, expected: 'none' })).toMatchObject(
      refused('precondition_failed'),
    );
    expect(await applyDocument(keeper, null, { known, expected: known })).toMatchObject(changed);
    // A removed document stays removed, even if an isolate still has the configured one.
    expect(await applyDocument(keeper, tool, { known, expected: known })).toEqual(
      refused('precondition_failed'),
    );
    expect(await applyDocument(keeper, tool, { known, expected: 'none' })).toMatchObject(changed);
  });

  test('must be JSON without fractions, of at most 40 KiB (a webhook: 16 KiB) and seven levels', async () => {
    const keeper = randomHex(20);
    const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
    const bad = ['x'.repeat(40_959), { price: 0.5 }, deep(8), { text: '\ud800' }];
    for (const document of bad) {
      expect(await applyDocument(keeper, document)).toMatchObject(refused('not_writable'));
    }
    const hook = 'x'.repeat(16_383);
    expect(await applyDocument(keeper, hook, { type: 'webhook' })).toMatchObject(
      refused('not_writable'),
    );
    expect(await applyDocument(keeper, tool, { name: '' })).toMatchObject(refused('not_writable'));
    expect(await tablesOf(keeper)).toEqual([]);
    expect(await applyDocument(keeper, deep(7))).toMatchObject(changed);
    await applyDocument(keeper, 'x'.repeat(40_958), { name: 'long' });
    // The entry of a document must fit into an export chunk.
    expect((await entriesOf(keeper)).map(({ type }) => type)).toEqual(['tool.put', 'tool.put']);
  });

  test('let an owner put and remove webhooks of its own account and of its descendants', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const hook = { url: 'https://owner.example/hook', events: ['*'] };
    const on = (payer: Hex, by: Hex, document: unknown) =>
      applyDocument(payer, document, { type: 'webhook', name: 'main', by: ownerBy(by) });
    expect(await on(owner, owner, hook)).toMatchObject(changed);
    expect(await on(agent, manager, hook)).toMatchObject(changed);
    expect(await lastEntry(agent)).toMatchObject({ type: 'webhook.put' });
    expect(await on(agent, owner, null)).toMatchObject(changed);
    expect(await lastEntry(agent)).toMatchObject({ type: 'webhook.removed' });
    const rows = await onDisk(agent, (disk) => disk.count(DOCUMENT));
    expect(rows).toBe(0);
  });
});
