import { isObject } from '../../core/json-object.ts';
import * as z from 'zod/mini';
import { err } from '../../core/result.ts';
import { formatDollars, MAX_STORED } from '../../protocol/amount.ts';
import {
  createDraft,
  type Import,
  type ImportDraft,
  type Imported,
  mapRecords,
  unknownFields,
} from './records.ts';

const text = (most: number) => z.nullish(z.string().check(z.maxLength(most)));

const count = z.int().check(z.gte(0));

const refillSchema = z.looseObject({
  interval: z.enum(['daily', 'monthly']),
  amount: z.int().check(z.gte(1)),
  refillDay: z.nullish(z.int().check(z.gte(1), z.lte(31))),
});

const ratelimitSchema = z.looseObject({
  name: text(255),
  limit: count,
  /** Milliseconds. */
  duration: z.int().check(z.gte(1)),
  autoApply: z.nullish(z.boolean()),
});

const SECRET = 'holds a key itself: export without `decrypt`';

/** A key of `apis.listKeys` and `keys.getKey` (v2), or of v1: `id`, `remaining`, `refill` and `ratelimit` on the key itself. */
const keySchema = z
  .looseObject({
    keyId: text(255),
    id: text(255),
    name: text(255),
    enabled: z.nullish(z.boolean()),
    /** Unix milliseconds. */
    expires: z.nullish(count),
    externalId: text(255),
    ownerId: text(255),
    credits: z.nullish(
      z.looseObject({ remaining: z.nullish(count), refill: z.nullish(refillSchema) }),
    ),
    remaining: z.nullish(count),
    refill: z.nullish(refillSchema),
    ratelimits: z.nullish(z.array(ratelimitSchema).check(z.maxLength(50))),
    ratelimit: z.nullish(ratelimitSchema),
    identity: z.nullish(z.looseObject({ ratelimits: z.nullish(z.array(ratelimitSchema)) })),
    plaintext: z.nullish(z.undefined(SECRET)),
    key: z.nullish(z.undefined(SECRET)),
  })
  .check(
    z.refine(({ keyId, id }) => (keyId ?? id ?? '') !== '', {
      path: ['keyId'],
      message: 'is required',
    }),
  );

type Key = z.output<typeof keySchema>;

/** Fields that the importer reads, or that limit nothing. */
const KNOWN = new Set(
  `keyId id name enabled expires externalId ownerId credits remaining refill ratelimits ratelimit identity plaintext key
   start meta createdAt updatedAt apiId workspaceId lastUsedAt deletedAt environment`.split(/\s+/),
);

/** The keys of an export in any of Unkey's forms; undefined if it holds none. */
const keysIn = (json: unknown): readonly unknown[] | undefined => {
  if (Array.isArray(json)) return json;
  if (!isObject(json)) return undefined;
  const inner = json['data'] ?? json['result'] ?? json;
  if (Array.isArray(inner)) return inner;
  if (!isObject(inner)) return undefined;
  if (Array.isArray(inner['keys'])) return inner['keys'];
  return 'keyId' in inner || 'start' in inner ? [inner] : undefined;
};

export type UnkeyOptions = {
  /** Value of one credit in atomic units: Unkey counts calls, policies count money. */
  readonly price: bigint | undefined;
};

/** Converts keys exported from Unkey to policies. */
export const importUnkey = (json: unknown, options: UnkeyOptions): Import => {
  const keys = keysIn(json);
  const reason = 'must be keys: the answer of apis.listKeys or keys.getKey, or an array of keys';
  return keys === undefined
    ? err([{ field: '', reason }])
    : mapRecords(keys, keySchema, (key) => policyFrom(key, options));
};

const policyFrom = (key: Key, options: UnkeyOptions): Imported => {
  const draft = createDraft();
  if (key.enabled === false) {
    draft.policy.tools = [];
    draft.approximated(
      'enabled',
      'a disabled key becomes a policy that allows nothing; `countersign pause` is the exact equivalent',
    );
  }
  if (typeof key.expires === 'number' && key.expires > 0)
    draft.policy.validUntil = Math.floor(key.expires / 1000);
  mapCredits(key, options, draft);
  mapRateLimits(key, draft);
  if ((key.identity?.ratelimits ?? []).length > 0)
    draft.notMapped(
      'identity.ratelimits',
      'several keys share this limit; set it in the policy of their parent account',
    );
  for (const name of unknownFields(key, KNOWN))
    draft.notMapped(name, WHY[name] ?? 'this command does not know the field');
  const name = key.name ?? key.externalId ?? key.ownerId ?? undefined;
  return { id: key.keyId ?? key.id ?? '', name, policy: draft.policy, notes: draft.notes };
};

