import { formatDollars, MAX_STORED } from '../../protocol/amount.ts';
import { err } from '../../core/result.ts';
import {
  type Import,
  type Imported,
  newSheet,
  readRecords,
  type Sheet,
  unread,
} from '../lib/imported.ts';
import { type Key, keySchema, KNOWN, recordsIn } from './unkey-key.ts';

export type UnkeyOptions = {
  /** What one credit is worth, in atomic units: Unkey counts calls, policies count money. */
  readonly price: bigint | undefined;
};

/** Keys that Unkey has exported, as policies. */
export const importUnkey = (json: unknown, options: UnkeyOptions): Import => {
  const records = recordsIn(json);
  return records === undefined
    ? err([
        {
          field: '',
          reason: 'must be keys: the answer of apis.listKeys or keys.getKey, or an array of keys',
        },
      ])
    : readRecords(records, keySchema, (key) => mapped(key, options));
};

const mapped = (key: Key, options: UnkeyOptions): Imported => {
  const sheet = newSheet();
  if (key.enabled === false) {
    sheet.policy.tools = [];
    sheet.nearly(
      'enabled',
      'a disabled key becomes a policy that allows nothing; `countersign pause` says it better',
    );
  }
  if (typeof key.expires === 'number' && key.expires > 0)
    sheet.policy.validUntil = Math.floor(key.expires / 1000);
  creditsOf(key, options, sheet);
  rateOf(key, sheet);
  if ((key.identity?.ratelimits ?? []).length > 0)
    sheet.lost(
      'identity.ratelimits',
      'a limit that several keys share; write it into the policy of the account above them',
    );
  for (const name of unread(key, KNOWN))
    sheet.lost(name, WHY[name] ?? 'is not known to this command');
  const name = key.name ?? key.externalId ?? key.ownerId ?? undefined;
  return { id: key.keyId ?? key.id ?? '', name, policy: sheet.policy, notes: sheet.notes };
};

const WHY: Readonly<Record<string, string>> = {
  permissions: 'permissions name no tools; say which with `policy set --tools`',
  roles: 'roles name no tools; say which with `policy set --tools`',
};

const creditsOf = (key: Key, { price }: UnkeyOptions, sheet: Sheet): void => {
  const remaining = key.credits?.remaining ?? key.remaining ?? undefined;
  const again = key.credits?.refill ?? key.refill ?? undefined;
  if (remaining === undefined && again === undefined) return;
  if (price === undefined) {
    const what = again === undefined ? `${remaining} left` : `${again.amount} ${again.interval}`;
    sheet.lost(
      'credits',
      `credits are counts (${what}), policies hold money; say what one is worth with --price`,
    );
    return;
  }
  const worth = (credits: number, field: string): string | undefined => {
    const amount = BigInt(credits) * price;
    if (amount <= MAX_STORED) return formatDollars(amount);
    sheet.lost(field, 'is worth more than a policy can hold');
    return undefined;
  };
  if (again === undefined) {
    const lifetime = worth(remaining ?? 0, 'credits.remaining');
    if (lifetime !== undefined) sheet.policy.lifetime = lifetime;
    return;
  }
  const every = again.interval === 'daily' ? 'day' : 'month';
  const limit = worth(again.amount, 'credits.refill');
  if (limit !== undefined) sheet.policy.windows = [{ every, limit }];
  if (every === 'month' && (again.refillDay ?? 1) !== 1)
    sheet.nearly(
      'credits.refill.refillDay',
      `it refills on day ${again.refillDay}, a month of a policy begins on the 1st (UTC)`,
    );
  if (remaining !== undefined && remaining !== again.amount)
    sheet.lost(
      'credits.remaining',
      `${remaining} are left of this period; the window begins with all ${again.amount}`,
    );
};

const DAY = 86_400;
const MOST_CALLS = 1_000_000;

/** A policy has one rate: the one that lets the fewest calls through in the long run. */
const rateOf = (key: Key, sheet: Sheet): void => {
  const listed = (key.ratelimits ?? []).map((one, index) => ({
    ...one,
    field: `ratelimits[${index}]`,
  }));
  const old =
    key.ratelimit === null || key.ratelimit === undefined
      ? []
      : [{ ...key.ratelimit, autoApply: true, field: 'ratelimit' }];
  const usable = [...listed, ...old].filter((one) => {
    const named = one.name === null || one.name === undefined ? '' : ` (${one.name})`;
    if (one.autoApply !== true) {
      sheet.lost(
        one.field,
        `applies only where a verification names it${named}; a policy's rate holds for every call`,
      );
      return false;
    }
    if (Math.ceil(one.duration / 1000) > DAY) {
      sheet.lost(
        one.field,
        `counts calls over more than a day${named}; a rate has at most ${DAY} seconds`,
      );
      return false;
    }
    if (one.limit > MOST_CALLS)
      sheet.lost(
        one.field,
        `allows more than ${MOST_CALLS} calls${named}, the most a rate can say`,
      );
    return one.limit <= MOST_CALLS;
  });
  // By cross-multiplication: the quotients need not be whole.
  const [tightest, ...others] = usable.toSorted((one, other) =>
    Number(BigInt(one.limit) * BigInt(other.duration) - BigInt(other.limit) * BigInt(one.duration)),
  );
  if (tightest === undefined) return;
  for (const { field } of others)
    sheet.lost(
      field,
      `a policy has one rate; ${tightest.field} allows fewer calls in the long run`,
    );
  if (tightest.limit === 0) {
    sheet.policy.tools = [];
    sheet.nearly(tightest.field, 'allows no call, so the policy allows nothing');
    return;
  }
  const seconds = Math.ceil(tightest.duration / 1000);
  if (tightest.duration % 1000 !== 0)
    sheet.nearly(tightest.field, `${tightest.duration} ms became ${seconds} s, which is stricter`);
  sheet.policy.rate = { limit: tightest.limit, seconds };
};
