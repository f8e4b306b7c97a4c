import * as z from 'zod/mini';
import type { Seconds } from '../../core/clock.ts';
import { type Address, isAddress } from '../../core/hex.ts';
import { type AssetId, chainIdOf } from '../account-id.ts';
import { MONEY_HINT, parseMoney } from '../amount.ts';
import { payees, readingText, toolPatterns } from '../wire-fields.ts';

/** The longest validity of an intent that the signer signs, from now. */
export const MAX_INTENT_VALIDITY: Seconds = 300;
/** The longest validity of an authorization that the signer signs, from now. */
export const MAX_AUTHORIZATION_VALIDITY: Seconds = 3_600;

const YEAR: Seconds = 366 * 86_400;
const MAX_WINDOWS = 8;
const MAX_LIST = 64;

/** A limit on what is signed per fixed window of UTC. It counts all assets together: every pinned token is a dollar of six decimals. */
export type SignerWindow = {
  readonly every: 'hour' | 'day' | 'month' | Seconds;
  readonly limit: bigint;
};

/**
 * What an agent's key may sign. An absent list allows nothing: the signer denies by default (law 8). Amounts are atomic units of a dollar
 * token with six decimals. The signer counts what it has signed, settled or not.
 */
export type SignerPolicy = {
  /** `paused` refuses every signature until the owner changes the policy again. */
  readonly status: 'active' | 'paused';
  /** Origins of gateways that intents may name. */
  readonly audiences: readonly string[];
  /** Tool ids, `prefix.*` or `*`. `*` covers no tool of the gateway itself (`countersign.…`): those need `countersign.*` or their id. */
  readonly tools: readonly string[];
  /** Receivers of money; `0xffff…ffff` for all. */
  readonly payees: readonly Address[];
  readonly assets: readonly AssetId[];
  /** The most that one intent may cap, and one authorization may move. */
  readonly perSignature: bigint;
  readonly windows: readonly SignerWindow[];
  /** Limit on everything that is ever signed for the agent. */
  readonly lifetime?: bigint;
  /** The longest validity of a signature; shorter than the signer's own limits of 300 s and 3,600 s. */
  readonly maxValidity?: Seconds;
  /** A signature above this amount is refused with `approval-required`. */
  readonly approveAbove?: bigint;
};

const money = readingText(MONEY_HINT, parseMoney);

const ORIGIN = 'must be the origin of a gateway, like "https://gateway.example"';
const origin = readingText(ORIGIN, (text) =>
  text.length <= 256 && URL.parse(text)?.origin === text && text !== 'null' ? text : undefined,
);

const ASSET = 'must be a lower-case asset like "eip155:8453/erc20:0x…"';
const asset = readingText(ASSET, (text) => {
  const [on = '', token = '', more] = text.split('/erc20:');
  const isAsset = chainIdOf(on) !== undefined && isAddress(token) && more === undefined;
  return isAsset ? (text as AssetId) : undefined;
});

const setOf = <T extends string>(item: z.ZodMiniType<T>) =>
  z.array(item, 'must be an array').check(
    z.maxLength(MAX_LIST, `must hold at most ${MAX_LIST} entries`),
    z.refine((all) => new Set(all).size === all.length, 'must name each entry once'),
  );

const EVERY = `must be "hour", "day", "month", or seconds from 60 to ${YEAR}`;
const every = z.union(
  [z.enum(['hour', 'day', 'month']), z.int().check(z.minimum(60, EVERY), z.maximum(YEAR, EVERY))],
  EVERY,
);

const windows = z
  .array(
    z.strictObject({ every, limit: money }, 'must be an object {every, limit}'),
    'must be an array of {every, limit}',
  )
  .check(
    z.maxLength(MAX_WINDOWS, `must hold at most ${MAX_WINDOWS} windows`),
    z.refine(
      (all) => new Set(all.map((one) => one.every)).size === all.length,
      'must name each window once',
    ),
  );

const VALIDITY = `must be seconds from 1 to ${MAX_AUTHORIZATION_VALIDITY}`;

/**
 * The policy as a document, amounts as `"$5"` or `"5000000u"`. A misspelt limit would be no limit, so unknown fields are refused; and a
 * window or a lifetime is required, because a stolen key could otherwise spend without limit.
 */
export const signerPolicySchema = z
  .strictObject(
    {
      v: z.exactOptional(z.literal(1, 'must be 1')),
      status: z.prefault(z.enum(['active', 'paused'], 'must be "active" or "paused"'), 'active'),
      audiences: setOf(origin),
      tools: toolPatterns,
      payees,
      assets: setOf(asset),
      perSignature: money,
      windows: z.prefault(windows, []),
      lifetime: z.exactOptional(money),
      maxValidity: z.exactOptional(
        z
          .int(VALIDITY)
          .check(z.minimum(1, VALIDITY), z.maximum(MAX_AUTHORIZATION_VALIDITY, VALIDITY)),
      ),
      approveAbove: z.exactOptional(money),
    },
    'must be an object with the fields of docs/signer.md',
  )
  .check(
    z.refine(({ windows: limits, lifetime }) => limits.length > 0 || lifetime !== undefined, {
      error: 'must limit a window, unless `lifetime` is set',
      path: ['windows'],
    }),
  );
