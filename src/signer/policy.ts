import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { sha256Hex, utf8 } from '../crypto/bytes.ts';
import { matchesTool } from '../policy/rules/tools.ts';
import { formatDollars, min } from '../protocol/amount.ts';
import type { SignerExposure } from '../protocol/signer/management.ts';
import type { SignerPolicy } from '../protocol/signer/policy.ts';

/** The policy as the canonical document that `signerPolicySchema` reads. */
export const signerPolicyJson = (policy: SignerPolicy): Readonly<Record<string, unknown>> =>
  JSON.parse(
    JSON.stringify(policy, (_, value: unknown) =>
      typeof value === 'bigint' ? formatDollars(value) : value,
    ),
  ) as Record<string, unknown>;

/** SHA-256 over the JCS form of a policy's document; every entry about a signature carries it. */
export const signerPolicyHash = (policy: SignerPolicy): Hex =>
  sha256Hex(utf8(canonicalJson(signerPolicyJson(policy))));

/** The prefix of tools that a gateway serves itself: they move credit and grant rights, so `*` must not allow them. */
const GATEWAY_TOOLS = 'countersign.';

/** Whether a policy allows a tool by its patterns. */
export const allowsSignerTool = (patterns: readonly string[], tool: string): boolean =>
  matchesTool(
    tool.startsWith(GATEWAY_TOOLS) ? patterns.filter((pattern) => pattern !== '*') : patterns,
    tool,
  );

const HOUR: Seconds = 3_600;
const DAY: Seconds = 24 * HOUR;
/** The shortest month bounds from below how often a month resets. */
const SHORTEST_MONTH: Seconds = 28 * DAY;

const lengthOf = (every: SignerPolicy['windows'][number]['every']): Seconds =>
  every === 'hour' ? HOUR : every === 'day' ? DAY : every === 'month' ? SHORTEST_MONTH : every;

/**
 * The most that a stolen agent key could sign in any period of this length, in atomic units. A period may begin in one fixed window and end
 * in another, so this counts each window that it can touch.
 */
const mostWithin = ({ windows, lifetime }: SignerPolicy, length: Seconds): bigint => {
  const bounds = windows.map(
    ({ every, limit }) => limit * BigInt(Math.ceil(length / lengthOf(every)) + 1),
  );
  const [first, ...more] = lifetime === undefined ? bounds : [lifetime, ...bounds];
  return more.reduce((least, bound) => min(least, bound), first ?? 0n);
};

/** The exposure of one agent, or of `agents` agents under the same policy together. */
export const exposureOf = (policy: SignerPolicy, agents = 1): SignerExposure => {
  const all = (amount: bigint): string => (amount * BigInt(agents)).toString();
  return {
    hour: all(mostWithin(policy, HOUR)),
    day: all(mostWithin(policy, DAY)),
    month: all(mostWithin(policy, 30 * DAY)),
    ...(policy.lifetime === undefined ? {} : { lifetime: all(policy.lifetime) }),
  };
};
