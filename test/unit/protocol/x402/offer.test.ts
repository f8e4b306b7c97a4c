import { decodePaymentRequiredHeader } from '@x402/core/http';
import { PaymentRequiredV1Schema, PaymentRequiredV2Schema } from '@x402/core/schemas';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bazaarExtension,
  creditExtension,
  offeredExtensions,
} from '../../../../src/protocol/x402/extensions.ts';
import {
  encodePaymentRequired,
  paymentRequiredBody,
  type Offer,
} from '../../../../src/protocol/x402/offer.ts';
import { parsePaymentSignature } from '../../../../src/protocol/x402/payment-payload.ts';
import { matchRequirement } from '../../../../src/protocol/x402/requirement.ts';
import { tokenNetworks } from '../../../../src/protocol/x402/networks.ts';
import { runs } from '../../../support/runs.ts';
import { header, payload2, requirement } from './fixture.ts';

const offer: Offer = {
  resource: {
    url: 'https://gw.example/tools/translate?formality=high',
    description: 'Translates a text word by word',
    mimeType: 'application/json',
  },
  error: 'Payment required',
  requirements: [
    requirement('eip155:84532', 20_000n, 3600),
    requirement('eip155:8453', 20_000n, 3600),
  ],
  extensions: {
    ...offeredExtensions('https://gw.example', 'translate'),
    ...creditExtension('https://gw.example', 'deferred'),
  },
};

