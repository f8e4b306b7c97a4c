import { describe, expect, it } from 'vitest';
import { type OwnGrant, parentOf } from '../../../../../src/dashboard/data/grants/grant-parent.ts';
import { USD } from '../../../../../src/protocol/fiat-asset.ts';

const grant = (digit: string, changes: Partial<OwnGrant> = {}): OwnGrant => ({
  hash: `0x${digit.repeat(64)}`,
  isActive: true,
  isDefault: false,
  assets: [`eip155:8453/erc20:0x${'11'.repeat(20)}`],
  ...changes,
});

describe('the parent of a new grant', () => {
  it('is none for an owner', () => {
    expect(parentOf([], 'token')).toEqual({ ok: true, value: undefined });
    expect(parentOf([], USD)).toEqual({ ok: true, value: undefined });
  });

  it('is a grant in the same kind of money, also if another one is the default', () => {
    const held = [grant('1', { isDefault: true }), grant('2', { assets: [USD] }), grant('3')];
    expect(parentOf(held, 'token')).toEqual({ ok: true, value: held[0]?.hash });
    expect(parentOf(held, USD)).toEqual({ ok: true, value: held[1]?.hash });
  });

  it('is the last one taken where none is the default', () => {
    const held = [grant('1'), grant('2')];
    expect(parentOf(held, 'token')).toEqual({ ok: true, value: held[1]?.hash });
  });

  it('is missing for an agent without a live grant in that money: it is no owner', () => {
    expect(parentOf([grant('1')], USD).ok).toBe(false);
    expect(parentOf([grant('1', { isActive: false })], 'token').ok).toBe(false);
    expect(parentOf([grant('1', { assets: [USD] })], 'token').ok).toBe(false);
  });
});
