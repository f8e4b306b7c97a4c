import { describe, expect, it } from 'vitest';
import {
  matchRequirement,
  requirementOn,
  type Requirement,
} from '../../../../src/protocol/x402/requirement.ts';
import { PAY_TO, requirement } from './fixture.ts';

const sepolia = requirement('eip155:84532', 20_000n, 3600);
const base = requirement('eip155:8453', 20_000n, 3600);
const offered = [sepolia, base];

describe('requirementOf', () => {
  it('puts the domain of the token into extra', () => {
    expect(base).toEqual({
      scheme: 'exact',
      network: 'eip155:8453',
      amount: 20_000n,
      asset: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
      payTo: PAY_TO,
      maxTimeoutSeconds: 3600,
      extra: { name: 'USD Coin', version: '2' },
    });
  });
});

describe('matchRequirement', () => {
  it('finds the requirement on the network that the client chose', () => {
    expect(matchRequirement(offered, { ...base })).toEqual({ ok: true, value: base });
  });

  it('accepts additions to extra, and returns the offered extra', () => {
    const accepted: Requirement = {
      ...sepolia,
      extra: { ...sepolia.extra, name2: 'x', note: [1] },
    };
    expect(matchRequirement(offered, accepted)).toEqual({ ok: true, value: sepolia });
  });

  it.each([
    ['amount', 19_999n, '20000', '19999'],
    ['amount', 20_001n, '20000', '20001'],
    ['maxTimeoutSeconds', 300, '3600', '300'],
    ['asset', base.asset, JSON.stringify(sepolia.asset), JSON.stringify(base.asset)],
    ['payTo', sepolia.asset, JSON.stringify(PAY_TO), JSON.stringify(sepolia.asset)],
  ])('rejects another %s', (field, value, expected, got) => {
    const accepted = { ...sepolia, [field]: value };
    expect(matchRequirement(offered, accepted)).toEqual({
      ok: false,
      error: { reason: 'requirement_mismatch', field: `accepted.${field}`, expected, got },
    });
  });

  it('rejects a network that the offer lacks', () => {
    expect(matchRequirement(offered, { ...sepolia, network: 'eip155:137' })).toEqual({
      ok: false,
      error: {
        reason: 'requirement_mismatch',
        field: 'accepted.network',
        expected: 'eip155:84532 or eip155:8453',
        got: 'eip155:137',
      },
    });
  });

  it.each([
    [{}, 'accepted.extra.name'],
    [{ name: 'USD Coin', version: '2' }, 'accepted.extra.name'],
    [{ name: 'USDC', version: 2 }, 'accepted.extra.version'],
    [{ name: ['USDC'], version: '2' }, 'accepted.extra.name'],
    [Object.create({ name: 'USDC', version: '2' }) as object, 'accepted.extra.name'],
  ])('names the path that extra lacks: %j', (extra, field) => {
    const accepted = { ...sepolia, extra: extra as Requirement['extra'] };
    expect(matchRequirement(offered, accepted)).toMatchObject({ ok: false, error: { field } });
  });

  it('requires nested extra to be contained, and its arrays to be equal', () => {
    const nested: Requirement = { ...sepolia, extra: { a: { b: [1, { c: 2 }] } } };
    const match = (extra: Requirement['extra']) =>
      matchRequirement([nested], { ...nested, extra }).ok;
    expect(match({ a: { b: [1, { c: 2 }], d: 3 }, e: 4 })).toBe(true);
    expect(match({ a: { b: [1, { c: 2 }, 3] } })).toBe(false);
    expect(match({ a: { b: [1, { c: 2, d: 3 }] } })).toBe(false);
    expect(match({ a: { b: [{ c: 2 }, 1] } })).toBe(false);
    expect(match({ a: [] })).toBe(false);
  });
});

describe('requirementOn', () => {
  it('finds the requirement of a network', () => {
    expect(requirementOn(offered, 'eip155:8453')).toEqual({ ok: true, value: base });
    expect(requirementOn(offered, 'eip155:137')).toMatchObject({ error: { field: 'network' } });
  });
});
