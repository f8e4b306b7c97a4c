import { describe, expect, it } from 'vitest';
import { catalogueOf } from '../../../src/catalog/catalogue.ts';
import { limitWarnings } from '../../../src/catalog/limit-warning.ts';
import { parsePolicy } from '../../../src/policy/policy.ts';
import { documentOf, startOf } from './documents.ts';

const USD = 'iso4217:USD';
const USDC = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const CARD = {
  ...{ settlement: 'card', asset: USD, onSilence: 'keep', requireBinding: 'intent' },
  card: { provider: 'issuing' },
};

const catalogue = catalogueOf(
  startOf([
    documentOf('lookup', { price: '$0.001' }),
    documentOf('cheap', { price: '$0.0001', disabled: true }),
    documentOf('whoami', { price: '$0', settlement: 'free' }),
    documentOf('image.draw', { price: '$0.02' }),
    documentOf('image.edit', { price: { max: '$0.05' }, settlement: 'credit' }),
    documentOf('order', { price: '$20', ...CARD }),
  ]),
  new Map(),
);

const warningsOf = (document: unknown) => {
  const policy = parsePolicy(document);
  if (!policy.ok) throw new Error(JSON.stringify(policy.error));
  return limitWarnings(catalogue, policy.value);
};
const lookup = { tool: 'lookup', price: '1000' };
const draw = { tool: 'image.draw', price: '20000' };
const order = { tool: 'order', price: '20000000', asset: USD };

describe('a limit below the cheapest tool', () => {
  it.each<[string, unknown, readonly object[]]>([
    ['per call', { perCall: '15u' }, [{ field: 'perCall', limit: '15', ...lookup }]],
    [
      'in a window',
      { windows: [{ every: 'day', limit: '999u' }] },
      [{ field: 'windows[0].limit', limit: '999', ...lookup }],
    ],
    ['ever', { lifetime: '1u' }, [{ field: 'lifetime', limit: '1', ...lookup }]],
    [
      'of the tools that it allows',
      { tools: ['image.*'], perCall: '$0.01' },
      [{ field: 'perCall', limit: '10000', ...draw }],
    ],
    [
      'of several',
      { perCall: '1u', lifetime: '2u' },
      [
        { field: 'perCall', limit: '1', ...lookup },
        { field: 'lifetime', limit: '2', ...lookup },
      ],
    ],
    [
      'in dollars',
      { assets: [USD], perCall: '$1' },
      [{ field: 'perCall', limit: '1000000', ...order }],
    ],
    [
      'that one window sets for dollars',
      { windows: [{ every: 'month', limit: '$5', asset: USD }] },
      [{ field: 'windows[0].limit', limit: '5000000', ...order }],
    ],
    [
      'in each asset',
      { assets: [USDC, USD], lifetime: '1u' },
      [
        { field: 'lifetime', limit: '1', ...lookup },
        { field: 'lifetime', limit: '1', ...order },
      ],
    ],
  ])('%s is named with the tool and its price', (_, document, warnings) => {
    expect(warningsOf(document)).toEqual(warnings);
  });

  it.each<[string, unknown]>([
    ['that a tool fits under', { perCall: '$0.001' }],
    ['of nothing, which is meant', { perCall: '$0', lifetime: '0u' }],
    ['of unsettled money, which settles a dearer call first', { exposure: '1u' }],
    ['where it allows free tools only', { tools: ['whoami'], perCall: '1u' }],
    ['where it allows no tool', { tools: [], perCall: '1u' }],
    ['where it allows only tools of another asset', { tools: ['order'], perCall: '$1' }],
    ['of dollars that a tool for tokens fits under', { assets: [USD], lifetime: '$20' }],
    [
      'of tokens that no card tool fits under',
      { assets: [USDC], windows: [{ every: 'day', limit: '$1' }] },
    ],
  ])('is none %s', (_, document) => {
    expect(warningsOf(document)).toEqual([]);
  });
});
