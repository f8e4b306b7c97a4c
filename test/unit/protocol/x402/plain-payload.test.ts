import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePayload, type PaymentPayload } from '../../../../src/protocol/x402/payload-schema.ts';
import { readPlainPayload } from '../../../../src/protocol/x402/plain-payload.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { changed, payload2 } from './fixture.ts';

type Path = readonly string[];

const bound = payload2().extensions['agent-intent'];
const { intent: _, ...echoed } = bound.info;

/** Payments that clients send. */
const FORMS: readonly (readonly [string, unknown])[] = [
  ['bound, with an identifier', payload2()],
  ['bound', { ...payload2(), extensions: { 'agent-intent': bound } }],
  ['bound, without a resource', changed({ ...payload2() }, ['resource'], { url: '/' })],
  [
    'of a lower case client',
    JSON.parse(
      JSON.stringify(payload2()).replaceAll(/0x[0-9a-fA-F]+/g, (hex) => hex.toLowerCase()),
    ),
  ],
  [
    'vanilla, with all that the offer shows',
    {
      ...payload2(),
      extensions: {
        'payment-identifier': { info: { required: false } },
        'agent-intent': { info: echoed },
        'agent-credit': { info: { version: 1, topUp: 'https://gw.example/credits' } },
      },
    },
  ],
  [
    'vanilla, with an identifier',
    changed(payload2(), ['extensions', 'agent-intent'], { info: echoed }),
  ],
  [
    'vanilla, without extensions',
    JSON.parse(JSON.stringify({ ...payload2(), extensions: undefined })),
  ],
];

const bySchemas = (json: unknown): PaymentPayload | undefined => {
  const parsed = parsePayload(2, 'PAYMENT-SIGNATURE', json);
  return parsed.ok ? parsed.value : undefined;
};

/** Fails if the plain reader accepts what the schemas refuse, or reads another value. @returns whether it accepts */
const agrees = (json: unknown): boolean => {
  const plain = readPlainPayload(json);
  if (plain !== undefined) expect(plain).toStrictEqual(bySchemas(json));
  return plain !== undefined;
};

/** Every path of a value, also those to objects. */
const pathsOf = (value: unknown, path: Path = []): readonly Path[] =>
  typeof value === 'object' && value !== null
    ? [path, ...Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]))]
    : [path];

const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((object, key) => (object as Record<string, unknown>)[key], value);

const { agent } = vectors.keys;
const HEX = agent.address.slice(2);

/** Values near the limits of each field. */
const VALUES: readonly unknown[] = [
  ...[undefined, null, true, 0, -0, -1, 1, 1.5, 2, 3600, 1e308, 2 ** 53, [], {}, [[]], [{}]],
  ...[
    '',
    ' ',
    '0',
    '00',
    '01',
    '-1',
    '+1',
    '1.0',
    '1e3',
    ' 1',
    '1\n',
    '0x',
    '0x0',
    '0X00',
    '0b1',
    '٣',
  ],
  ...[
    2n ** 53n,
    2n ** 64n - 1n,
    2n ** 64n,
    2n ** 256n - 1n,
    2n ** 256n,
    10n ** 78n,
    10n ** 4000n,
  ].map(String),
  ...[
    `0x${HEX.toLowerCase()}`,
    `0x${HEX.toUpperCase()}`,
    `0X${HEX}`,
    HEX,
    `0x${HEX.slice(1)}`,
    `0x${HEX}0`,
  ],
  `0x${[...HEX].map((digit) => (digit === digit.toUpperCase() ? digit.toLowerCase() : digit.toUpperCase())).join('')}`,
  ...[
    `0x${'0'.repeat(40)}`,
    `0x${'g'.repeat(40)}`,
    `0x${'0'.repeat(39)}\n`,
    `0x${'F'.repeat(64)}`,
    `0x${'f'.repeat(63)}`,
  ],
  ...[8190, 8192].map((digits) => `0x${'aB'.repeat(digits / 2)}`),
  ...[15, 16, 32, 33, 64, 65, 128, 129, 256, 257, 4096, 4097].map((length) => 'a'.repeat(length)),
  ...['é', '\u007f', '\n', '~', '\ud800', 'pay_0123456789abcde=', 'exact', 'upto', '__proto__'],
  ...[
    'eip155:1',
    'eip155:0',
    'eip155:01',
    'eip155:9007199254740993',
    'EIP155:1',
    'solana:1',
    'base',
  ],
  ...[
    { info: {} },
    { info: null },
    { info: [] },
    { info: { id: null } },
    { info: { intent: null } },
    { url: '' },
  ],
  ...[
    { name: 1, version: null },
    { name: 'USDC' },
    { name: 'USDC', version: '2', more: [] },
    { constructor: 1 },
  ],
  JSON.parse('{"__proto__":{"name":"USDC"},"version":"2"}'),
  Object.fromEntries(Array.from({ length: 16 }, (_unused, number) => [`e${number}`, {}])),
  Object.fromEntries(Array.from({ length: 17 }, (_unused, number) => [`e${number}`, {}])),
];

