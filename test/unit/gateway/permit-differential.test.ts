import type { PaymentPayload } from '@x402/core/types';
import { UptoEvmScheme } from '@x402/evm/upto/facilitator';
import { hexToBigInt, numberToHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Address, Hex } from '../../../src/core/hex.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import { wireRequirement } from '../../../src/protocol/x402/offer.ts';
import vectors from '../../vectors/countersign-v1.json';
import { isAccepted, type Outcome, see } from './payment-fixture.ts';
import {
  checkUpto,
  metered,
  MOST,
  offered,
  permitConfig,
  permitOf,
  type PermitTerms,
  SENDER,
} from './permit-fixture.ts';
import { addressOf, NOW, PAY_TO } from './signing.ts';

/** Hostile payments: each is judged by the gateway and by the official facilitator. */
const VARIANTS = 4_000;

/**
 * Why the gateway refuses what the facilitator accepts, by the gateway's fault without `PAYMENT-SIGNATURE.`. The gateway accepts nothing
 * that the facilitator refuses.
 */
const EXPLAINED: Readonly<Record<string, string>> = {
  'unsupported_version x402Version': 'the class is not asked for a version',
  unknown_field: 'the gateway refuses members that it does not know',
  'malformed_field address':
    'a mixed-case address must have its checksum; viem ignores it when it hashes',
  'malformed_field integer':
    'integers are canonical decimals; BigInt also reads 0x10, 007 and spaces',
  'malformed_field accepted': 'the facilitator reads neither form nor value of most of `accepted`',
  'requirement_mismatch accepted': 'the accepted offer must be the one that the gateway makes',
  'valid_too_long deadline':
    'the account forgets nonces after the longest validity that it offered',
  'expired deadline':
    'one second stricter, as for EIP-3009: the deadline must be later than now + 6',
  'not_yet_valid witness.validAfter':
    'one second stricter, as for EIP-3009: validAfter must be before now',
  'binding_required witness.validAfter': 'the mark of a bound payment without its intent',
  'invalid_signature signature':
    'high s and v 0 or 1 belong to nobody here; ecrecover and viem accept them',
};

const WRONG_KEY = privateKeyToAccount(vectors.keys.owner.privateKey as Hex);
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** mulberry32: the same variants in every run. */
const seeded = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};
/** @throws for an empty list */
type Pick = <T>(from: readonly T[]) => T;

type Payload = Awaited<ReturnType<typeof permitOf>>;
type Json = { [name: string]: unknown };

/** The object at a path; undefined if an earlier change removed it. */
const parentOf = (payload: Payload, path: readonly string[]): Json | undefined =>
  path
    .slice(0, -1)
    .reduce<unknown>((at, name) => (at as Json | null | undefined)?.[name], payload) as
    | Json
    | undefined;

const set = (payload: Payload, path: readonly string[], value: unknown): void => {
  const parent = parentOf(payload, path);
  const last = path.at(-1) ?? '';
  if (typeof parent !== 'object' || parent === null) return;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
};

/** The text at a path, unless an earlier change replaced it by something else. */
const textAt = (payload: Payload, path: readonly string[], form: RegExp): string | undefined => {
  const value = parentOf(payload, path)?.[path.at(-1) ?? ''];
  return typeof value === 'string' && form.test(value) ? value : undefined;
};

/** What an attacker signs: the terms of a permit, at and around every bound. */
const termsFor = (pick: Pick): PermitTerms => {
  const at = BigInt(NOW);
  const kinds: readonly PermitTerms[] = [
    {},
    { value: pick([MOST - 1n, MOST + 1n, 0n, 1n, MOST * 10n, (1n << 256n) - 1n]) },
    { to: pick<Address>([addressOf('owner'), addressOf('agent'), SENDER, `0x${'0'.repeat(40)}`]) },
    { facilitator: pick<Address>([addressOf('owner'), PAY_TO, `0x${'0'.repeat(40)}`]) },
    {
      deadline: pick([
        at - 1n,
        at,
        at + 5n,
        at + 6n,
        at + 7n,
        at + 3_660n,
        at + 3_661n,
        1n << 255n,
      ]),
    },
    { validAfter: pick([at - 1n, at, at + 1n, 1n, BOUND_VALID_AFTER, BOUND_VALID_AFTER + 9n]) },
    { nonce: pick<Hex>([`0x${'00'.repeat(32)}`, `0x${'ff'.repeat(32)}`]) },
    { account: WRONG_KEY },
  ];
  return pick(kinds);
};