const WHY: Readonly<Record<string, string>> = {
  permissions: 'permissions name no tools; allow tools with `policy set --tools`',
  roles: 'roles name no tools; allow tools with `policy set --tools`',
};

const mapCredits = (key: Key, { price }: UnkeyOptions, draft: ImportDraft): void => {
  const remaining = key.credits?.remaining ?? key.remaining ?? undefined;
  const refill = key.credits?.refill ?? key.refill ?? undefined;
  if (remaining === undefined && refill === undefined) return;
  if (price === undefined) {
    const what = refill === undefined ? `${remaining} left` : `${refill.amount} ${refill.interval}`;
    draft.notMapped(
      'credits',
      `credits are counts (${what}), policies limit money; give the value of one credit with --price`,
    );
    return;
  }
  const worth = (credits: number, field: string): string | undefined => {
    const amount = BigInt(credits) * price;
    if (amount <= MAX_STORED) return formatDollars(amount);
    draft.notMapped(field, 'is worth more than a policy can hold');
    return undefined;
  };
  if (refill === undefined) {
    const lifetime = worth(remaining ?? 0, 'credits.remaining');
    if (lifetime !== undefined) draft.policy.lifetime = lifetime;
    return;
  }
  const every = refill.interval === 'daily' ? 'day' : 'month';
  const limit = worth(refill.amount, 'credits.refill');
  if (limit !== undefined) draft.policy.windows = [{ every, limit }];
  if (every === 'month' && (refill.refillDay ?? 1) !== 1)
    draft.approximated(
      'credits.refill.refillDay',
      `Unkey refills on day ${refill.refillDay}; a monthly window begins on the 1st (UTC)`,
    );
  if (remaining !== undefined && remaining !== refill.amount)
    draft.notMapped(
      'credits.remaining',
      `${remaining} are left of this period; the window begins with all ${refill.amount}`,
    );
};

const DAY = 86_400;
const MAX_CALLS = 1_000_000;

/** A policy has one rate: take the limit that allows the fewest calls in the long run. */
const mapRateLimits = (key: Key, draft: ImportDraft): void => {
  const named = (key.ratelimits ?? []).map((each, index) => ({
    ...each,
    field: `ratelimits[${index}]`,
  }));
  const ofV1 =
    key.ratelimit === null || key.ratelimit === undefined
      ? []
      : [{ ...key.ratelimit, autoApply: true, field: 'ratelimit' }];
  const usable = [...named, ...ofV1].filter(({ name, autoApply, duration, limit, field }) => {
    const suffix = name === null || name === undefined ? '' : ` (${name})`;
    const why =
      autoApply !== true
        ? `applies only where a verification names it${suffix}; the rate of a policy applies to every call`
        : Math.ceil(duration / 1000) > DAY
          ? `counts calls over more than a day${suffix}; a rate covers at most ${DAY} seconds`
          : limit > MAX_CALLS
            ? `allows more than ${MAX_CALLS} calls${suffix}, the maximum of a rate`
            : undefined;
    if (why !== undefined) draft.notMapped(field, why);
    return why === undefined;
  });
  // Cross-multiply: the quotients may not be whole.
  const [tightest, ...others] = usable.toSorted((one, other) =>
    Number(BigInt(one.limit) * BigInt(other.duration) - BigInt(other.limit) * BigInt(one.duration)),
  );
  if (tightest === undefined) return;
  for (const { field } of others)
    draft.notMapped(
      field,
      `a policy has one rate; ${tightest.field} allows fewer calls in the long run`,
    );
  if (tightest.limit === 0) {
    draft.policy.tools = [];
    draft.approximated(tightest.field, 'allows no call, so the policy allows nothing');
    return;
  }
  const seconds = Math.ceil(tightest.duration / 1000);
  if (tightest.duration % 1000 !== 0)
    draft.approximated(
      tightest.field,
      `${tightest.duration} ms became ${seconds} s, which is stricter`,
    );
  draft.policy.rate = { limit: tightest.limit, seconds };
};
