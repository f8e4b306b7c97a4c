import { expect, it } from 'vitest';
import { heldRows } from '../../../../../src/dashboard/data/grants/grant-rows.ts';
import { statusActs } from '../../../../../src/dashboard/data/accounts/status-acts.ts';
import { spendStatus } from '../../../../../src/protocol/account/spend-status.ts';

const PARENT = 'eip155:84532:0x00000000000000000000000000000000000000aa';

it.each([
  ['an owner, which needs no grant', { status: 'active', grants: [] }, 'active'],
  ['an agent with a valid grant', { status: 'active', grants: ['revoked', 'active'] }, 'active'],
  ['an agent whose only grant ended', { status: 'active', grants: ['revoked'] }, 'no valid grant'],
  [
    'an agent whose ended grants are forgotten',
    { status: 'active', parent: PARENT, grants: [] },
    'no valid grant',
  ],
  ['a frozen agent, whatever its grants', { status: 'frozen', grants: ['expired'] }, 'frozen'],
] as const)('names the status of %s', (_who, { grants, ...rest }, shown) => {
  const held = grants.map((status) => ({ status }));
  expect(spendStatus({ ...rest, grants: held })).toBe(shown);
});

it('shows no grant of a revoked account as active', () => {
  const grant = {
    ...({ hash: `0x${'1'.repeat(64)}`, id: `0x${'2'.repeat(64)}`, issuer: PARENT } as const),
    ...({ status: 'active', valid_until: 9, is_default: true } as const),
  };
  const statusOf = (status: 'revoked' | 'paused'): string | undefined =>
    heldRows({ status, grants: [{ ...grant, policy: {} }] })[0]?.status;
  expect(statusOf('revoked')).toBe('account revoked');
  expect(statusOf('paused')).toBe('active');
});

it('offers no change of status once the owner or the operator has revoked the account', () => {
  const byOwner = {
    status: 'revoked',
    owner_status: 'revoked',
    operator_status: 'active',
  } as const;
  expect(statusActs(byOwner, 'operator')).toEqual([]);
  expect(statusActs(byOwner, 'owner')).toEqual([]);
  const frozen = { status: 'frozen', owner_status: 'frozen', operator_status: 'active' } as const;
  expect(statusActs(frozen, 'operator').map(({ to }) => to)).toEqual([
    'paused',
    'frozen',
    'revoked',
  ]);
});
