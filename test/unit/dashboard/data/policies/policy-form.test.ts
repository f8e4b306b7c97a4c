import { describe, expect, it } from 'vitest';
import {
  ALLOWED,
  formOf,
  type PolicyForm,
  policyOf,
  REST_FIELDS,
} from '../../../../../src/dashboard/data/policies/policy-form.ts';
import type { PolicyDocument } from '../../../../../src/management/policy.route.ts';

const PAYEE = '0x00000000000000000000000000000000000000aa';
const TOKEN = `eip155:8453/erc20:0x${'11'.repeat(20)}` as const;
const ANY = `0x${'ff'.repeat(20)}`;

/** A policy with every kind of row, and with fields that have no row. */
const FULL = {
  tools: ['lookup', 'search.*'],
  payees: [PAYEE, ANY],
  perCall: '$0.05',
  approveAbove: '$0.02',
  windows: [
    { every: 'day', limit: '$1.00' },
    { every: 'day', limit: '$2.00', asset: 'iso4217:USD' },
    { every: 7200, limit: '$0.50' },
  ],
  lifetime: '$10.00',
  assets: [TOKEN, 'iso4217:USD'],
  exposure: '$1.00',
  rate: { limit: 60, seconds: 60 },
  deny: [{ tools: ['mail.*'] }],
} as const;

const documentOf = (document: unknown): unknown => {
  const read = policyOf(formOf(document as PolicyDocument));
  return read.ok ? read.value.document : read.error;
};

describe('the form of a policy', () => {
  it('returns the policy that it was filled with', () => {
    expect(documentOf(FULL)).toEqual(FULL);
    expect(documentOf({})).toEqual({});
  });

  it('lists the fields that have no row of their own', () => {
    const rest = Object.keys(JSON.parse(formOf(FULL as unknown as PolicyDocument).rest) as object);
    expect(REST_FIELDS.filter((field) => field in FULL).toSorted()).toEqual(rest.toSorted());
  });

  it('allows dollars in addition to every token that was allowed before', () => {
    const allowed = (form: Partial<PolicyForm>, tokens?: readonly (typeof TOKEN)[]) => {
      const read = policyOf({ ...formOf(undefined), ...form, dollars: ALLOWED }, tokens);
      return read.ok ? read.value.policy.assets : read.error;
    };
    expect(allowed({}, [TOKEN])).toEqual([TOKEN, 'iso4217:USD']);
    expect(allowed({ rest: '{"assets":[]}' }, [TOKEN])).toEqual(['iso4217:USD']);
    expect(allowed({ rest: '{"assets":["iso4217:USD"]}' })).toEqual(['iso4217:USD']);
    expect(allowed({})).toHaveProperty('dollars');
  });

  it('limits dollars on a card in a window of their own', () => {
    const read = policyOf({ ...formOf(undefined), day: '1', usdDay: '0.5' });
    expect(read).toMatchObject({
      ok: true,
      value: {
        policy: {
          windows: [
            { every: 'day', limit: 1_000_000n },
            { every: 'day', limit: 500_000n, asset: 'iso4217:USD' },
          ],
        },
      },
    });
  });

  it('keeps a list that allows nothing apart from no list', () => {
    expect(documentOf({ tools: [], payees: [] })).toEqual({ tools: [], payees: [] });
  });

  it('reads dollars, and writes them as documents have them', () => {
    const read = policyOf({ ...formOf(undefined), day: '5', perCall: '0.5' });
    expect(read).toMatchObject({
      ok: true,
      value: { document: { perCall: '$0.50', windows: [{ every: 'day', limit: '$5.00' }] } },
    });
  });

  it.each([
    ['day', '1,5', /dollars/],
    ['day', '-1', /dollars/],
    ['lifetime', '0.0000001', /dollars/],
    ['tools', 'a/b', /tool/],
    ['payees', '0x12', /address/],
    ['rateLimit', 'many', /integer/],
    ['rest', '{', /JSON/],
    ['rest', '[]', /JSON object/],
    ['rest', '{"perCall":"$1"}', /field of its own/],
    ['rest', '{"spendd":"$1"}', /spendd is not a known field/],
    ['rest', '{"windows":[{"every":"day","limit":"$1"}],"softPercent":200}', /softPercent/],
  ] as const)('names the row %s for %s', (row, text, reason) => {
    const form = { ...formOf(undefined), [row]: text };
    const read = policyOf(row === 'rateLimit' ? { ...form, rateSeconds: '60' } : form);
    expect(read.ok).toBe(false);
    if (!read.ok) {
      expect(Object.keys(read.error)).toEqual([row]);
      expect(read.error[row]).toMatch(reason);
    }
  });

  it('rejects a window that both a row and the text name', () => {
    const rest = '{"windows":[{"every":"day","limit":"$1.00"}]}';
    const read = policyOf({ ...formOf(undefined), day: '2', rest });
    expect(read).toMatchObject({ ok: false, error: { rest: /once/ } });
  });
});
