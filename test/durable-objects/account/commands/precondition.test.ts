import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import type { AccountCommand, Expected } from '../../../../src/protocol/account/command.ts';
import { randomHex, stubOf } from '../../support.ts';
import { enrol, ownerWith, restore } from '../../tree-support.ts';
import {
  intentOf,
  ownerBy,
  applyStatus,
  applyPolicy,
  applyLabel,
  standingOf,
  currentOf,
  changed,
  refused,
  tight,
  wide,
} from './command-support.ts';

afterEach(restore);

describe('If-Match', () => {
  test('lets one of two concurrent edits of one state win (lost update)', async () => {
    const owner = await ownerWith(1_000n);
    const by = ownerBy(owner);
    const first = currentOf(await applyPolicy(owner, by, tight));
    const [one, two] = await Promise.all([
      applyPolicy(owner, by, wide, { expected: first }),
      applyPolicy(owner, by, { perCall: '500u' }, { expected: first }),
    ]);
    expect(one).toMatchObject(changed);
    const current = currentOf(one);
    expect(two).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_failed', current },
    });
    expect((await standingOf(owner)).etags).toEqual({ owner: current });
  });

  test('is required to replace a policy, and not to create or remove one', async () => {
    const owner = await ownerWith(1_000n);
    const by = ownerBy(owner);
    const none = { expected: 'none' as const };
    const any = { expected: '*' as const };
    expect(await applyPolicy(owner, by, tight, any)).toEqual(refused('precondition_failed'));
    const current = currentOf(await applyPolicy(owner, by, tight, none));
    expect(await applyPolicy(owner, by, tight, none)).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_failed', current },
    });
    expect(await applyPolicy(owner, by, wide)).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_required', current },
    });
    // The same policy again replaces nothing.
    expect(await applyPolicy(owner, by, tight)).toMatchObject({ changed: false, current });
    expect(await applyPolicy(owner, by, wide, any)).toMatchObject(changed);
    expect(await applyPolicy(owner, by, null, { expected: current })).toMatchObject(
      refused('precondition_failed'),
    );
    const gone = await applyPolicy(owner, by, null);
    expect(gone).toMatchObject(changed);
    expect(gone).not.toHaveProperty('current');
    expect((await standingOf(owner)).etags).toEqual({});
  });

  test('guards labels, a status and the default grant', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const [one, two] = [await enrol(owner, agent), await enrol(owner, agent)];
    const by = ownerBy(owner);
    const label = currentOf(await applyLabel(agent, by, 'shop'));
    expect(await applyLabel(agent, by, 'other')).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_required', current: label },
    });
    expect(await applyLabel(agent, by, 'other', { expected: label })).toMatchObject(changed);
    expect(await standingOf(agent)).toMatchObject({ label: 'other' });

    const paused = currentOf(await applyStatus(agent, by, 'paused'));
    expect(await applyStatus(agent, by, 'frozen')).toMatchObject(changed);
    expect(await applyStatus(agent, by, 'active', intentOf(), paused)).toMatchObject(
      refused('precondition_failed'),
    );

    const commandOf = (grant: Hex, expected?: Expected): AccountCommand => ({
      kind: 'default',
      grant,
      by,
      intent: intentOf(),
      ...(expected === undefined ? {} : { expected }),
    });
    // The grant that was registered last is the default already.
    expect(await stubOf(agent).apply(commandOf(two.hash))).toMatchObject({ changed: false });
    const first = currentOf(await stubOf(agent).apply(commandOf(one.hash)));
    expect(await stubOf(agent).apply(commandOf(two.hash, 'none'))).toEqual({
      verdict: 'refused',
      fault: { reason: 'precondition_failed', current: first },
    });
    expect(await stubOf(agent).apply(commandOf(two.hash, first))).toMatchObject(changed);
  });
});
