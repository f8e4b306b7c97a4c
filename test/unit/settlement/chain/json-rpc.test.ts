import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  addressSchema,
  bytesSchema,
  isExecutionError,
  quantitySchema,
  readAnswer,
  rpcBatch,
  toQuantity,
  wordSchema,
} from '../../../../src/settlement/chain/json-rpc.ts';

const CALLS = [
  { method: 'eth_a', params: [] },
  { method: 'eth_b', params: ['0x1'] },
];
const GOOD = [
  { jsonrpc: '2.0', id: 0, result: 'a' },
  { jsonrpc: '2.0', id: 1, result: 'b' },
];

/** Answers each host with a body, or refuses the connection. */
const answer = (hosts: Record<string, unknown>) =>
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    const body = hosts[new URL(input as string).host];
    if (body === undefined) throw new TypeError('connection refused');
    return await Promise.resolve(body instanceof Response ? body : Response.json(body));
  });

afterEach(() => {
  vi.restoreAllMocks();
});

test('sends one batch and assigns the answers to their calls, whatever their order', async () => {
  const fetched = answer({ 'one.test': GOOD.toReversed() });
  expect(await rpcBatch(['https://one.test'], CALLS)).toEqual({
    ok: true,
    value: [
      { ok: true, value: 'a' },
      { ok: true, value: 'b' },
    ],
  });
  expect(fetched).toHaveBeenCalledTimes(1);
  expect(JSON.parse(fetched.mock.calls[0]?.[1]?.body as string)).toEqual([
    { jsonrpc: '2.0', id: 0, method: 'eth_a', params: [] },
    { jsonrpc: '2.0', id: 1, method: 'eth_b', params: ['0x1'] },
  ]);
});

test('sends no request without calls', async () => {
  const fetched = answer({});
  expect(await rpcBatch(['https://one.test'], [])).toEqual({ ok: true, value: [] });
  expect(fetched).not.toHaveBeenCalled();
});

describe('rejects a batch with an answer that cannot be assigned safely', () => {
  test.each<[string, unknown]>([
    ['one is missing', GOOD.slice(0, 1)],
    ['one too many', [...GOOD, { jsonrpc: '2.0', id: 2, result: 'c' }]],
    ['one too many, with an id of another', [...GOOD, GOOD[1]]],
    ['an id twice', [GOOD[0], { ...GOOD[1], id: 0 }]],
    ['an unknown id', [GOOD[0], { ...GOOD[1], id: 7 }]],
    ['a negative id', [GOOD[0], { ...GOOD[1], id: -1 }]],
    ['an id that is text', [GOOD[0], { ...GOOD[1], id: '1' }]],
    ['no version', [GOOD[0], { id: 1, result: 'b' }]],
    ['neither result nor error', [GOOD[0], { jsonrpc: '2.0', id: 1 }]],
    ['result and error', [GOOD[0], { ...GOOD[1], error: { code: 1, message: '' } }]],
    ['an error without a code', [GOOD[0], { jsonrpc: '2.0', id: 1, error: { message: '' } }]],
    [
      'one error for all',
      { jsonrpc: '2.0', id: null, error: { code: -32_600, message: 'too many' } },
    ],
    ['no batch', 'hello'],
  ])('%s', async (_, body) => {
    answer({ 'one.test': body });
    expect(await rpcBatch(['https://one.test'], CALLS)).toEqual({
      ok: false,
      error: { kind: 'invalid' },
    });
  });
});

describe('tries the next URL', () => {
  test.each<[string, unknown]>([
    ['after a refused connection', undefined],
    ['after an invalid batch', []],
    ['after a status other than 200', Response.json(GOOD, { status: 429 })],
    [
      'after a redirect',
      new Response(null, { status: 302, headers: { location: 'https://x.test' } }),
    ],
    ['after text that is no JSON', new Response('<html>')],
    [
      'after the error of a node',
      [GOOD[0], { jsonrpc: '2.0', id: 1, error: { code: -32_005, message: 'limit' } }],
    ],
  ])('%s', async (_, body) => {
    const fetched = answer({ 'one.test': body, 'two.test': GOOD });
    const answers = await rpcBatch(['https://one.test', 'https://two.test'], CALLS);
    expect(answers).toMatchObject({ ok: true, value: [{ value: 'a' }, { value: 'b' }] });
    expect(fetched).toHaveBeenCalledTimes(2);
  });
});