const ADDRESSES = [
  'from',
  'spender',
  'permitted.token',
  'witness.to',
  'witness.facilitator',
] as const;
const INTEGERS = ['nonce', 'deadline', 'permitted.amount', 'witness.validAfter'] as const;
const inPermit = (path: string): readonly string[] => [
  'payload',
  'permit2Authorization',
  ...path.split('.'),
];

const otherCase = (text: string): string =>
  `0x${text.slice(2).replace(/[a-f]/i, (digit) => (digit === digit.toLowerCase() ? digit.toUpperCase() : digit.toLowerCase()))}`;

const changeAddress = (payload: Payload, pick: Pick): void => {
  const path = inPermit(pick(ADDRESSES));
  const text = textAt(payload, path, /^0x[0-9a-f]{40}$/i);
  if (text === undefined) return;
  set(
    payload,
    path,
    pick<unknown>([
      ...[text.toLowerCase(), `0x${text.slice(2).toUpperCase()}`, otherCase(text)],
      ...[addressOf('owner'), `0x${'0'.repeat(40)}`, text.slice(0, -1), `${text}00`, text.slice(2)],
      ...[undefined, null, 7, [text], ` ${text}`],
    ]),
  );
};

const changeInteger = (payload: Payload, pick: Pick): void => {
  const path = inPermit(pick(INTEGERS));
  const text = textAt(payload, path, /^[0-9]+$/);
  if (text === undefined) return;
  set(
    payload,
    path,
    pick<unknown>([
      ...[
        `0${text}`,
        `0x${BigInt(text).toString(16)}`,
        ` ${text}`,
        `${text} `,
        `+${text}`,
        `-${text}`,
      ],
      ...[
        (BigInt(text) + 1n).toString(),
        '0',
        '',
        (1n << 256n).toString(),
        `${text}.0`,
        `${text}n`,
      ],
      ...[Number(text), undefined, null, [text]],
    ]),
  );
};

const changeSignature = (payload: Payload, pick: Pick): void => {
  const text = textAt(payload, ['payload', 'signature'], /^0x[0-9a-f]{130}$/);
  if (text === undefined) return;
  const [r, s, v] = [text.slice(2, 66), text.slice(66, 130), text.slice(130)];
  const high = numberToHex(ORDER - hexToBigInt(`0x${s}`), { size: 32 }).slice(2);
  const flipped = v === '1b' ? '1c' : '1b';
  const changed = pick<string>([
    ...[`0x${r}${high}${flipped}`, `0x${r}${high}${v}`, `0x${r}${s}${flipped}`],
    ...[`0x${r}${s}${v === '1b' ? '00' : '01'}`, `0x${r}${s}02`, `0x${r}${s}ff`, `0x${r}${s}`],
    ...[`0x${s}${r}${v}`, `0x${'00'.repeat(32)}${s}${v}`, `0x${r}${'00'.repeat(32)}${v}`],
    ...[`0x${r}${s}${v}${v}`, '0x', `0x${'ff'.repeat(65)}`, `${text}${'6492'.repeat(16)}`],
    ...[text.toUpperCase().replace('0X', '0x'), text.slice(2), `${text}z`],
  ]);
  set(payload, ['payload', 'signature'], changed);
};

const changeEnvelope = (payload: Payload, pick: Pick): void => {
  const [path, value] = pick<readonly [string, unknown]>([
    ['x402Version', 1],
    ['accepted.scheme', 'exact'],
    ['accepted.network', 'eip155:8453'],
    ['accepted.network', 'base-sepolia'],
    ['accepted.amount', '1'],
    ['accepted.amount', 20_000],
    ['accepted.asset', addressOf('owner')],
    ['accepted.payTo', addressOf('owner')],
    ['accepted.maxTimeoutSeconds', 86_400],
    ['accepted.maxTimeoutSeconds', -1],
    ['accepted.extra.facilitatorAddress', addressOf('owner')],
    ['accepted.extra.facilitatorAddress', undefined],
    ['accepted.extra.name', 'USD Coin'],
    ['accepted.extra.more', 'more'],
    ['accepted.more', 'more'],
    ['payload.more', 'more'],
    ['payload.authorization', {}],
    ['payload.permit2Authorization.more', 'more'],
    ['payload.permit2Authorization.witness.more', 'more'],
    ['payload.permit2Authorization.witness', undefined],
    ['payload.permit2Authorization.permitted', null],
    ['more', 'more'],
  ]);
  set(payload, path.split('.'), value);
};

