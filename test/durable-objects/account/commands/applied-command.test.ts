import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { CommandVerdict } from '../../../../src/protocol/account/command-verdict.ts';
import type { CommandIntent } from '../../../../src/protocol/account/command.ts';
import { APPLIED_COMMAND } from '../../../../durable-objects/account/commands/applied-command.ts';
import { onDisk, purseOf, randomHex, stubOf, tablesOf } from '../../support.ts';
import { callOnce, ownerWith, pass, restore, rowsOf, ruleOf } from '../../tree-support.ts';
import {
  intentOf,
  ownerBy,
  operator,
  applyStatus,
  applyPolicy,
  applyLabel,
  applyDocument,
  adjust,
  standingOf,
  changed,
  refused,
  seqOf,
  wide,
} from './command-support.ts';

afterEach(restore);

describe('a signed command', () => {
  test('is rejected in a second request, while a retry by the runtime gets the first answer', async () => {
    const owner = await ownerWith(1_000n);
    const freeze = intentOf();
    const first = await applyStatus(owner, ownerBy(owner), 'frozen', freeze);
    expect(first).toMatchObject(changed);
    expect(await applyStatus(owner, ownerBy(owner), 'active')).toMatchObject(changed);
    // An attacker who has seen the request sends it again.
    const again = { ...freeze, attempt: randomHex(16) };
    expect(await applyStatus(owner, ownerBy(owner), 'frozen', again)).toEqual(
      refused('already_used'),
    );
    expect(await applyStatus(owner, ownerBy(owner), 'frozen', freeze)).toEqual(first);
    await evictDurableObject(stubOf(owner));
    expect(await applyStatus(owner, ownerBy(owner), 'frozen', again)).toEqual(
      refused('already_used'),
    );
    expect((await standingOf(owner)).status).toBe('active');
  });

  test('is used up by a refusal, and not by a dry run or by a caller without permission', async () => {
    const owner = await ownerWith(1_000n);
    const intent = intentOf();
    const changes = { intent, expected: randomHex(32) };
    expect(await applyPolicy(owner, ownerBy(owner), wide, changes)).toEqual(
      refused('precondition_failed'),
    );
    // `If-Match` is not signed: an attacker who has seen the request could send it with another value.
    const again = { intent: { ...intent, attempt: randomHex(16) } };
    expect(await applyPolicy(owner, ownerBy(owner), wide, again)).toEqual(refused('already_used'));

    const dry = intentOf();
    for (let times = 0; times < 2; times += 1) {
      const intent = { ...dry, attempt: randomHex(16) };
      expect(
        await applyPolicy(owner, ownerBy(owner), wide, { intent, dryRun: true }),
      ).toMatchObject(changed);
    }
    const stranger = ownerBy(randomHex(20));
    expect(await applyPolicy(owner, stranger, wide, { intent: dry })).toEqual(refused('forbidden'));
    expect(await applyPolicy(owner, ownerBy(owner), wide, { intent: dry })).toMatchObject(changed);
  });

  test('is applied once by concurrent requests', async () => {
    const payer = randomHex(20);
    const intent = intentOf();
    const all = await Promise.all(
      Array.from({ length: 5 }, () => adjust(payer, 7n, { ...intent, attempt: randomHex(16) })),
    );
    expect(all.filter(({ verdict }) => verdict === 'applied')).toHaveLength(1);
    expect((await purseOf(payer)).credit).toBe('7');
  });

  test('is forgotten after its intent expired, and rejected as too old from then on', async () => {
    const owner = await ownerWith(1_000n);
    const kept = (): Promise<number> => onDisk(owner, (disk) => disk.count(APPLIED_COMMAND));
    const old = intentOf();
    await applyLabel(owner, ownerBy(owner), 'one', { intent: old });
    await applyLabel(owner, ownerBy(owner), null);
    expect(await kept()).toBe(2);
    pass(301);
    expect(
      await applyLabel(owner, ownerBy(owner), 'one', {
        intent: { ...old, attempt: randomHex(16) },
      }),
    ).toEqual(refused('already_used'));
    pass(60);
    expect(
      await applyLabel(owner, ownerBy(owner), 'one', {
        intent: { ...old, attempt: randomHex(16) },
      }),
    ).toEqual(refused('already_used'));
    await applyLabel(owner, ownerBy(owner), 'two');
    expect(await kept()).toBe(1);
    // The account has forgotten the command; it rejects the intent because it is too old.
    await applyLabel(owner, ownerBy(owner), null);
    expect(
      await applyLabel(owner, ownerBy(owner), 'one', {
        intent: { ...old, attempt: randomHex(16) },
      }),
    ).toEqual(refused('already_used'));
    expect(await standingOf(owner)).not.toHaveProperty('label');
  });

  test('is applied once, whatever its kind', async () => {
    const payer = await ownerWith(1_000n);
    const kinds: readonly ((intent: CommandIntent) => Promise<CommandVerdict>)[] = [
      (intent) => applyStatus(payer, operator, 'paused', intent),
      (intent) => applyPolicy(payer, operator, wide, { intent }),
      (intent) => applyLabel(payer, operator, 'shop', { intent }),
      (intent) => applyDocument(payer, { id: 'lookup' }, { intent }),
      (intent) => adjust(payer, 5n, intent),
    ];
    for (const give of kinds) {
      const intent = intentOf();
      const first = await give(intent);
      const seq = await seqOf(payer);
      expect(await give(intent)).toEqual(first);
      expect(await give({ ...intent, attempt: randomHex(16) })).toEqual(refused('already_used'));
      expect(await seqOf(payer)).toBe(seq);
    }
    expect((await purseOf(payer)).credit).toBe('1005');
  });
});

describe('storage', () => {
  test('calls neither create nor read the table of commands', async () => {
    const payer = await ownerWith(1_000n);
    const before = await rowsOf(payer);
    expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
    const alone = (await rowsOf(payer)) - before;
    expect(await tablesOf(payer)).not.toContain(APPLIED_COMMAND.name);
    await applyLabel(payer, ownerBy(payer), 'shop');
    const managed = await rowsOf(payer);
    expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
    expect((await rowsOf(payer)) - managed).toBeLessThanOrEqual(alone);
  });
});
