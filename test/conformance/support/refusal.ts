import type { Hex } from 'viem';
import { hexToBigInt, numberToHex } from 'viem';
import { expect } from 'vitest';
import { type Problem, readProblem } from './offer.ts';
import { type RawAnswer, sendRaw } from './raw.ts';
import { lookup, type ToolCall, type World } from './world.ts';

export type HeaderLine = readonly [name: string, value: string];

const asResponse = ({ status, headers, text }: RawAnswer): Response =>
  new Response(text, { status, headers });

/** Sends header lines unchanged. Expects a well-formed 4xx problem, and that no tool ran. */
export const refusal = async (
  world: World,
  headers: readonly HeaderLine[],
  call: ToolCall = lookup,
): Promise<Problem> => {
  const before = await world.counts();
  const { path, method, contentType, body } = call;
  const answer = await sendRaw(world.stack.description.gateway, {
    path,
    ...(method === undefined ? {} : { method }),
    headers: [
      ...(contentType === undefined ? [] : [['Content-Type', contentType] as const]),
      ...(body === undefined
        ? []
        : [['Content-Length', String(Buffer.from(body).byteLength)] as const]),
      ...headers,
    ],
    ...(body === undefined ? {} : { body }),
  });
  expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
  expect(answer.status, answer.text).toBeLessThan(500);
  expect(await world.counts()).toEqual(before);
  return await readProblem(asResponse(answer));
};

export type Tree = { readonly [key: string]: unknown };

/** A copy of a JSON value with the field at a dotted path replaced, or removed where the value is undefined. */
export const changed = (tree: Tree, path: string, value: unknown): Tree => {
  const [key = '', ...rest] = path.split('.');
  const inner = rest.length === 0 ? value : changed(tree[key] as Tree, rest.join('.'), value);
  return { ...tree, [key]: inner };
};

/** The forms of a signature under `mustFail` of the vectors. */
export type Form = 'highS' | 'v0or1' | 'compact2098' | 'trailingByte' | 'wrongParity' | 'zero';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const VS_BIT = 1n << 255n;

/** Encodes a signature in one of the forms that the gateway must reject. */
export const reshaped = (form: Form, signature: Hex): Hex => {
  const r = signature.slice(2, 66);
  const s = hexToBigInt(`0x${signature.slice(66, 130)}`);
  const v = Number.parseInt(signature.slice(130), 16);
  const join = (newS: bigint, end: string): Hex =>
    `0x${r}${numberToHex(newS, { size: 32 }).slice(2)}${end}`;
  const other = (27 + 28 - v).toString(16);
  switch (form) {
    case 'highS':
      return join(ORDER - s, other);
    case 'v0or1':
      return join(s, (v - 27).toString(16).padStart(2, '0'));
    case 'compact2098':
      return join(v === 28 ? s | VS_BIT : s, '');
    case 'trailingByte':
      return join(s, `${v.toString(16)}00`);
    case 'wrongParity':
      return join(s, other);
    case 'zero':
      return `0x${'00'.repeat(64)}1b`;
  }
};