describe('encodePaymentRequired', () => {
  it('writes a header that a v2 client reads', () => {
    expect(decodePaymentRequiredHeader(encodePaymentRequired(offer))).toEqual({
      x402Version: 2,
      error: 'Payment required',
      resource: offer.resource,
      accepts: [
        {
          scheme: 'exact',
          network: 'eip155:84532',
          amount: '20000',
          asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
          payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
          maxTimeoutSeconds: 3600,
          extra: { name: 'USDC', version: '2' },
        },
        {
          scheme: 'exact',
          network: 'eip155:8453',
          amount: '20000',
          asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
          payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
          maxTimeoutSeconds: 3600,
          extra: { name: 'USD Coin', version: '2' },
        },
      ],
      extensions: {
        'payment-identifier': { info: { required: false } },
        'agent-intent': {
          info: {
            version: 1,
            audience: 'https://gw.example',
            tool: 'translate',
            binding: 'eip3009-nonce',
          },
        },
        'agent-credit': { info: { version: 1, topUp: 'https://gw.example/credits' } },
      },
    });
  });

  it('offers entries that matchRequirement accepts when a client echoes them', () => {
    for (const accepted of decodePaymentRequiredHeader(encodePaymentRequired(offer)).accepts) {
      const proof = parsePaymentSignature(header({ ...payload2(), accepted }));
      if (!proof.ok || proof.value.accepted === undefined) throw new Error('is a payment');
      expect(matchRequirement(offer.requirements, proof.value.accepted).ok).toBe(true);
    }
  });

  it.each([
    ['2 KiB', 2048, {}],
    ['4 KiB with bazaar', 4096, bazaarExtension('POST')],
  ])('stays under %s for every URL, and keeps at least one entry', (_, most, more) => {
    const offers = fc
      .record({
        query: fc.string({ maxLength: 3000 }),
        path: fc.webPath({ size: 'large' }),
        description: fc.string({ unit: 'grapheme', maxLength: 2000 }),
        networks: fc.shuffledSubarray([...tokenNetworks], { minLength: 1 }),
        // The longest origin and tool id that an intent can contain.
        audience: fc.constantFrom('https://gw.example', `https://${'a.'.repeat(122)}aa.e`),
        tool: fc.constantFrom('t', 't'.repeat(64)),
        mimeType: fc.constantFrom('application/json', `${'a'.repeat(64)}/${'b'.repeat(64)}`),
      })
      .map(({ query, path, description, networks, audience, tool, mimeType }): Offer => {
        const [first, ...rest] = networks.map((network) => requirement(network, 20_000n, 3600));
        if (first === undefined) throw new Error('at least one');
        const url = `${audience}${path}?q=${encodeURIComponent(query.toWellFormed())}`;
        return {
          ...offer,
          resource: { url, description, mimeType },
          requirements: [first, ...rest],
          extensions: {
            ...offeredExtensions(audience, tool),
            ...creditExtension(audience, 'credit'),
            ...more,
          },
        };
      });
    fc.assert(
      fc.property(offers, (each) => {
        const value = encodePaymentRequired(each);
        expect(value.length).toBeLessThan(most);
        const required = PaymentRequiredV2Schema.parse(decodePaymentRequiredHeader(value));
        expect(required.accepts[0]?.network).toBe(each.requirements[0].network);
        expect(new URL(required.resource.url).origin).toBe(new URL(each.resource.url).origin);
        // Without this extension no client could bind its payment.
        expect(required.extensions?.['agent-intent']).toEqual(each.extensions['agent-intent']);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('drops bazaar before a network that the header has no room for', () => {
    const bazaar = bazaarExtension('POST');
    const extensions = { ...offer.extensions, ...bazaar };
    const url = `https://gw.example/${'a'.repeat(1500)}`;
    const [first, ...rest] = tokenNetworks.map((network) => requirement(network, 20_000n, 3600));
    if (first === undefined) throw new Error('at least one');
    const fits = decodePaymentRequiredHeader(
      encodePaymentRequired({ ...offer, resource: { ...offer.resource, url }, extensions }),
    );
    expect(fits.extensions).toMatchObject(bazaar);
    expect(fits.resource.url).toBe(url);
    const many = decodePaymentRequiredHeader(
      encodePaymentRequired({ ...offer, requirements: [first, ...rest], extensions }),
    );
    expect(many.extensions).not.toHaveProperty('bazaar');
    expect(many.accepts.length).toBeGreaterThan(2);
  });

  it('drops the description before the query, and the query before a network', () => {
    const decode = (each: Offer) => decodePaymentRequiredHeader(encodePaymentRequired(each));
    const wordy = decode({
      ...offer,
      resource: { ...offer.resource, description: 'a'.repeat(1500) },
    });
    expect(wordy.resource).toEqual({ url: offer.resource.url, mimeType: 'application/json' });
    const url = `https://gw.example/tools/lookup?word=${'a'.repeat(1500)}`;
    const long = decode({ ...offer, resource: { ...offer.resource, url } });
    expect(long.resource.url).toBe('https://gw.example/tools/lookup');
    expect(long.accepts).toHaveLength(2);
    expect(long.extensions).toEqual(offer.extensions);
    const [first, ...rest] = tokenNetworks.map((network) => requirement(network, 20_000n, 3600));
    if (first === undefined) throw new Error('at least one');
    const many = decode({ ...offer, requirements: [first, ...rest] });
    expect(many.accepts.length).toBeGreaterThan(1);
    expect(Object.keys(many.extensions ?? {})).toEqual(['payment-identifier', 'agent-intent']);
  });
});

describe('paymentRequiredBody', () => {
  it('writes a body that a v1 client reads', () => {
    const body = paymentRequiredBody(offer);
    expect(PaymentRequiredV1Schema.safeParse(body).success).toBe(true);
    expect(body).toEqual({
      x402Version: 1,
      error: 'Payment required',
      accepts: [
        {
          scheme: 'exact',
          network: 'base-sepolia',
          maxAmountRequired: '20000',
          resource: offer.resource.url,
          description: offer.resource.description,
          mimeType: 'application/json',
          payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
          maxTimeoutSeconds: 3600,
          asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
          extra: { name: 'USDC', version: '2' },
        },
        expect.objectContaining({ network: 'base', extra: { name: 'USD Coin', version: '2' } }),
      ],
    });
  });

  it('omits networks that make an old client reject the whole offer', () => {
    const requirements: Offer['requirements'] = [
      requirement('eip155:42161', 1n, 300),
      requirement('eip155:42220', 1n, 300),
      requirement('eip155:8453', 1n, 300),
    ];
    const names = paymentRequiredBody({ ...offer, requirements }).accepts.map(
      (each) => each.network,
    );
    expect(names).toEqual(['base']);
  });
});
