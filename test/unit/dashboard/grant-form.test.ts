import { describe, expect, it } from 'vitest';
import { grantFormOf, newGrantForm, termsOf } from '../../../src/dashboard/data/grant-form.ts';

const NOW = 1_800_000_000;
const AGENT = '0x00000000000000000000000000000000000000aa';
const ANY = `0x${'ff'.repeat(20)}`;

describe('the form of a grant', () => {
  it('takes the limit per day for each day as the total', () => {
    expect(termsOf({ ...newGrantForm(AGENT), perDay: '1' }, NOW)).toEqual({
      ok: true,
      value: {
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
