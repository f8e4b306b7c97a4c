import type { LocalAccount } from 'viem';
import { describe, expect, it } from 'vitest';
import { type AgentDelegation } from '../../../src/client/index.ts';
import { accountOf, creditedAccount } from '../support/credit.ts';
import { callWith, grantFor, hashOf, stableWindow, grantedAgent } from '../support/grant.ts';
import { kindOf, readProblem } from '../support/offer.ts';
import { nowSeconds, newAccount } from '../support/payment.ts';
import { lookup, type ToolCall, translate } from '../support/world.ts';
import { expectOk, expectProblem } from '../support/expect-answer.ts';
import type { World } from '../support/world.ts';

const WORD = /^0x[0-9a-f]{64}$/;

/** Calls that their grant does not allow, each with the denial that the agent can act on. */
export const describeGrantDenials = (world: () => World, owner: () => LocalAccount): void => {
  describe('a call that its grant does not allow', () => {
    const price = { lookup: '1000', translate: '20000' } as const;

    it.each<{
      readonly what: string;
      readonly fields: Partial<AgentDelegation>;
      readonly call: ToolCall;
      readonly tool: keyof typeof price;
      readonly before: number;
      readonly denial: Readonly<Record<string, unknown>>;
    }>([
      {
        ...{ what: 'the cap per call', fields: { maxPerCall: 19_999n }, before: 0 },
        ...{ call: translate, tool: 'translate' },
        denial: { rule: 'per_call', limit: '19999', spent: '0', held: '0', remaining: '19999' },
      },
      {
        ...{ what: 'the total', fields: { maxTotal: 2_500n }, before: 2 },
        ...{ call: lookup, tool: 'lookup' },
        denial: { rule: 'lifetime', limit: '2500', spent: '2000', held: '0', remaining: '500' },
      },
      {
        ...{ what: 'the tools', fields: { tools: ['look', 'lookup.*', 'trans.*'] }, before: 0 },
        ...{ call: lookup, tool: 'lookup' },
        denial: { rule: 'tool' },
      },
      {
        ...{ what: 'an empty list of tools', fields: { tools: [] }, before: 0 },
        ...{ call: lookup, tool: 'lookup' },
        denial: { rule: 'tool' },
      },
      {
        ...{ what: 'the payees', fields: { payees: [`0x${'1'.repeat(40)}`] }, before: 0 },
        ...{ call: lookup, tool: 'lookup' },
        denial: { rule: 'payee' },
      },
      {
        ...{ what: 'an empty list of payees', fields: { payees: [] }, before: 0 },
        ...{ call: lookup, tool: 'lookup' },
        denial: { rule: 'payee' },
      },
    ])(
      'is denied by $what with 403 and everything that an agent can act on',
      async ({ fields, call, tool, before, denial }) => {
        const { agent, grant } = await grantedAgent(world(), owner(), fields);
        for (let made = 0; made < before; made += 1)
          await expectOk(callWith(world(), agent, call, grant.hash));
        const ran = await world().counts();
        const answer = await callWith(world(), agent, call, grant.hash);
        const problem = await expectProblem(answer, 403);
        expect(answer.headers.get('Retry-After')).toBeNull();
        expect(kindOf(problem)).toBe('denied');
        expect(problem).toMatchObject({
          ...{ ...denial, tool, price: price[tool], retry_allowed: false, grant: grant.hash },
          ...{ account: accountOf(agent.address), policy: expect.stringMatching(WORD) as string },
        });
        expect(problem).not.toHaveProperty('resets_at');
        expect(await world().counts()).toEqual(ran);
      },
    );

    it('is denied by the window with 429, the reset time and a retry', async () => {
      const windowSeconds = stableWindow();
      const { agent, grant } = await grantedAgent(world(), owner(), {
        windowSeconds,
        maxPerWindow: 1_500n,
      });
      await expectOk(callWith(world(), agent, lookup));
      const answer = await callWith(world(), agent, lookup);
      const problem = await expectProblem(answer, 429);
      const now = nowSeconds();
      const every = Number(windowSeconds);
      const resetsAt = (Math.floor(now / every) + 1) * every;
      expect(problem).toMatchObject({
        ...{ rule: 'window', account: accountOf(agent.address), grant: grant.hash },
        ...{ limit: '1500', spent: '1000', held: '0', remaining: '500' },
        ...{ resets_at: resetsAt, window: every, retry_allowed: true, tool: 'lookup' },
      });
      expect(Math.abs(Number(answer.headers.get('Retry-After')) - (resetsAt - now))).toBeLessThan(
        5,
      );
    });

    it('is denied with 403 when its price exceeds the whole window, because waiting does not help', async () => {
      const { agent } = await grantedAgent(world(), owner(), {
        windowSeconds: stableWindow(),
        maxPerWindow: 999n,
      });
      const answer = await callWith(world(), agent, lookup);
      const problem = await expectProblem(answer, 403);
      expect(problem).toMatchObject({ rule: 'window', limit: '999', retry_allowed: false });
      expect(answer.headers.get('Retry-After')).toBeNull();
    });

    it('is denied before validAfter with 429 and the time to wait', async () => {
      const { agent, grant } = await grantedAgent(world(), owner(), {
        validAfter: BigInt(nowSeconds() + 1_000),
      });
      const answer = await callWith(world(), agent, lookup, grant.hash);
      const problem = await expectProblem(answer, 429);
      expect(problem).toMatchObject({ rule: 'not_yet', retry_allowed: true, grant: grant.hash });
      expect(Math.abs(Number(answer.headers.get('Retry-After')) - 1_000)).toBeLessThan(10);
    });

    it('is denied after validUntil with 403', async () => {
      // Long enough for a slow machine to register the grant.
      const validUntil = BigInt(nowSeconds() + 4);
      const { agent, grant } = await grantedAgent(world(), owner(), {
        validUntil,
      });
      await expect
        .poll(() => BigInt(nowSeconds()) > validUntil, { timeout: 10_000, interval: 100 })
        .toBe(true);
      const byDefault = await readProblem(await callWith(world(), agent, lookup));
      expect(byDefault['rule']).toBe('expired');
      const problem = await expectProblem(callWith(world(), agent, lookup, grant.hash), 403);
      expect(problem).toMatchObject({ rule: 'expired', retry_allowed: false });
    });

    it('is denied under a grant of another agent or an unknown grant', async () => {
      const { agent } = await grantedAgent(world(), owner());
      const stolen = (await grantedAgent(world(), owner())).grant;
      for (const authority of [
        stolen.hash,
        hashOf(grantFor(world(), owner().address, newAccount().address)),
      ]) {
        const problem = await expectProblem(callWith(world(), agent, lookup, authority), 403);
        expect(problem).toMatchObject({ rule: 'authority', retry_allowed: false });
      }
    });

    it('is denied when it names a grant and its account has none', async () => {
      const stranger = await creditedAccount(world(), { credit: 10_000n, balance: 0n });
      const { grant } = await grantedAgent(world(), owner());
      const problem = await expectProblem(callWith(world(), stranger, lookup, grant.hash), 403);
      expect(problem).toMatchObject({ rule: 'authority' });
      await expectOk(callWith(world(), stranger, lookup));
    });
  });
};
