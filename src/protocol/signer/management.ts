import { KEY_REFERENCE_HINT, readKeyReference } from '../key-reference.ts';
import * as z from 'zod/mini';
import { readingText, reasonText } from '../wire-fields.ts';
import { signerPolicySchema } from './policy.ts';

/**
 * The signer's API for owners: JSON over HTTPS, each request signed as `Agent-Intent` by the owner's key like a management request of a
 * gateway. The intent names the signer's origin as audience, `countersign.signer.<route id>` as tool, method, target, content type and body
 * digest; payee, asset, amount and authority are zero. A command works once. Faults are RFC 9457 problems, as a gateway's.
 */
export const SIGNER_ROUTES = {
  'agents.list': { method: 'GET', path: '/owners/:owner/agents', maxBody: 0 },
  'agents.enrol': { method: 'POST', path: '/owners/:owner/agents', maxBody: 262_144 },
  'agents.policy': { method: 'POST', path: '/owners/:owner/agents/policy', maxBody: 131_072 },
  'agents.revoke': { method: 'POST', path: '/owners/:owner/agents/revoke', maxBody: 131_072 },
  'agents.rotate': { method: 'POST', path: '/owners/:owner/agents/rotate', maxBody: 4_096 },
  'seed.make': { method: 'POST', path: '/owners/:owner/seed', maxBody: 4_096 },
  'seed.backup': { method: 'POST', path: '/owners/:owner/seed/backup', maxBody: 4_096 },
  'entries.list': { method: 'GET', path: '/owners/:owner/entries', maxBody: 0 },
} as const;
export type SignerRouteId = keyof typeof SIGNER_ROUTES;

/** The tool that an intent for a route names. */
export const signerToolOf = (id: SignerRouteId): string => `countersign.signer.${id}`;

/** The most agents of one request. */
export const MAX_ENROLLED = 1_000;

/** An agent's id: the RFC 7638 thumbprint of its Ed25519 key, the `keyid` of its HTTP signatures. */
const THUMBPRINT = 'must be the thumbprint of a key: 43 characters of base64url';
export const agentKeyId = readingText(THUMBPRINT, (text) =>
  /^[A-Za-z0-9_-]{43}$/.test(text) ? text : undefined,
);

