import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Status } from '../../../../src/protocol/account/command.ts';
import { accountOf, factsOf, intentCallOf, randomHex, stubOf, success } from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  denialOf,
  faultOf,
  freeOnce,
  ownerWith,
  pass,
  restore,
  ruleOf,
  setStatus,
} from '../../tree-support.ts';
import { fleetWith } from './fleets.ts';

afterEach(restore);

type Name = keyof Awaited<ReturnType<typeof fleetWith>>['all'];

describe('an account that is not active', () => {
  const cases: readonly {
    readonly node: Name;
    readonly status: Status;
    readonly stops: readonly Name[];
  }[] = (['frozen', 'paused', 'revoked'] as const).flatMap((status) => [
    { node: 'owner', status, stops: ['owner', 'manager', 'agent', 'sibling'] },
    { node: 'manager', status, stops: ['manager', 'agent'] },
    { node: 'agent', status, stops: ['agent'] },
  ]);

  test.for(cases)(
    '$node, $status: stops it and its descendants, and no other account',
    async (each) => {
      const { node, status, stops } = each;
      const fleet = await fleetWith();
      const ordered = await setStatus(fleet[node], status);
      const notified = stops.filter((name) => name !== node).map((name) => accountOf(fleet[name]));
      expect(ordered).toMatchObject({ verdict: 'applied', changed: true, silent: [] });
      if (ordered.verdict !== 'applied') return;
      expect(ordered.acknowledged.toSorted()).toEqual(notified.toSorted());
      for (const [name, account] of Object.entries(fleet.all)) {
        for (const verdict of [await callOnce(account, 10n), await freeOnce(account)]) {
          if (stops.includes(name as Name)) {
            expect(denialOf(verdict)).toMatchObject({
              rule: status,
              account: accountOf(fleet[node]),
              retryAllowed: status === 'paused',
            });
          } else expect(ruleOf(verdict)).toBe('go');
        }
      }
      // The same holds after every object restarted: a restarted account requests its lease again.
      for (const account of Object.values(fleet.all)) await evictDurableObject(stubOf(account));
      for (const name of stops) expect(ruleOf(await callOnce(fleet[name], 10n))).toBe(status);

      const resumed = await setStatus(fleet[node], 'active');
      if (status === 'revoked') {
        expect(faultOf(resumed)).toMatchObject({ reason: 'grant_refused', field: 'status' });
        for (const name of stops) expect(ruleOf(await callOnce(fleet[name], 10n))).toBe(status);
      } else {
        expect(resumed).toMatchObject({ verdict: 'applied', changed: true, silent: [] });
        // An account that received no push caches a refusal for two seconds.
        pass(3);
        for (const name of stops) expect(ruleOf(await callOnce(fleet[name], 10n))).toBe('go');
      }
    },
  );

  test('completes calls that were accepted before', async () => {
    const { owner, agent } = await branchWith(1_000n);
    const call = intentCallOf(agent, { price: 100n, settlement: 'credit', audience: AUDIENCE });
    const attempt = randomHex(16);
    expect((await stubOf(agent).reserve(call, attempt, { facts: factsOf(0n) })).verdict).toBe('go');
    await setStatus(owner, 'revoked');
    await setStatus(agent, 'frozen');
    expect(await stubOf(agent).finish(call.id, attempt, success)).toMatchObject({
      verdict: 'finished',
      state: 'committed',
      charged: 100n,
    });
    // A retry with its secret still gets the stored answer.
    const shown = { ...call, showsSecret: true };
    const again = await stubOf(agent).reserve(shown, randomHex(16), {});
    expect(again).toMatchObject({ verdict: 'stored', charged: 100n });
  });

  test('that is frozen can be paused or revoked, and a repeated command changes nothing', async () => {
    const owner = await ownerWith(1_000n);
    for (const status of ['frozen', 'paused', 'active', 'frozen', 'revoked'] as const) {
      expect(await setStatus(owner, status)).toMatchObject({ verdict: 'applied', changed: true });
      expect(await setStatus(owner, status)).toMatchObject({ verdict: 'applied', changed: false });
    }
    for (const status of ['active', 'paused', 'frozen'] as const) {
      expect(faultOf(await setStatus(owner, status))).toMatchObject({ field: 'status' });
    }
  });

  test('is retried two seconds later by a descendant that got no push of the resume', async () => {
    const { owner, agent } = await branchWith(1_000n);
    await setStatus(owner, 'paused');
    // The account holds no lease, so it receives no push.
    expect(ruleOf(await callOnce(agent, 10n))).toBe('paused');
    expect(await setStatus(owner, 'active')).toMatchObject({ acknowledged: [] });
    pass(3);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
  });

  test('serves every notified descendant at once after a resume', async () => {
    const { owner, agent } = await branchWith(1_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await setStatus(owner, 'paused');
    expect(ruleOf(await callOnce(agent, 10n))).toBe('paused');
    expect(await setStatus(owner, 'active')).toMatchObject({
      acknowledged: [accountOf(agent)],
    });
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
  });
});
