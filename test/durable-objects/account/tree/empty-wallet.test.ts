import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  accountOf,
  callOf,
  entriesOf,
  factsOf,
  purseOf,
  randomHex,
  stubOf,
  success,
  topUpOf,
} from '../../support.ts';
import {
  AUDIENCE,
  denialOf,
  enrol,
  ownerWith,
  restore,
  ruleOf,
  setStatus,
} from '../../tree-support.ts';

afterEach(restore);

describe('an agent with an empty wallet', () => {
  const kinds = [
    ['a vanilla payment', { binding: 'none', settlement: 'deferred' }],
    ['a vanilla payment that is settled first', { binding: 'none', settlement: 'upfront' }],
    ['a bound payment', { binding: 'intent', settlement: 'deferred' }],
  ] as const;

  const ask = (
    payer: Hex,
    changes: Partial<Parameters<typeof callOf>[1] & object>,
    balance = 0n,
  ) => {
    const call = callOf(payer, { price: 100n, audience: AUDIENCE, ...changes });
    const attempt = randomHex(16);
    return stubOf(payer)
      .reserve(call, attempt, { facts: factsOf(balance) })
      .then((verdict) => ({ call, attempt, verdict }));
  };

  test.for(kinds)('is paid for by its owner when it presents %s', async ([, changes]) => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const { call, attempt, verdict } = await ask(agent, changes);
    expect(verdict).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
    expect(await stubOf(agent).finish(call.id, attempt, success)).toMatchObject({
      state: 'committed',
      charged: 100n,
      payment: 'none',
    });
    const accepted = (await entriesOf(agent)).find(({ type }) => type === 'call.accepted');
    expect(accepted?.payment).toMatchObject({ paidBy: 'lent' });
    await setStatus(owner, 'paused');
    expect(await purseOf(owner)).toMatchObject({ credit: '900', creditLent: '0' });
    expect(await purseOf(agent)).toMatchObject({ credit: '0' });
  });

  test.for(kinds)('pays itself for what its wallet covers, with %s', async ([, changes]) => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    // The payer has no settled payment here yet, so this payment settles first.
    expect((await ask(agent, changes, 100n)).verdict).toMatchObject({
      verdict: 'settle',
      paidFrom: 'payment',
    });
    expect((await purseOf(owner)).creditLent).toBe('0');
  });

  test('cannot make its owner pay for a top-up', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const topUps = [
      topUpOf(agent, 100n),
      topUpOf(agent, 100n, { topUp: { to: accountOf(owner) } }),
    ];
    for (const call of topUps) {
      const verdict = await stubOf(agent).reserve(call, randomHex(16), { facts: factsOf(0n) });
      expect(ruleOf(verdict)).toBe('balance');
    }
    expect(await purseOf(owner)).toMatchObject({ credit: '1000', creditLent: '0' });
  });

  test.for(kinds)('without a grant is denied by its balance, with %s', async ([, changes]) => {
    const { verdict } = await ask(randomHex(20), changes);
    expect(denialOf(verdict)).toMatchObject({
      rule: 'balance',
      limit: { limit: '0' },
      retryAllowed: true,
    });
  });

  test('gets a denial by its balance when its owner has no money either', async () => {
    const owner = await ownerWith(50n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(ruleOf((await ask(agent, {})).verdict)).toBe('balance');
    expect((await purseOf(owner)).creditLent).toBe('0');
  });
});
