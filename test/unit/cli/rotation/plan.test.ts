import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextName } from '../../../../src/cli/rotation/keys.ts';
import {
  allowanceOf,
  type OldGrant,
  policyAfter,
  policyDuring,
  successorOf,
  windowsEnd,
} from '../../../../src/cli/rotation/plan.ts';
import { totalsOf } from '../../../../src/cli/rotation/rotate-owner.ts';
import { relayerStep } from '../../../../src/cli/rotation/rotate-relayer.ts';
import { remainingOf, usedOf, usedOfOwn } from '../../../../src/cli/rotation/used.ts';
import type { PolicyDocument } from '../../../../src/management/policy.route.ts';
import { parsePolicy } from '../../../../src/policy/policy.ts';
import { USD_ADDRESS } from '../../../../src/protocol/fiat-asset.ts';
import type { AgentDelegation } from '../../../../src/protocol/intent/agent-delegation.ts';

const ASSET = `0x${'11'.repeat(20)}` as const;
const NEXT = { delegate: `0x${'cc'.repeat(20)}`, id: `0x${'dd'.repeat(32)}`, epoch: 9n } as const;

const delegationOf = (changes: Partial<AgentDelegation> = {}): AgentDelegation => ({
  issuer: `0x${'aa'.repeat(20)}`,
  delegate: `0x${'bb'.repeat(20)}`,
  audience: 'https://gateway.example',
  tools: ['lookup'],
  payees: [`0x${'ff'.repeat(20)}`],
  asset: ASSET,
  maxPerCall: 100n,
  maxTotal: 1_000n,
  windowSeconds: 86_400n,
  maxPerWindow: 300n,
  validAfter: 0n,
  validUntil: 2_000_000_000n,
  epoch: 1n,
  depth: 1,
  id: `0x${'ee'.repeat(32)}`,
  parent: `0x${'00'.repeat(32)}`,
  ...changes,
});
const grantOf = (
  changes: Partial<AgentDelegation>,
  used: OldGrant['used'] = { total: 0n, window: 0n },
): OldGrant => ({ hash: `0x${'12'.repeat(32)}`, delegation: delegationOf(changes), used });

const windowLimit = (document: ReturnType<typeof policyDuring>, every: unknown): bigint => {
  const parsed = parsePolicy(document);
  if (!parsed.ok) throw new Error('not a policy');
  return parsed.value.windows.find((window) => window.every === every)?.limit ?? -1n;
};

const amount = fc.bigInt({ min: 0n, max: 10_000n });

describe('the grant of a new key', () => {
  it('and what the old key can still spend never exceed the old total', () => {
    fc.assert(
      fc.property(amount, amount, amount, (maxTotal, spent, reserved) => {
        const grant = grantOf({ maxTotal }, { total: spent, window: 0n });
        const next = successorOf(grant, reserved, NEXT);
        const left = maxTotal > spent ? maxTotal - spent : 0n;
        // The cap and the old grant each bound the old key.
        const byOldKey = reserved < left ? reserved : left;
        expect((next?.maxTotal ?? 0n) + byOldKey).toBeLessThanOrEqual(left);
      }),
    );
  });

  it('keeps every other term', () => {
    const grant = grantOf({}, { total: 100n, window: 0n });
    expect(successorOf(grant, 50n, NEXT)).toEqual({
      ...grant.delegation,
      ...NEXT,
      maxTotal: 850n,
    });
  });

  it('does not exist if nothing remains, unless the old one allowed free tools only', () => {
    expect(successorOf(grantOf({}, { total: 1_000n, window: 0n }), 0n, NEXT)).toBeUndefined();
    expect(successorOf(grantOf({ maxTotal: 0n }), 5n, NEXT)?.maxTotal).toBe(0n);
  });
});

