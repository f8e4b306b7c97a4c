import * as z from 'zod/mini';
import { HOP_BY_HOP } from '../catalog/forwardable.ts';
import type { Tool } from '../catalog/tool.ts';
import { isRemote, serviceOf } from '../catalog/upstream.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type FieldFault, faultsOf } from '../protocol/fault.ts';
import { isSecretName, SECRET_NAME_HINT } from './secret.ts';

/** Framing and routing of the request, which a secret must not replace. */
const RESERVED = new Set([
  'host',
  'content-length',
  'accept-encoding',
  'range',
  'if-range',
  'expect',
]);
const HEADER = 'must be the name of a header that does not frame or route the request';
const headerName = z.string(HEADER).check(
  z.refine((name) => {
    const isToken = /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/.test(name);
    return isToken && !HOP_BY_HOP.has(name) && !RESERVED.has(name);
  }, `${HEADER}, in lower case`),
);

const KEY = 'must be 1 to 128 of A-Z a-z 0-9 . _ -';
/** The name of a query parameter or of a form field. */
export const fieldName = z.string(KEY).check(z.regex(/^[A-Za-z0-9._-]{1,128}$/, KEY));
const POINTER = 'must be a JSON pointer (RFC 6901) of at most 256 characters, not empty';
/** A place inside a JSON body. */
export const pointer = z
  .string(POINTER)
  .check(z.regex(/^(?:\/(?:[^~/]|~[01])*){1,32}$/, POINTER), z.maxLength(256, POINTER));
const PREFIX = 'must be at most 64 printable ASCII characters';
const prefix = z.optional(z.string(PREFIX).check(z.regex(/^[\x20-\x7e]{0,64}$/, PREFIX)));
const LABEL = 'must be 1 to 64 of a-z 0-9 -';
const label = z.string(LABEL).check(z.regex(/^[a-z0-9-]{1,64}$/, LABEL));

/** The name of a secret of the vault. */
export const secretName = z
  .string(SECRET_NAME_HINT)
  .check(z.refine(isSecretName, SECRET_NAME_HINT));

const common = {
  secret: secretName,
  /** Which text of a `json` secret. */
  field: z.optional(z.string('must be the name of a text').check(z.maxLength(256))),
};

/** The input of an HMAC. `target`: path and query; `body`: its bytes; `timestamp`: Unix seconds. */
const SIGNED = ['timestamp', 'method', 'target', 'body'] as const;

const PLACES = 'must be one of header, query, json, form, basic, hmac, sigv4';
const placement = z.discriminatedUnion(
  'in',
  [
    z.strictObject({ in: z.literal('header'), ...common, name: z.optional(headerName), prefix }),
    z.strictObject({ in: z.literal('query'), ...common, name: fieldName }),
    z.strictObject({ in: z.literal('json'), ...common, pointer, prefix, suffix: prefix }),
    z.strictObject({ in: z.literal('form'), ...common, name: fieldName }),
    z.strictObject({ in: z.literal('basic'), ...common }),
    z.strictObject({
      in: z.literal('hmac'),
      ...common,
      name: headerName,
      over: z
        .array(z.enum(SIGNED, `must be of ${SIGNED.join(', ')}`), 'must be an array')
        .check(z.minLength(1), z.maxLength(SIGNED.length)),
      separator: z.optional(z.string().check(z.maxLength(8))),
      timestamp: z.optional(headerName),
      encoding: z.optional(z.enum(['hex', 'base64'], 'must be hex or base64')),
      prefix,
    }),
    z.strictObject({
      in: z.literal('sigv4'),
      secret: common.secret,
      region: label,
      service: label,
    }),
  ],
  PLACES,
);

/** Where a tool's request carries a secret: one item of `secrets` in `tools.json`. */
export type Placement = z.infer<typeof placement>;

/** More would be a mistake; and the gateway scrubs each one from every answer. */
const MAX_PLACEMENTS = 8;
const placements = z.array(placement, 'must be an array').check(z.maxLength(MAX_PLACEMENTS));

/**
 * Parses the placements of a tool. Its code loads with the first call of a tool that has secrets, and when an operator puts a tool, so that a
 * gateway without secrets does not load it.
 */
export const parsePlacements = (
  tool: Pick<Tool, 'secrets' | 'upstream'>,
): Result<readonly Placement[], readonly FieldFault[]> => {
  const parsed = placements.safeParse(tool.secrets);
  if (!parsed.success) {
    return err(
      faultsOf(parsed.error.issues).map(({ field, reason }) => ({ field: within(field), reason })),
    );
  }
  const faults = parsed.data.flatMap((each, at) =>
    contradictions(each).map(({ field, reason }) => ({ field: `secrets[${at}].${field}`, reason })),
  );
  const [first] = parsed.data;
  if (first !== undefined && serviceOf(tool) !== undefined) {
    faults.push({
      field: 'secrets',
      reason: 'may not be there with a service binding, which has no host',
    });
  }
  if (isRemote(tool)) faults.push(...parsed.data.flatMap(bodyFault));
  if (parsed.data.filter(({ in: place }) => place === 'sigv4').length > 1) {
    faults.push({ field: 'secrets', reason: 'may hold one sigv4' });
  }
  return faults.length === 0 ? ok(parsed.data) : err(faults);
};

/** The body of every request to a remote MCP server, even of a listing, is a JSON-RPC message. */
const bodyFault = ({ in: place }: Placement, at: number): readonly FieldFault[] =>
  place === 'json' || place === 'form'
    ? [
        {
          field: `secrets[${at}].in`,
          reason:
            'may not be json or form for a tool of a remote MCP server, whose body is JSON-RPC. Use header, query, basic, hmac or sigv4',
        },
      ]
    : [];

const within = (field: string): string =>
  field.startsWith('[') ? `secrets${field}` : `secrets.${field}`;

const contradictions = (each: Placement): readonly FieldFault[] => {
  if (each.in !== 'hmac') return [];
  const faults: FieldFault[] = [];
  if (each.over.includes('timestamp') !== (each.timestamp !== undefined)) {
    faults.push({
      field: 'timestamp',
      reason: 'must name a header if over holds timestamp, and only then',
    });
  }
  if (new Set(each.over).size !== each.over.length) {
    faults.push({ field: 'over', reason: 'names a part twice' });
  }
  return faults;
};

/** Placements by tool object: a changed document makes a new object. */
const parsedOnce = new WeakMap<object, ReturnType<typeof parsePlacements>>();

export const placementsOf = (
  tool: Pick<Tool, 'secrets' | 'upstream'>,
): ReturnType<typeof parsePlacements> => {
  const known = parsedOnce.get(tool);
  if (known !== undefined) return known;
  const parsed = parsePlacements(tool);
  parsedOnce.set(tool, parsed);
  return parsed;
};