/** A payment with up to three changes; the first of them is signed. */
const variantOf = async (below: (most: number) => number): Promise<Payload> => {
  const pick: Pick = <T>(from: readonly T[]) => from[below(from.length)] as T;
  const payload = await permitOf(below(2) === 0 ? {} : termsFor(pick));
  const changes = [changeAddress, changeInteger, changeSignature, changeEnvelope];
  // Each kind of change at most once.
  for (let done = below(3); done > 0; done -= 1) {
    const [change] = changes.splice(below(changes.length), 1);
    change?.(payload, pick);
  }
  return payload;
};

/** The official facilitator with a chain on which every simulated settlement succeeds: what remains are its checks of the payment. */
const facilitator = new UptoEvmScheme({
  getAddresses: () => [SENDER],
  getCode: async ({ address }: { address: Address }) =>
    address.toLowerCase() === offered.asset ? '0x60' : '0x',
  readContract: async () => undefined,
} as never);

const officialVerdict = async (payload: Payload): Promise<string> => {
  try {
    const verdict = await facilitator.verify(
      payload as unknown as PaymentPayload,
      wireRequirement(offered) as never,
    );
    return verdict.isValid ? 'accepted' : (verdict.invalidReason ?? 'refused');
  } catch {
    return 'thrown';
  }
};

const observed = await see();
const config = permitConfig();

const judge = async (payload: Payload): Promise<Outcome> =>
  checkUpto(config, metered, payload, observed);

/** The key of `EXPLAINED` for a refusal. */
const keyOf = (outcome: Outcome): string => {
  if (outcome.ok) return outcome.value.execute ? 'wrong signer' : 'expired deadline';
  const { error } = outcome;
  if (error.reason === 'unknown_field') return error.reason;
  const field = 'field' in error ? String(error.field).replace('PAYMENT-SIGNATURE.', '') : '';
  if (field.startsWith('accepted')) return `${error.reason} accepted`;
  const own = field.replace('payload.permit2Authorization.', '').replace('payload.', '');
  if (error.reason === 'binding_required') return `${error.reason} witness.validAfter`;
  if (error.reason !== 'malformed_field') return `${error.reason} ${own}`;
  if (ADDRESSES.some((name) => name === own)) return `${error.reason} address`;
  return INTEGERS.some((name) => name === own)
    ? `${error.reason} integer`
    : `${error.reason} ${own}`;
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

it('refuses every hostile permit that the official facilitator refuses, and explains what else it refuses', async () => {
  const below = seeded(34);
  const counts = { both: 0, neither: 0 };
  const stricter = new Map<string, number>();
  for (let at = 0; at < VARIANTS; at += 1) {
    const payload = await variantOf(below);
    const official = await officialVerdict(payload);
    const outcome = await judge(payload);
    const accepted = isAccepted(outcome);
    if (accepted) expect({ official, payload }).toEqual({ official: 'accepted', payload });
    if (accepted) counts.both += 1;
    else if (official !== 'accepted') counts.neither += 1;
    else {
      const key = keyOf(outcome);
      expect(key in EXPLAINED, JSON.stringify({ key, payload })).toBe(true);
      stricter.set(key, (stricter.get(key) ?? 0) + 1);
    }
  }
  expect(counts.both).toBeGreaterThan(VARIANTS / 10);
  expect(counts.neither).toBeGreaterThan(VARIANTS / 3);
  // Every row of the table is met.
  expect([...stricter.keys()].toSorted()).toEqual(Object.keys(EXPLAINED).toSorted());
}, 120_000);

it('is accepted by both without a change', async () => {
  const payload = await permitOf();
  expect(await officialVerdict(payload)).toBe('accepted');
  expect(isAccepted(await judge(payload))).toBe(true);
});
