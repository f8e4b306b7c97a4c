import * as z from 'zod/mini';
import { chosenBy } from '../wire-fields.ts';
import { COUNTED_UNITS, isUnit, NOT_SOLD, type Rates } from './meter.ts';
import { parseRate, RATE_HINT } from './rate.ts';

/* The members of a meter, as tools.json and the terms of a tool write them (docs/tools.md). */

const MAX_UNITS = 16;
const MAX_VALUES = 64;
const MAX_POINTERS = 4;
/** Cloudflare ends a Worker 30 seconds after its client has disconnected. `finish` needs the remaining 5. */
const MAX_READ_ON_SECONDS = 25;
const MAX_READ_ON_BYTES = 100 * 1024 * 1024;
const MAX_IDLE = 300;

const POINTER =
  'must be a JSON pointer (RFC 6901) like "/usage/prompt_tokens", of at most 256 printable characters of ASCII without quotes and backslashes';
const pointer = z
  .string(POINTER)
  .check(z.regex(/^(?:\/(?:[ !#-.0-[\]-}]|~[01])*)*$/, POINTER), z.maxLength(256, POINTER));
const pointers = z
  .array(pointer, 'must be an array of JSON pointers')
  .check(z.maxLength(MAX_POINTERS, `must hold at most ${MAX_POINTERS} pointers`));

const UNITS = `must be an object of 1 to ${MAX_UNITS} units, named by a-z 0-9 _, a plural such as "input_tokens"`;

const byUnit = <T>(value: z.ZodMiniType<T, T>, hint = UNITS) =>
  z.record(z.string(), value, hint).check(
    z.refine((all) => {
      const names = Object.keys(all);
      return names.length > 0 && names.length <= MAX_UNITS && names.every(isUnit);
    }, hint),
  );

const whole = (from: number, to: number) => {
  const hint = `must be an integer from ${from} to ${to}`;
  return z.int(hint).check(z.minimum(from, hint), z.maximum(to, hint));
};

const END = 'must be {"data": "[DONE]"} or {"event": "message_stop"}, of 1 to 64 characters';
const ending = z.string(END).check(z.regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/, END));

const FROM = `must have "from": "gateway" (it counts ${COUNTED_UNITS.join(', ')}), "answer" or "header"`;

/** A source of usage, in full. */
export const usageSource = z.discriminatedUnion(
  'from',
  [
    z.strictObject({ from: z.literal('gateway') }),
    z.strictObject({
      from: z.literal('answer'),
      answer: z.exactOptional(pointer),
      events: pointers,
      units: byUnit(
        z.strictObject(
          {
            pointers: pointers.check(z.minLength(1, 'must hold a pointer')),
            within: z.exactOptional(z.string('must be the name of a unit')),
          },
          'must be {"pointers": ["/prompt_tokens"]}',
        ),
      ),
      reports: z.enum(['final', 'cumulative'], 'must be final or cumulative'),
      end: z.exactOptional(
        z.union([z.strictObject({ data: ending }), z.strictObject({ event: ending })], END),
      ),
    }),
    z.strictObject({
      from: z.literal('header'),
      units: byUnit(
        z
          .string('must be the name of a header')
          .check(z.regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a header, in lower case')),
      ),
    }),
  ],
  FROM,
);

const rates = byUnit(
  z.string(RATE_HINT).check(z.refine((text) => parseRate(text) !== undefined, RATE_HINT)),
  `${UNITS}, with the rate of each`,
);

const ratesBy = z.strictObject(
  {
    param: z.string('must be the name of one of params'),
    values: z.record(z.string(), rates, 'must be an object of rates by value').check(
      z.refine((all) => {
        const names = Object.keys(all);
        const isNamed = names.every((name) => /^[\x21-\x7e]{1,128}$/.test(name));
        return names.length > 0 && names.length <= MAX_VALUES && isNamed;
      }, `must hold 1 to ${MAX_VALUES} values, of 1 to 128 printable characters of ASCII without spaces`),
    ),
  },
  'must be {"param": "model", "values": {…}}',
);

/** The members that tools.json and terms write alike. */
export const meterMembers = {
  rates: chosenBy<Rates | typeof NOT_SOLD>((input) =>
    typeof input === 'string'
      ? z.literal(NOT_SOLD, `must be rates by unit, or "${NOT_SOLD}"`)
      : rates,
  ),
  ratesBy: z.exactOptional(ratesBy),
  missing: z.exactOptional(z.enum(['max', 'none'], 'must be max or none')),
  readOn: z.strictObject(
    { seconds: whole(0, MAX_READ_ON_SECONDS), bytes: whole(0, MAX_READ_ON_BYTES) },
    'must be {"seconds": 25, "bytes": 1048576}',
  ),
  idleSeconds: whole(1, MAX_IDLE),
  includeUsage: z.exactOptional(z.literal(true, 'must be true, or absent')),
};

/** The meter in the terms of a tool. */
export const meterSchema = z.strictObject({
  ...meterMembers,
  usage: usageSource,
  min: z.exactOptional(z.string().check(z.regex(/^[1-9][0-9]{0,15}$/))),
  exact: z.exactOptional(z.boolean()),
});
