import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { intentFields } from '../../src/protocol/intent/agent-intent.ts';
import { bind, type Bound, bound, boundField, boundTree, windowFromNow } from './support/bound.ts';
import { creditedAccount } from './support/credit.ts';
import { agentIntent, signPaidIntent, type SignedIntent } from './support/intent.ts';
import { kindOf, type Problem } from './support/offer.ts';
import { isUsed, sign, transfersFrom, trustedAccount, v1, v2 } from './support/payment.ts';
import { type HeaderLine, refusal } from './support/refusal.ts';
import { translate, useSharedWorld } from './support/world.ts';

const world = useSharedWorld();
let account: LocalAccount;
let payment: Bound;
let signed: SignedIntent;
beforeAll(async () => {
  account = await trustedAccount(world(), { reports: 1, balance: 1_000_000n });
  const creditHolder = await creditedAccount(world(), { credit: 100_000n, balance: 0n });
  // The last test still uses both proofs, after hundreds of rejections.
  const window = windowFromNow(-5, 290);
  payment = await bind(world(), account, translate, window);
  signed = await signPaidIntent(world(), creditHolder, translate, window);
});

/** Placeholder for text that JSON.stringify cannot produce. */
const RAW = '@raw@';

/** JSON of a tree in which `raw` replaces the placeholder, unescaped. */
const jsonWith = (tree: unknown, raw: string): string =>
  JSON.stringify(tree).replace(JSON.stringify(RAW), () => raw);

/** An intent's fields with one replaced, or removed where the value is undefined. */
const spoil = (
  fields: Readonly<Record<string, unknown>>,
  field: string,
  value: unknown,
): object => ({
  ...fields,
  [field]: value,
});

type Carrier = {
  readonly header: string;
  /** Path of an intent's field in problems. */
  readonly root: (field: string) => string;
  /** Builds the header line of an intent; `raw` replaces the placeholder. */
  readonly line: (intent: object, raw: string) => HeaderLine;
  readonly fields: () => Readonly<Record<string, string>>;
};

const carriers: readonly Carrier[] = [
  {
    header: 'Agent-Intent',
    root: (field) => `Agent-Intent.intent.${field}`,
    fields: () => intentFields(signed.intent),
    line: (intent, raw) => {
      const tree = { v: 1, chainId: '84532', intent, signature: signed.signature };
      return ['Agent-Intent', Buffer.from(jsonWith(tree, raw)).toString('base64url')];
    },
  },
  {
    header: 'PAYMENT-SIGNATURE',
    root: boundField,
    fields: () => intentFields(payment.intent),
    line: (intent, raw) => {
      const info = { ...payment.advert, intent };
      const tree = { ...boundTree(payment), extensions: { 'agent-intent': { info } } };
      return ['PAYMENT-SIGNATURE', Buffer.from(jsonWith(tree, raw)).toString('base64')];
    },
  },
];

/** For each field, a value that exceeds its bound but is otherwise well formed. */
const TOO_LONG = {
  agent: `0x${'1'.repeat(42)}`,
  audience: `https://${'a'.repeat(249)}`,
  tool: 'a'.repeat(65),
  method: 'A'.repeat(33),
  target: `/${'a'.repeat(4_096)}`,
  contentType: 'a'.repeat(257),
  payloadDigest: `0x${'1'.repeat(66)}`,
  payTo: `0x${'1'.repeat(42)}`,
  asset: `0x${'1'.repeat(42)}`,
  maxAmount: '1'.repeat(79),
  validAfter: '18446744073709551616',
  validBefore: '18446744073709551616',
  nonce: `0x${'1'.repeat(66)}`,
  authority: `0x${'1'.repeat(66)}`,
} as const;

const FIELDS = Object.keys(TOO_LONG) as (keyof typeof TOO_LONG)[];

/** JSON values that no field of this request can have. */
const WRONG = ['"0x10"', '""', 'true', 'false', '1e3', '1000', '-1', '" 5 "', 'null', '[]', '{}'];

const refused = async (lines: readonly HeaderLine[]): Promise<Problem> => {
  const problem = await refusal(world(), lines, translate);
  expect(problem.status).toBe(400);
  return problem;
};

