import * as z from 'zod/mini';
import { isObject } from '../lib/imported.ts';

const text = (most: number) => z.nullish(z.string().check(z.maxLength(most)));
const count = z.int().check(z.gte(0));

const refill = z.looseObject({
  interval: z.enum(['daily', 'monthly']),
  amount: z.int().check(z.gte(1)),
  refillDay: z.nullish(z.int().check(z.gte(1), z.lte(31))),
});

const ratelimit = z.looseObject({
  name: z.nullish(z.string().check(z.maxLength(255))),
  limit: count,
  /** Milliseconds. */
  duration: z.int().check(z.gte(1)),
  autoApply: z.nullish(z.boolean()),
});

const SECRET = 'holds a key itself: export without `decrypt`';

/** A key as `apis.listKeys` and `keys.getKey` give it (v2), and as v1 did: `id`, `remaining`, `refill` and `ratelimit` beside it. */
export const keySchema = z
  .looseObject({
    keyId: text(255),
    id: text(255),
    name: text(255),
    enabled: z.nullish(z.boolean()),
    /** Unix milliseconds. */
    expires: z.nullish(count),
    externalId: text(255),
    ownerId: text(255),
    credits: z.nullish(z.looseObject({ remaining: z.nullish(count), refill: z.nullish(refill) })),
    remaining: z.nullish(count),
    refill: z.nullish(refill),
    ratelimits: z.nullish(z.array(ratelimit).check(z.maxLength(50))),
    ratelimit: z.nullish(ratelimit),
    identity: z.nullish(z.looseObject({ ratelimits: z.nullish(z.array(ratelimit)) })),
    plaintext: z.nullish(z.undefined(SECRET)),
    key: z.nullish(z.undefined(SECRET)),
  })
  .check(
    z.refine(({ keyId, id }) => (keyId ?? id ?? '') !== '', {
      path: ['keyId'],
      message: 'must be there',
    }),
  );

export type Key = z.output<typeof keySchema>;

/** What limits nothing, or is read elsewhere. */
export const KNOWN = new Set([
  ...['keyId', 'id', 'name', 'enabled', 'expires', 'externalId', 'ownerId', 'credits', 'remaining'],
  ...['refill', 'ratelimits', 'ratelimit', 'identity', 'start', 'meta', 'createdAt', 'updatedAt'],
  ...['apiId', 'workspaceId', 'lastUsedAt', 'deletedAt', 'environment', 'plaintext', 'key'],
]);

/** The keys of an export, in any of the forms that Unkey gives them; undefined where there are none. */
export const recordsIn = (json: unknown): readonly unknown[] | undefined => {
  if (Array.isArray(json)) return json;
  if (!isObject(json)) return undefined;
  const inner = json['data'] ?? json['result'] ?? json;
  if (Array.isArray(inner)) return inner;
  if (!isObject(inner)) return undefined;
  if (Array.isArray(inner['keys'])) return inner['keys'];
  return 'keyId' in inner || 'start' in inner ? [inner] : undefined;
};
