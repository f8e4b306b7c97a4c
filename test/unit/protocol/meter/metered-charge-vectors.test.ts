import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { meterSchema } from '../../../../src/protocol/meter/meter-schema.ts';
import { chargeFromEntry } from '../../../../src/protocol/meter/metered-charge.ts';
import { ratesByHash } from '../../../../src/protocol/meter/rates-hash.ts';
import vectors from '../../../vectors/metered-charges.json';

const { meters, cases } = z
  .object({
    meters: z.record(z.string(), meterSchema),
    cases: z.array(
      z.object({
        ...{ meter: z.string(), rates: z.string(), maximum: z.string() },
        basis: z.enum(['metered', 'partial', 'missing', 'broken']),
        usage: z.record(z.string(), z.int()),
        charge: z.nullable(z.string()),
      }),
    ),
  })
  .parse(vectors);

describe('charges that another implementation computed', () => {
  it.each(cases.map((each, at) => [at, each.meter, each.basis, each] as const))(
    'case %i: %s, %s',
    (_at, name, basis, { rates: hash, usage, maximum, charge }) => {
      const meter = meters[name];
      const rates = meter && ratesByHash(meter).get(hash);
      if (meter === undefined || rates === undefined) throw new Error('the vectors name no rates');
      const computed = chargeFromEntry(meter, rates, { basis, usage }, BigInt(maximum));
      expect(computed?.toString() ?? null).toBe(charge);
    },
  );
});