test('a revert is an answer: no other node is tried', async () => {
  const revert = { jsonrpc: '2.0', id: 1, error: { code: 3, message: 'execution reverted' } };
  const fetched = answer({ 'one.test': [GOOD[0], revert], 'two.test': GOOD });
  const answers = await rpcBatch(['https://one.test', 'https://two.test'], CALLS);
  expect(answers).toMatchObject({
    ok: true,
    value: [{ ok: true }, { ok: false, error: { code: 3 } }],
  });
  expect(fetched).toHaveBeenCalledTimes(1);
});

test('returns a batch with some answers if no URL has all', async () => {
  const limited = { jsonrpc: '2.0', id: 1, error: { code: -32_005, message: 'limit' } };
  answer({ 'one.test': [GOOD[0], limited] });
  expect(await rpcBatch(['https://one.test', 'https://gone.test'], CALLS)).toMatchObject({
    ok: true,
    value: [{ ok: true, value: 'a' }, { ok: false }],
  });
});

test('does not read an answer beyond the limit', async () => {
  answer({ 'one.test': GOOD });
  expect(await rpcBatch(['https://one.test'], CALLS, { maxBytes: 20 })).toEqual({
    ok: false,
    error: { kind: 'too_large' },
  });
});

test.each<[string, number, boolean]>([
  ['execution reverted', -32_000, true],
  ['EVM error OutOfGas', -32_000, true],
  ['out of gas', -32_000, true],
  ['invalid opcode: INVALID', -32_000, true],
  ['', 3, true],
  ['header not found', -32_000, false],
  ['limit exceeded', -32_005, false],
  ['internal error', -32_603, false],
])('tells an execution error from a node error: "%s" (%i) is %s', (message, code, expected) => {
  expect(isExecutionError({ code, message })).toBe(expected);
});

test.each<[string, unknown, number | undefined]>([
  ['zero', '0x0', 0],
  ['a number', '0xff', 255],
  ['the largest safe integer', '0x1fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['one more', '0x20000000000000', undefined],
  ['a leading zero', '0x01', undefined],
  ['no digits', '0x', undefined],
  ['capital digits', '0xFF', undefined],
  ['no prefix', 'ff', undefined],
  ['a number instead of text', 255, undefined],
])('quantity: %s', (_, given, read) => {
  expect(readAnswer({ ok: true, value: given }, quantitySchema)).toBe(read);
});

test('writes quantities as it reads them', () => {
  for (const value of [0, 1, 255, Number.MAX_SAFE_INTEGER])
    expect(readAnswer({ ok: true, value: toQuantity(value) }, quantitySchema)).toBe(value);
});

test('bytes, words and addresses have their length and become lower case', () => {
  const read = (schema: Parameters<typeof readAnswer>[1], value: unknown) =>
    readAnswer({ ok: true, value }, schema);
  expect(read(bytesSchema, '0xAb')).toBe('0xab');
  expect(read(bytesSchema, '0x')).toBe('0x');
  expect(read(bytesSchema, '0xabc')).toBeUndefined();
  expect(read(wordSchema, `0x${'AB'.repeat(32)}`)).toBe(`0x${'ab'.repeat(32)}`);
  expect(read(wordSchema, `0x${'ab'.repeat(31)}`)).toBeUndefined();
  expect(read(wordSchema, '0x')).toBeUndefined();
  expect(read(addressSchema, `0x${'ab'.repeat(20)}`)).toBe(`0x${'ab'.repeat(20)}`);
  expect(read(addressSchema, `0x${'ab'.repeat(21)}`)).toBeUndefined();
  expect(readAnswer(undefined, bytesSchema)).toBeUndefined();
  expect(readAnswer({ ok: false, error: { code: 1, message: '' } }, bytesSchema)).toBeUndefined();
});
