import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import {
  entriesOf,
  factsOf,
  failure,
  intentCallOf,
  purseOf,
  randomHex,
  stubOf,
  success,
} from '../../support.ts';
import {
  AUDIENCE,
  callOnce,
  callWhile,
  enrol,
  limitOf,
  ownerWith,
  pass,
  putToSleep,
  restore,
  ruleOf,
  setStatus,
  watchRecalls,
} from '../../tree-support.ts';
import { WINDOW, windowOf } from './fleets.ts';

afterEach(restore);

describe('one restart in the middle', () => {
  const abort = async (payer: Hex): Promise<void> => {
    // An aborted object answers nothing.
    await runInDurableObject(stubOf(payer), (_, state) => state.abort('test')).catch(
      () => undefined,
    );
  };
  const ways = [
    ['evicted', putToSleep],
    ['aborted', abort],
  ] as const;
  const who = ['owner', 'agent', 'both'] as const;
  const cases = ways.flatMap(([way, stop]) => who.map((each) => [each, way, stop] as const));

  /** Expects that after every report, the owner's remaining amount and the descendants' charges add up to the whole. */
  const expectSum = async (owner: Hex, agent: Hex, all: bigint): Promise<void> => {
    await setStatus(owner, 'paused');
    const charged = (await entriesOf(agent))
      .filter(({ type }) => type === 'call.finished')
      .reduce((sum, { amounts }) => sum + BigInt(String(amounts?.['charged'] ?? 0)), 0n);
    expect(charged).toBeGreaterThan(0n);
    const { credit, creditLent, creditHeld } = await purseOf(owner);
    expect({ credit, creditLent, creditHeld }).toEqual({
      credit: `${all - charged}`,
      creditLent: '0',
      creditHeld: '0',
    });
    const { spent, held } = await limitOf(owner, WINDOW);
    expect({ spent, held }).toEqual({ spent: `${charged}`, held: '0' });
  };

  const fleet = async () => {
    const owner = await ownerWith(10_000n, windowOf(5_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    return { owner, agent };
  };

  test.for(cases)('of a call on lent credit: %s %s', async ([which, , stop]) => {
    for (const outcome of [success, failure, { ...success, amount: 30n }]) {
      const { owner, agent } = await fleet();
      expect(ruleOf(await callOnce(agent, 50n))).toBe('go');
      const call = intentCallOf(agent, { price: 400n, settlement: 'credit', audience: AUDIENCE });
      const attempt = randomHex(16);
      const verdict = await stubOf(agent).reserve(call, attempt, { facts: factsOf(0n) });
      expect(verdict.verdict).toBe('go');
      if (which !== 'agent') await stop(owner);
      if (which !== 'owner') await stop(agent);
      expect(await stubOf(agent).finish(call.id, attempt, outcome)).toMatchObject({
        verdict: 'finished',
      });
      expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
      await expectSum(owner, agent, 10_000n);
    }
  });

  test.for(ways)('of a return, between the commit and the report: %s', async ([, stop]) => {
    const { owner, agent } = await fleet();
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const spy = vi
      .spyOn(AgentAccount.prototype, 'giveBack')
      .mockRejectedValue(new Error('the process has ended'));
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    expect(spy).toHaveBeenCalledTimes(1);
    spy.mockRestore();
    await stop(agent);
    expect((await purseOf(owner)).creditLent).not.toBe('0');
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await expectSum(owner, agent, 10_000n);
  });

  test.for(ways)('of a return, after the parent merged its report: %s', async ([, stop]) => {
    const { owner, agent } = await fleet();
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const spy = vi.spyOn(AgentAccount.prototype, 'giveBack');
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    expect(spy).toHaveBeenCalledTimes(1);
    expect(await purseOf(owner)).toMatchObject({ credit: '9920', creditLent: '0' });
    await stop(agent);
    // The same report once more changes nothing.
    const [[child, branches] = ['eip155:1:0x', {}] as const] = spy.mock.calls;
    await stubOf(owner).giveBack(child, branches);
    expect((await callWhile(agent, 10n, 5)).went).toBe(5);
    await expectSum(owner, agent, 10_000n);
  });

  test('of a return, while its report is on the way', async () => {
    const { owner, agent } = await fleet();
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    let stopped: Promise<void> | undefined;
    const spy = vi.spyOn(AgentAccount.prototype, 'giveBack').mockImplementation(async () => {
      stopped ??= abort(agent);
      await stopped;
      return { verdict: 'unavailable' };
    });
    pass(70);
    await runDurableObjectAlarm(stubOf(agent)).catch(() => undefined);
    expect(stopped).toBeDefined();
    await stopped;
    spy.mockRestore();
    expect((await callWhile(agent, 10n, 5)).went).toBe(5);
    await expectSum(owner, agent, 10_000n);
  });

  test.for(cases)('of a recall whose answer is lost: %s %s', async ([which, , stop]) => {
    const { owner, agent } = await fleet();
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect((await purseOf(owner)).creditLent).not.toBe('0');
    let lost = 0;
    watchRecalls(async (_, real) => {
      await real();
      lost += 1;
      return { verdict: 'unavailable' };
    });
    await setStatus(owner, 'frozen');
    expect(lost).toBe(1);
    restore();
    if (which !== 'agent') await stop(owner);
    if (which !== 'owner') await stop(agent);
    await setStatus(owner, 'active');
    pass(3);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await expectSum(owner, agent, 10_000n);
  });
});