describe('the policy of a new key', () => {
  it('lowers each window by what the old key has spent of it and still can', () => {
    fc.assert(
      fc.property(amount, amount, amount, (maxPerWindow, window, reserved) => {
        const grant = grantOf({ maxPerWindow }, { total: 0n, window });
        const limit = windowLimit(
          policyDuring(undefined, [grant], reserved, () => 0n),
          86_400,
        );
        const left = maxPerWindow > window ? maxPerWindow - window : 0n;
        const byOldKey = reserved < left ? reserved : left;
        expect(limit + byOldKey).toBeLessThanOrEqual(left);
      }),
    );
  });

  it('continues the policy of the old key, its lifetime for good and its windows for a time', () => {
    const before: PolicyDocument = {
      perCall: '$0.05',
      lifetime: '1000u',
      windows: [{ every: 'hour', limit: '60u' }],
    };
    const used = (name: string) => (name === 'lifetime' ? 300n : 20n);
    const during = policyDuring(before, [grantOf({ windowSeconds: 0n })], 10n, used);
    expect(during).toEqual({
      perCall: '$0.05',
      lifetime: '690u',
      windows: [{ every: 'hour', limit: '30u' }],
    });
    expect(policyAfter(before, during)).toEqual({
      perCall: '$0.05',
      lifetime: '690u',
      windows: [{ every: 'hour', limit: '60u' }],
    });
    // The window is the hour that starts at 7,200 s.
    expect(windowsEnd(during, 7_201)).toBe(10_800);
  });

  it('keeps the lower limit where two grants limit the same window', () => {
    const grants = [grantOf({ maxPerWindow: 300n }), grantOf({ maxPerWindow: 200n })];
    expect(
      windowLimit(
        policyDuring(undefined, grants, 50n, () => 0n),
        86_400,
      ),
    ).toBe(150n);
  });

  it('does not exist where nothing limits spend in time', () => {
    const grants = [grantOf({ windowSeconds: 0n })];
    expect(policyDuring(undefined, grants, 5n, () => 0n)).toBeUndefined();
    expect(policyAfter(undefined, undefined)).toBeUndefined();
    expect(windowsEnd(undefined, 7)).toBe(7);
  });
});

describe('the allowance of an old key', () => {
  it('is by default a tenth of what remains of its tightest limit', () => {
    expect(allowanceOf([grantOf({}, { total: 100n, window: 100n })])).toBe(20n);
    expect(allowanceOf([grantOf({ windowSeconds: 0n }, { total: 100n, window: 0n })])).toBe(90n);
    expect(allowanceOf([grantOf({}, { total: 2_000n, window: 0n })])).toBe(0n);
  });
});

describe('what an account has counted', () => {
  const network = 'eip155:8453';
  const row = (rule: string, limit: string, spent: string, held = '0') => ({
    ...{ rule, limit, spent, held, remaining: '0' },
  });
  const standingOf = (limits: ReturnType<typeof row>[]) =>
    ({
      money: [{ asset: `eip155:8453/erc20:${ASSET}`, limits }],
    }) as unknown as Parameters<typeof usedOf>[0];

  it('is read per grant, held money included', () => {
    const standing = standingOf([
      row('window:day', '9', '9'),
      row('owner:lifetime', '50', '7', '3'),
      row('grant:window:86400s', '300', '20', '5'),
      row('grant:lifetime', '1000', '40', '5'),
      row('grant:lifetime', '500', '1'),
    ]);
    const delegations = [delegationOf(), delegationOf({ maxTotal: 500n, windowSeconds: 0n })];
    expect(usedOf(standing, delegations, network)).toEqual([
      { total: 45n, window: 25n },
      { total: 1n, window: 0n },
    ]);
    expect(usedOfOwn(standing, 'lifetime')).toBe(10n);
    expect(usedOfOwn(standing, 'day')).toBe(0n);
    expect(remainingOf(standing, `eip155:8453/erc20:${ASSET}`, 50n)).toBe(40n);
  });

  it('is unknown if the limits are not those of the signed grants', () => {
    const standing = standingOf([row('grant:lifetime', '999', '40')]);
    expect(usedOf(standing, [delegationOf()], network)).toBeUndefined();
    expect(usedOf(standing, [delegationOf(), delegationOf()], network)).toBeUndefined();
  });

  it('is nothing before the account has money, and all of the cap remains', () => {
    const empty = { money: [] } as unknown as Parameters<typeof usedOf>[0];
    expect(usedOf(empty, [delegationOf()], network)).toEqual([{ total: 0n, window: 0n }]);
    expect(remainingOf(empty, `eip155:8453/erc20:${ASSET}`, 50n)).toBe(50n);
  });
});

it('names a new key after the old one', () => {
  expect(nextName('team/alice')).toBe('team/alice-2');
  expect(nextName('team/alice-2')).toBe('team/alice-3');
  expect(nextName('treasury')).toBe('treasury-2');
});

it.each([
  ['add', { hasOld: true, hasNew: false, isFunded: false, open: 3 }],
  ['fund', { hasOld: true, hasNew: true, isFunded: false, open: 3 }],
  ['drain', { hasOld: true, hasNew: true, isFunded: true, open: 3 }],
  ['remove', { hasOld: true, hasNew: true, isFunded: true, open: 0 }],
  ['done', { hasOld: false, hasNew: true, isFunded: true, open: 0 }],
])('says of a relayer to %s: %o', (step, state) => {
  expect(relayerStep(state)).toBe(step);
});

describe('the totals that move to another owner', () => {
  it('are added up for each asset alone', () => {
    const card = { asset: USD_ADDRESS, maxTotal: 50n };
    expect(totalsOf([delegationOf(), card, delegationOf({ maxTotal: 5n })])).toEqual({
      total: 1_005n,
      card_total: 50n,
    });
    expect(totalsOf([delegationOf()])).toEqual({ total: 1_000n });
  });
});
