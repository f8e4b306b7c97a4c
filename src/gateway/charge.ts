import * as z from 'zod/mini';
import type { Tool } from '../catalog/tool.ts';
import { err, ok, type Result } from '../core/result.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { uint256 } from '../protocol/wire-fields.ts';

/** How the reference server lets a tool charge less than the most (x402 facts 2.4). Never shown to a client. */
const HEADER = 'settlement-overrides';
const MAX_TEXT = 256;

const schema = z.strictObject({ amount: uint256 });

/**
 * What a tool of variable price charges for the call it has just answered: `Settlement-Overrides: {"amount":"<atomic units>"}`.
 *
 * @param most what is reserved; a tool that wants more, or does not say clearly what it wants, has failed. One that says nothing wants
 *   its most: with less reserved an agent would set the price of a tool that does not count.
 * @returns undefined for all that is reserved, and for tools of a fixed price.
 */
export const chargeOf = (
  headers: Headers,
  { pricing, price }: Tool,
  most: bigint,
): Result<bigint | undefined, 'overcharge'> => {
  const text = headers.get(HEADER);
  if (pricing === 'exact') return ok(undefined);
  if (text === null) return price <= most ? ok(undefined) : err('overcharge');
  // Sent twice it arrives joined by a comma, which is no JSON: which of two amounts was meant is not ours to guess.
  const json = text.length > MAX_TEXT ? undefined : parseStrictJson(text);
  const parsed = json?.ok === true ? schema.safeParse(json.value) : undefined;
  return parsed?.success === true && parsed.data.amount <= most
    ? ok(parsed.data.amount)
    : err('overcharge');
};