/** The public Ed25519 key of an agent (RFC 8037). A private member is refused: it must never leave the agent. */
export const agentJwkSchema = z.strictObject(
  {
    kty: z.literal('OKP', 'must be "OKP"'),
    crv: z.literal('Ed25519', 'must be "Ed25519"'),
    x: z
      .string('must be text')
      .check(z.regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url')),
  },
  'must be a public Ed25519 key as JWK: {kty, crv, x}',
);
export type AgentJwk = z.output<typeof agentJwkSchema>;

const LABEL = 'must be 1 to 64 characters, without control characters';
const label = z.string(LABEL).check(z.regex(/^[^\x00-\x1f\x7f]{1,64}$/u, LABEL));

/**
 * The wallet key, if it is not the next child of the fleet seed: the ARN of a key in AWS KMS, or the name of a key version in Google Cloud
 * KMS.
 */
const keyReference = readingText(KEY_REFERENCE_HINT, (text) =>
  readKeyReference(text).ok ? text : undefined,
);

const agents = z
  .array(agentKeyId, 'must be an array')
  .check(
    z.minLength(1, 'must name an agent'),
    z.maxLength(MAX_ENROLLED, `must name at most ${MAX_ENROLLED} agents`),
  );

/** Enrols agents under one policy. Keys are unique per owner, for good: a revoked key never returns. */
export const enrolBody = z.strictObject({
  agents: z
    .array(
      z.strictObject({
        jwk: agentJwkSchema,
        label: z.exactOptional(label),
        key: z.exactOptional(keyReference),
      }),
      'must be an array',
    )
    .check(
      z.minLength(1, 'must name an agent'),
      z.maxLength(MAX_ENROLLED, `must name at most ${MAX_ENROLLED} agents`),
    ),
  policy: signerPolicySchema,
});

/** Gives agents another policy. What they have spent still counts. */
export const policyBody = z.strictObject({ agents, policy: signerPolicySchema });

/** Revokes agents for good, at once. `"all"`: every agent of the owner. */
export const revokeBody = z.strictObject({
  agents: z.union([z.literal('all'), agents], 'must be "all" or an array of agents'),
  reason: z.exactOptional(reasonText),
});

/** Replaces the key that an agent authenticates with. Its wallet, policy and counters stay. The old key ends after `overlap` seconds. */
const OVERLAP = 'must be seconds from 0 to 604800';
export const rotateBody = z.strictObject({
  agent: agentKeyId,
  jwk: agentJwkSchema,
  overlap: z.prefault(z.int(OVERLAP).check(z.minimum(0, OVERLAP), z.maximum(604_800, OVERLAP)), 0),
});

export const seedBody = z.strictObject({});

const RECIPIENT = 'must be an age recipient: age1…';
/** Exports the fleet seed, encrypted to an age recipient (X25519). */
export const backupBody = z.strictObject({
  recipient: z.string(RECIPIENT).check(z.regex(/^age1[02-9ac-hj-np-z]{58}$/, RECIPIENT)),
});

const amount = z.string().check(z.regex(/^(0|[1-9][0-9]{0,77})$/));
const address = z.string().check(z.regex(/^0x[0-9a-f]{40}$/));
const time = z.int().check(z.nonnegative());

/**
 * The most that a stolen agent key could sign before the owner revokes it, in atomic units: within an hour, a day and 30 days at any moment
 * (a fixed window may reset in between), and in all if the policy has a lifetime.
 */
const exposure = z.strictObject({
  hour: amount,
  day: amount,
  month: amount,
  lifetime: z.exactOptional(amount),
});
export type SignerExposure = z.output<typeof exposure>;

const agent = z.strictObject({
  agent: agentKeyId,
  address,
  /** The wallet in CAIP-10 form on the owner's chain. Gateways know the agent by it. */
  account: z.string(),
  label: z.exactOptional(z.string()),
  /** `fleet:<child number>`, or the name of a key in a key service. */
  key: z.string(),
  status: z.enum(['active', 'paused', 'disabled', 'revoked']),
  at: time,
});
export type EnrolledAgent = z.output<typeof agent>;

/** The policy as a document, in canonical form. */
const policyDocument: z.ZodMiniType<{ readonly [field: string]: unknown }> = z.record(
  z.string(),
  z.unknown(),
);

/** The answer to a command. `changed`: false if there was nothing to do. `entry`: its place in the log. */
const command = { changed: z.boolean(), entry: z.exactOptional(z.int()) };

/** The answers of all routes, status 200. */
export const SIGNER_ANSWERS = {
  /** Newest last. `next`: the query `after` of the next page. */
  'agents.list': z.strictObject({
    items: z.array(
      z.strictObject({
        ...agent.shape,
        policy: policyDocument,
        spent: z.strictObject({
          windows: z.array(
            z.strictObject({ every: z.string(), limit: amount, spent: amount, resets_at: time }),
          ),
          lifetime: amount,
        }),
        exposure,
      }),
    ),
    next: z.exactOptional(z.string()),
  }),
  'agents.enrol': z.strictObject({
    ...command,
    agents: z.array(agent),
    /** The URL to which all of them send requests. */
    url: z.string(),
    /** The exposure of one agent, and of all agents of this request together. */
    exposure: z.strictObject({ each: exposure, all: exposure }),
  }),
  'agents.policy': z.strictObject({ ...command, exposure: z.strictObject({ each: exposure }) }),
  /** `agents`: those that this request revoked. */
  'agents.revoke': z.strictObject({ ...command, agents: z.array(agentKeyId) }),
  'agents.rotate': z.strictObject({ ...command, agent }),
  'seed.make': z.strictObject({ ...command, fleet: z.int(), children: z.int() }),
  /** `backup`: an armored age file of `{v, owner, fleet, path, seed}`. */
  'seed.backup': z.strictObject({ ...command, backup: z.string() }),
  /** Entries as they are hashed (docs/wire-format.md §15), after the query `after` (a seq). `countersign audit verify` reads them. */
  'entries.list': z.strictObject({
    items: z.array(z.record(z.string(), z.unknown())),
    next: z.exactOptional(z.string()),
  }),
} as const satisfies Readonly<Record<SignerRouteId, z.ZodMiniType>>;

/** The bodies of all routes that have one. */
export const SIGNER_BODIES = {
  'agents.enrol': enrolBody,
  'agents.policy': policyBody,
  'agents.revoke': revokeBody,
  'agents.rotate': rotateBody,
  'seed.make': seedBody,
  'seed.backup': backupBody,
} as const satisfies Partial<Readonly<Record<SignerRouteId, z.ZodMiniType>>>;
