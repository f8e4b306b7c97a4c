import { describe, expect, it } from 'vitest';
import {
  grantFormOf,
  type GrantTerms,
  newGrantForm,
  termsOf,
} from '../../../../../src/dashboard/data/grants/grant-form.ts';
import { USD } from '../../../../../src/protocol/fiat-asset.ts';
import { grantLines } from '../../../../../src/dashboard/data/grants/grant-lines.ts';

const NOW = 1_800_000_000;
const AGENT = '0x00000000000000000000000000000000000000aa';
const ANY = `0x${'ff'.repeat(20)}`;

describe('the form of a grant', () => {
  it('takes the limit per day for each day as the total', () => {
    expect(termsOf({ ...newGrantForm(AGENT), perDay: '1' }, NOW)).toEqual({
      ok: true,
      value: {
        asset: 'token',
        delegate: AGENT,
        maxTotal: 30_000_000n,
        maxPerDay: 1_000_000n,
        maxPerCall: 1_000_000n,
        tools: ['*'],
        payees: [ANY],
        validUntil: NOW + 30 * 86_400,
        depth: 0,
      },
    });
  });

  it('starts from the terms of a grant that the agent holds', () => {
    const form = grantFormOf(AGENT, {
      tools: ['lookup'],
      payees: [ANY],
      perCall: '$0.05',
      lifetime: '$5.00',
      windows: [{ every: 86_400, limit: '$1.00' }],
    });
    expect(form).toMatchObject({ total: '5.00', perDay: '1.00', perCall: '0.05', payees: '' });
    expect(termsOf(form, NOW)).toMatchObject({ ok: true, value: { tools: ['lookup'] } });
  });

  it.each([
    [{ windows: [{ every: 3_600, limit: '$1.00' }] }, { perDay: '1.00' }],
    [{ windows: [{ every: 7 * 86_400, limit: '$7.00' }] }, { perDay: '1.00' }],
    [
      { tools: [], payees: [] },
      { tools: '(none)', payees: '(none)' },
    ],
    [{ tools: ['*'] }, { tools: '' }],
  ])('starts from no wider terms than those of the grant: %j', (policy, rows) => {
    expect(grantFormOf(AGENT, policy)).toMatchObject(rows);
  });

  it('reviews every term that the wallet signs', () => {
    const read = termsOf({ ...newGrantForm(AGENT), total: '5' }, NOW);
    if (!read.ok) throw new Error('the form is not complete');
    const terms = read.value;
    const other: GrantTerms = {
      asset: USD,
      delegate: `0x${'bb'.repeat(20)}`,
      maxPerCall: 1n,
      maxTotal: 2n,
      maxPerDay: 3n,
      tools: ['search'],
      payees: [`0x${'cc'.repeat(20)}`],
      validUntil: NOW + 86_400,
      depth: 3,
    };
    for (const name of Object.keys(terms) as (keyof GrantTerms)[]) {
      const changed = { ...terms, [name]: other[name] };
      expect(grantLines(changed), name).not.toEqual(grantLines(terms));
    }
  });

  it('grants dollars on a card apart from USDC, in millionths', () => {
    const read = termsOf({ ...newGrantForm(AGENT), asset: USD, total: '50.25' }, NOW);
    if (!read.ok) throw new Error('the form is not complete');
    expect(read.value).toMatchObject({ asset: USD, maxTotal: 50_250_000n });
    const lines = new Map(grantLines(read.value));
    expect(lines.get('In total')).toBe('50.25 USD (50250000 units)');
    expect(lines.get('Money')).toContain('0x0000…0348');
    expect(JSON.stringify([...lines])).not.toContain('USDC');
  });

  it('replaces a grant in dollars by one in dollars', () => {
    const form = grantFormOf(AGENT, { assets: [USD], lifetime: '$50.00' });
    expect(termsOf(form, NOW)).toMatchObject({ ok: true, value: { asset: USD } });
  });

  it.each([
    ['agent', '0x12'],
    ['total', 'much'],
    ['perDay', '1,5'],
    ['days', '0'],
    ['depth', '4'],
    ['payees', 'nobody'],
  ] as const)('names the row %s for %s', (row, text) => {
    const read = termsOf({ ...newGrantForm(AGENT), total: '5', [row]: text }, NOW);
    expect(read.ok ? [] : Object.keys(read.error)).toEqual([row]);
  });

  it('rejects an agent in upper and lower case whose checksum is wrong', () => {
    const typo = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD'.replace('5aA', '5AA');
    expect(termsOf({ ...newGrantForm(typo), total: '5' }, NOW).ok).toBe(false);
  });

  it('needs a total or an amount per day', () => {
    const read = termsOf(newGrantForm(AGENT), NOW);
    expect(read.ok ? {} : read.error).toHaveProperty('total');
  });
});