describe.each(carriers)('an intent in $header', ({ root, line, fields }) => {
  it.each(FIELDS)(
    'with a malformed, missing or too long %s is rejected with that field',
    async (field) => {
      for (const raw of WRONG) {
        const problem = await refused([line(spoil(fields(), field, RAW), raw)]);
        expect(problem.field, raw).toBe(root(field));
        expect(['malformed-field', 'intent-mismatch'], raw).toContain(kindOf(problem));
      }
      const missing = await refused([line(spoil(fields(), field, undefined), '')]);
      expect([kindOf(missing), missing.field]).toEqual(['malformed-field', root(field)]);
      const long = await refused([line(spoil(fields(), field, TOO_LONG[field]), '')]);
      expect([kindOf(long), long.field]).toEqual(['malformed-field', root(field)]);
    },
  );

  it.each(FIELDS)('with an unknown key similar to %s is rejected with that key', async (field) => {
    const value = fields()[field];
    for (const key of [`${field}2`, field.toUpperCase(), ` ${field}`, `${field}\u0000`]) {
      const problem = await refused([line({ ...fields(), [key]: value }, '')]);
      expect(kindOf(problem), key).toBe('unknown-field');
      expect(problem.field, key).toBe(root(key.replace('\u0000', '?')));
    }
  });

  it.each(FIELDS)('with a duplicate %s is rejected, whichever of them is signed', async (field) => {
    const value = JSON.stringify(fields()[field]);
    for (const twice of [`${value},"${field}":"0"`, `"0","${field}":${value}`]) {
      const problem = await refused([line(spoil(fields(), field, RAW), twice)]);
      expect(kindOf(problem)).toBe('malformed-header');
      expect(problem.field).toMatch(new RegExp(`\\.${field}$`));
    }
  });

  it('that is not an object is rejected', async () => {
    for (const raw of ['"x"', '1', 'true', '[]', '[{}]', '{}']) {
      const problem = await refused([line(RAW as unknown as object, raw)]);
      expect(problem.field?.startsWith(root('').replace(/\.$/, '')), raw).toBe(true);
    }
  });
});

describe('the header Agent-Intent', () => {
  const value = (): string => agentIntent(signed)['Agent-Intent'];
  const kindAndField = ({ field, ...problem }: Problem) => [kindOf(problem as Problem), field];

  it('is rejected when it appears twice, even with equal values', async () => {
    for (const second of [value(), 'e30'])
      expect(
        kindAndField(
          await refused([
            ['Agent-Intent', value()],
            ['agent-intent', second],
          ]),
        ),
      ).toEqual(['duplicate-header', 'Agent-Intent']);
  });

  it('is rejected unread over 8 KiB', async () => {
    const problem = await refusal(world(), [['Agent-Intent', 'A'.repeat(8_193)]], translate);
    expect([problem.status, kindOf(problem), problem.field]).toEqual([
      431,
      'too-large',
      'Agent-Intent',
    ]);
  });
});

describe('a request with two proofs', () => {
  it.each<[string, () => Promise<readonly HeaderLine[]>]>([
    [
      'both payment headers of one payment',
      async () => {
        const vanilla = await sign(world(), account, translate);
        return [...Object.entries(v2(vanilla)), ...Object.entries(v1(vanilla))];
      },
    ],
    [
      'both payment headers, one of them bound',
      async () => [...Object.entries(bound(payment)), ...Object.entries(v1(payment))],
    ],
    [
      'a bound payment and an intent',
      async () => [...Object.entries(bound(payment)), ...Object.entries(agentIntent(signed))],
    ],
    [
      'a payment of version 1 and an intent',
      async () => {
        const vanilla = await sign(world(), account, translate);
        return [...Object.entries(v1(vanilla)), ...Object.entries(agentIntent(signed))];
      },
    ],
  ])('is rejected, because the gateway cannot know which one is meant: %s', async (_, lines) => {
    const sent = await lines();
    const problem = await refused(sent);
    expect(kindOf(problem)).toBe('too-many-proofs');
    for (const [name] of sent) expect(problem.field).toContain(name);
  });
});

describe('a payment and an intent after all these rejections', () => {
  it('have cost nothing and buy their calls', async () => {
    expect(await isUsed(world(), payment)).toBe(false);
    expect(await transfersFrom(world(), account.address)).toEqual([50_000n]);
    const before = (await world().counts()).translate;
    const answer = await world().send(translate, bound(payment));
    expect(answer.status, await answer.text()).toBe(200);
    expect((await world().send(translate, agentIntent(signed))).status).toBe(200);
    expect((await world().counts()).translate).toBe(before + 2);
  });
});
