import fc from 'fast-check';
import { hashTypedData } from 'viem';
import { expect, test } from 'vitest';
import { BOUND_VALID_AFTER } from '../../src/protocol/intent/binding.ts';
import { judge } from '../../src/signer/judge.ts';
import { readSigningRequest } from '../../src/signer/signing-request.ts';
import {
  AGENT,
  approvalData,
  CHAIN,
  intent,
  intentParams,
  NOW,
  PAYEE,
  paymentParams,
  permitData,
  STRANGER,
  subject,
  USDC,
  withIntent,
} from '../unit/signer/fixture.ts';
import { runsOf } from './runs.ts';

const PERMIT2 = '0x000000000022d473030f116ddee9f6b43ac78ba3';
const UPTO_PROXY = '0x4020a4f3b7b90cca423b9fabcc0ce57c6c240002';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Params = readonly Json[];

const copy = (params: readonly unknown[]): Params => JSON.parse(JSON.stringify(params)) as Params;

/** Requests within the policy, and a request as a prompt injection could cause it. The properties vary them. */
const STARTS: readonly Params[] = [
  intentParams(intent),
  paymentParams(intent),
  intentParams({ ...intent, tool: 'pay.invoice', maxAmount: 0n }),
  withIntent(intent, permitData(intent)),
  withIntent(intent, approvalData(intent)),
].map(copy);

/** Values near the limits of every field, and spellings that another reader could take for an allowed value. */
const VALUES: readonly Json[] = [
  ...[
    AGENT,
    PAYEE,
    STRANGER,
    USDC,
    PAYEE.toUpperCase().replace('0X', '0x'),
    `${PAYEE} `,
    PAYEE.slice(0, -1),
  ],
  ...[
    '0',
    '1',
    '1000000',
    '1000001',
    '01000000',
    '0xf4240',
    '-1',
    '1e6',
    1_000_000,
    0,
    -1,
    '',
    ' ',
    null,
    true,
  ],
  ...[
    `${2n ** 256n - 1n}`,
    `${2n ** 256n}`,
    `${2n ** 64n}`,
    `${BOUND_VALID_AFTER}`,
    `${BOUND_VALID_AFTER + 1n}`,
  ],
  ...[NOW, NOW + 300, NOW + 301, NOW + 3600, NOW + 3601].flatMap((time) => [time, time.toString()]),
  ...[
    'search',
    'Search',
    'pay',
    'pay.',
    'pay.x',
    'payroll',
    'countersign.credits',
    '*',
    'search\u0000',
  ],
  ...[
    'https://gateway.example',
    'https://gateway.example/',
    'https://gateway.example.evil',
    'http://gateway.example',
  ],
  ...[
    'AgentIntent',
    'TransferWithAuthorization',
    'Permit',
    'ReceiveWithAuthorization',
    'AgentDelegation',
  ],
  ...[
    'Countersign',
    'USDC',
    'USD Coin',
    '2',
    CHAIN,
    `${CHAIN}`,
    8453,
    1,
    `0x${'00'.repeat(32)}`,
    'uint256',
    'address',
    [],
    {},
  ],
];

const isObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The path of every place in a value, that of the whole value first. */
const placesIn = (value: Json): readonly (readonly string[])[] => [
  [],
  ...(typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, member]) =>
        placesIn(member).map((place) => [key, ...place]),
      )
    : []),
];

const changed = (value: Json, [key, ...rest]: readonly string[], to: Json | undefined): Json => {
  if (key === undefined) return to ?? null;
  if (Array.isArray(value)) {
    const items = [...(value as readonly Json[])];
    const at = Number(key);
    if (rest.length === 0 && to === undefined) items.splice(at, 1);
    else items[at] = changed(items[at] ?? null, rest, to);
    return items;
  }
  if (!isObject(value)) return value;
  if (rest.length > 0 || to !== undefined)
    return { ...value, [key]: changed(value[key] ?? null, rest, to) };
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
};

type Change = {
  readonly at: number;
  readonly kind: 'set' | 'remove' | 'add' | 'move';
  readonly value: Json;
};

const apply = (params: Params, { at, kind, value }: Change): Params => {
  const places = placesIn(params);
  const place = places[at % places.length] ?? [];
  const next = ((): Json => {
    switch (kind) {
      case 'set':
        return changed(params, place, value);
      case 'remove':
        return changed(params, place, undefined);
      case 'add':
        return changed(params, [...place, `more${at % 3}`], value);
      case 'move': {
        // Replaces a member by one of the same name elsewhere, e.g. a field of the payment by one of its intent.
        const other =
          places.find((each) => each.at(-1) === place.at(-1) && each !== place) ?? place;
        const from = other.reduce<Json | undefined>(
          (found, key) =>
            isObject(found)
              ? found[key]
              : Array.isArray(found)
                ? (found as readonly Json[])[Number(key)]
                : undefined,
          params,
        );
        return changed(params, place, from ?? null);
      }
    }
  })();
  return Array.isArray(next) ? (next as Params) : [];
};

