import * as z from 'zod/mini';
import { SECRET_KINDS } from '../vault/secret.ts';
import { commandOutcome, count, hash, label, oneOf, pageOf, pageQuery, time } from './fields.ts';
import { DOCUMENT_BODY, OPERATOR, type RouteTable, SMALL_BODY } from './route.ts';

const HOST = 'must be a host like "api.example", with a port unless that is 443';
const BLIND = 'must be 32 random bytes as base64url, new in each request';

const putBody = z.strictObject(
  {
    kind: oneOf(SECRET_KINDS),
    /** The only host that gets the secret. */
    host: z.string(HOST).check(z.minLength(1, HOST), z.maxLength(255, HOST)),
    /** A text; of `basic` {user, password}, of `header` {name, value}, of `json` an object of texts. Never returned. */
    value: z.union(
      [z.string(), z.record(z.string(), z.string())],
      'must be a text or an object of texts',
    ),
    /** Permits a value that an agent could guess. */
    weak: z.exactOptional(z.literal(true, 'must be true')),
    /** Text for people that tells versions apart. */
    hint: z.exactOptional(label),
    /**
     * The log keeps the digest of a command's body. Without random bytes in the body, a reader of the log could test guesses of the value.
     */
    blind: z.string(BLIND).check(z.regex(/^[A-Za-z0-9_-]{43}$/, BLIND)),
  },
  'must be an object {kind, host, value, weak?, hint?, blind}',
);

const secret = z.strictObject({
  name: z.string(),
  kind: z.enum(SECRET_KINDS),
  host: z.string(),
  version: count,
  hint: z.exactOptional(z.string()),
  /** Which key encrypts it. `unknown`: neither key of the gateway opens the secret, so it cannot be used. */
  key: z.enum(['current', 'old', 'unknown']),
  /** When the version was written. */
  at: time,
  etag: hash,
  /** The tools that used it, latest first. The time is exact to an hour. */
  uses: z.array(z.strictObject({ tool: z.string(), at: time })),
});

const rewrapBody = z.strictObject(
  { after: z.exactOptional(z.string().check(z.maxLength(128))) },
  'must be an object {after?}',
);

const rewrapped = z.strictObject({
  /** Secrets that this step encrypted with the current key. */
  rewrapped: count,
  /** Secrets that no key of the gateway opens. They stay as they are. */
  unreadable: z.array(z.string()),
  /** Secrets that another key encrypts, after this step. */
  remaining: count,
  /** `after` of the next step; absent after the last one. */
  next: z.exactOptional(z.string()),
});

export const SECRET_ROUTES = {
  'secrets.list': {
    path: 'GET /admin/secrets',
    roles: OPERATOR,
    query: pageQuery,
    summary: 'Lists the secrets of upstreams, without their values',
    answer: pageOf(secret),
  },
  'secrets.put': {
    path: 'PUT /admin/secrets/:secret',
    roles: OPERATOR,
    body: putBody,
    maxBody: DOCUMENT_BODY,
    precondition: 'etag',
    summary: 'Stores a new version of a secret; ends the version before',
    answer: commandOutcome,
  },
  'secrets.delete': {
    path: 'DELETE /admin/secrets/:secret',
    roles: OPERATOR,
    precondition: 'etag',
    summary: 'Removes a secret and erases its values',
    answer: commandOutcome,
  },
  'secrets.rewrap': {
    path: 'POST /admin/secrets/rewrap',
    roles: OPERATOR,
    body: rewrapBody,
    maxBody: SMALL_BODY,
    summary: 'Encrypts the next secrets with the current key',
    answer: rewrapped,
  },
} as const satisfies RouteTable;