/** Other values for what stands at a path: of another type, with another case, shortened, or with one more member. */
const variantsOf = (value: unknown): readonly unknown[] => {
  if (typeof value === 'string') {
    return [
      value.toUpperCase(),
      value.toLowerCase(),
      `0${value}`,
      `${value} `,
      value.slice(0, -1),
      [value],
      Number(value),
    ];
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [JSON.stringify(value), [value]];
  const text = JSON.stringify(value).slice(1);
  return ['__proto__', 'constructor', 'toString', 'toJSON', '0', 'more'].map((name): unknown =>
    JSON.parse(`{"${name}":1${text === '}' ? '' : ','}${text}`),
  );
};

/** A copy with another value at a path; `undefined` removes the member, as in JSON. */
const withValue = (form: unknown, path: Path, to: unknown): unknown => {
  const text = JSON.stringify(changed(form, path, to));
  return text === undefined ? undefined : JSON.parse(text);
};

describe('the plain reader of a payment and the schemas', () => {
  it.each(FORMS)('agree on a payment that is %s', (_form, json) => {
    expect(agrees(json)).toBe(true);
  });

  it.each(FORMS)('agree on a payment that is %s, with any one value changed', (_form, json) => {
    let accepted = 0;
    for (const path of pathsOf(json)) {
      for (const value of [...VALUES, ...variantsOf(at(json, path))]) {
        if (agrees(withValue(json, path, value))) accepted += 1;
      }
    }
    expect(accepted).toBeGreaterThan(100);
  });

  it('agree on payments with two to four changed values', () => {
    const change = fc.tuple(fc.nat(), fc.nat());
    const payments = fc.tuple(
      fc.constantFrom(...FORMS.map(([, json]) => json)),
      fc.array(change, { minLength: 2, maxLength: 4 }),
    );
    fc.assert(
      fc.property(payments, ([form, changes]) => {
        let json = form;
        for (const [place, choice] of changes) {
          const paths = pathsOf(json);
          const path = paths[place % paths.length] ?? [];
          const values = [...VALUES, ...variantsOf(at(json, path))];
          json = withValue(json, path, values[choice % values.length]);
        }
        agrees(json);
      }),
      { seed: 33, numRuns: 5_000 },
    );
  });

  it('leave unusual payments to the schemas, which accept them', () => {
    for (const [path, value] of [
      [['accepted', 'extra'], null],
      [['accepted', 'extra', 'more'], 1],
      [['resource'], null],
      [['extensions'], null],
      [['extensions', 'payment-identifier', 'info', 'id'], null],
    ] as const) {
      const json = changed(payload2(), path, value);
      expect(readPlainPayload(json)).toBeUndefined();
      expect(bySchemas(json)).toBeDefined();
    }
  });
});