const changes = fc.array(
  fc.record({
    at: fc.nat(200),
    kind: fc.constantFrom('set', 'set', 'set', 'remove', 'add', 'move'),
    value: fc.constantFrom(...VALUES),
  }) as fc.Arbitrary<Change>,
  { minLength: 1, maxLength: 3 },
);

/** An independent version of the policy, on the typed data as the agent sent it. */
const isWithinPolicy = (params: Params): boolean => {
  const [address, data, third] = params as unknown as [
    string,
    { primaryType: string; domain: Record<string, unknown>; message: Record<string, string> },
    { intent: Record<string, string> } | undefined,
  ];
  const { primaryType, domain, message } = data;
  const of = primaryType === 'AgentIntent' ? message : third?.intent;
  if (of === undefined || address.toLowerCase() !== AGENT || of['agent']?.toLowerCase() !== AGENT)
    return false;
  const [validAfter, validBefore, amount] = [
    Number(of['validAfter']),
    Number(of['validBefore']),
    BigInt(of['maxAmount'] ?? ''),
  ];
  const isIntent =
    Number(domain['chainId']) === CHAIN &&
    of['audience'] === 'https://gateway.example' &&
    (of['tool'] === 'search' || /^pay\../.test(of['tool'] ?? '')) &&
    validBefore > NOW &&
    validBefore <= NOW + 300 &&
    validBefore - validAfter <= 300 &&
    amount <= 1_000_000n &&
    (amount === 0n ||
      (of['payTo']?.toLowerCase() === PAYEE && of['asset']?.toLowerCase() === USDC));
  if (!isIntent || primaryType === 'AgentIntent')
    return isIntent && domain['name'] === 'Countersign';
  const sentByViem = hashTypedData({
    ...(copy(intentParams(intent))[1] as object),
    domain: { name: 'Countersign', version: '1', chainId: CHAIN },
    message: of,
  } as unknown as Parameters<typeof hashTypedData>[0]);
  const isInUsdc = of['payTo']?.toLowerCase() === PAYEE && of['asset']?.toLowerCase() === USDC;
  if (primaryType === 'Permit') {
    return (
      isInUsdc &&
      String(domain['verifyingContract']).toLowerCase() === USDC &&
      message['owner']?.toLowerCase() === AGENT &&
      message['spender']?.toLowerCase() === PERMIT2 &&
      BigInt(message['value'] ?? '') <= amount &&
      Number(message['deadline']) <= NOW + 3600
    );
  }
  if (primaryType === 'PermitWitnessTransferFrom') {
    const { permitted, witness } = message as unknown as Record<string, Record<string, string>>;
    return (
      isInUsdc &&
      String(domain['verifyingContract']).toLowerCase() === PERMIT2 &&
      message['spender']?.toLowerCase() === UPTO_PROXY &&
      permitted?.['token']?.toLowerCase() === USDC &&
      BigInt(permitted['amount'] ?? '') <= amount &&
      witness?.['to']?.toLowerCase() === PAYEE &&
      BigInt(witness['facilitator'] ?? '') !== 0n &&
      BigInt(witness['validAfter'] ?? '') === BOUND_VALID_AFTER &&
      Number(message['deadline']) <= NOW + 3600 &&
      BigInt(message['nonce'] ?? '') === BigInt(sentByViem)
    );
  }
  return (
    primaryType === 'TransferWithAuthorization' &&
    String(domain['verifyingContract']).toLowerCase() === USDC &&
    message['from']?.toLowerCase() === AGENT &&
    message['to']?.toLowerCase() === PAYEE &&
    isInUsdc &&
    BigInt(message['value'] ?? '') <= amount &&
    BigInt(message['validAfter'] ?? '') === BOUND_VALID_AFTER &&
    Number(message['validBefore']) <= NOW + 3600 &&
    message['nonce']?.toLowerCase() === sentByViem
  );
};

test('signs no variant of allowed typed data outside the policy, and hashes what was sent', () => {
  let signed = 0;
  fc.assert(
    fc.property(fc.constantFrom(...STARTS), changes, (start, all) => {
      const params = all.reduce(apply, start);
      const read = readSigningRequest(params);
      if (!read.ok || judge(subject, read.value, NOW).verdict !== 'sign') return;
      signed += 1;
      expect(isWithinPolicy(params), JSON.stringify(params)).toBe(true);
      const data = params[1] as unknown as Parameters<typeof hashTypedData>[0];
      expect(read.value.digest).toBe(hashTypedData(data));
    }),
    { numRuns: runsOf(50_000) },
  );
  // If the signer signed no variant, the variants would be too different to prove anything.
  expect(signed).toBeGreaterThan(100);
});
