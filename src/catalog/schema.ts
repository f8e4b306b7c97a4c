import * as z from 'zod/mini';
import { MONEY_HINT, parseMoney } from '../protocol/amount.ts';
import { USD } from '../protocol/fiat-asset.ts';
import type { EgressReach } from '../protocol/egress-url.ts';
import { type FieldFault, faultsOf } from '../protocol/fault.ts';
import { err, ok, type Result } from '../core/result.ts';
import { readingText } from '../protocol/wire-fields.ts';
import { integer, PARAM_NAME, paramText } from '../policy/fields.ts';
import { argumentPlaces, placeFaults } from './argument-place.ts';
import { isForwardable } from './forwardable.ts';
import { inputSchema, OPEN_SCHEMA } from './input-schema.ts';
import { isReservedPath } from './own-paths.ts';
import { METHODS, routeKey } from './route.ts';
import { type Tool, MAX_TOOLS } from './tool.ts';
import { isRemote, upstreamSchema, upstreamUrlFault } from './upstream.ts';

const MAX_KEPT_TIMEOUT = 300;
const MAX_STREAM = 900;
const MAX_BODY = 25 * 1024 * 1024;
const MAX_REQUEST_HEADERS = 16;
const MAX_PARAMS = 16;
const MAX_SECRETS = 8;

// Only characters without a second form, so that a request can write such a path in one way only.
const PATH = /^(?:\/|(?:\/[A-Za-z0-9._~-]+)+)$/;
const WILDCARD = /^(?:\/[A-Za-z0-9._~-]+)*\/\*$/;
const DOTS = /\/\.{1,2}(?:\/|$)/;

const text = (pattern: RegExp, hint: string) => z.string(hint).check(z.regex(pattern, hint));

const PRICE = `${MONEY_HINT}; or {"max": "$0.10"} for a tool that may charge less`;
const PATH_HINT =
  'must be a path of segments of A-Z a-z 0-9 . _ ~ -, and may end in /* to match everything below';
const HEADER_HINT =
  'must be a header name that the gateway neither sets, drops nor forwards by itself';

const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/;
const PARAM = 'must be {"pointer": "/a/b"} (RFC 6901) or {"query": "key"}, of at most 256 bytes';

const params = z
  .record(
    z.string(),
    z.union(
      [
        z.strictObject({ pointer: paramText.check(z.regex(POINTER, PARAM)) }),
        z.strictObject({ query: paramText.check(z.minLength(1, PARAM)) }),
      ],
      PARAM,
    ),
    'must be an object of params by name',
  )
  .check(
    z.refine((all) => {
      const names = Object.keys(all);
      return names.length <= MAX_PARAMS && names.every((name) => PARAM_NAME.test(name));
    }, `must hold at most ${MAX_PARAMS} params, named by 1 to 64 of A-Z a-z 0-9 . _ -`),
  );

const SECRET = 'must be a placement with the name of its secret';

export const toolSchema = z.strictObject(
  {
    id: text(
      /^[a-z0-9][a-z0-9._-]{0,63}$/,
      'must be 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit',
    ),
    method: z.enum([...METHODS, '*'], `must be one of ${METHODS.join(', ')} or *`),
    path: z.string(PATH_HINT).check(
      z.refine((path) => (PATH.test(path) || WILDCARD.test(path)) && !DOTS.test(path), PATH_HINT),
      z.refine((path) => !isReservedPath(path), 'is a path of the gateway itself'),
    ),
    description: text(
      /^[^\x00-\x1f\x7f]{1,256}$/u,
      'must be 1 to 256 characters, without control characters',
    ),
    mimeType: z.optional(
      text(
        /^[\w!#$&^.+-]{1,64}\/[\w!#$&^.+-]{1,64}$/,
        'must be a media type like "application/json"',
      ),
    ),
    price: z.union(
      [
        readingText(MONEY_HINT, parseMoney),
        z.strictObject({ max: readingText(MONEY_HINT, parseMoney) }, PRICE),
        /** `readMeter` checks the rest; its code loads with the first catalogue that has a metered tool. */
        z.looseObject({ max: readingText(MONEY_HINT, parseMoney), meter: z.looseObject({}) }),
      ],
      PRICE,
    ),
    asset: z.exactOptional(z.literal(USD, `must be ${USD}, or absent for a dollar token`)),
    settlement: z.enum(
      ['deferred', 'upfront', 'credit', 'free', 'card'],
      'must be one of deferred, upfront, credit, free, card',
    ),
    upstream: upstreamSchema,
    timeoutSeconds: z.optional(integer(1, MAX_KEPT_TIMEOUT)),
    streamSeconds: z.exactOptional(integer(1, MAX_STREAM)),
    maxBodyBytes: z.optional(integer(0, MAX_BODY)),
    requestHeaders: z.optional(
      z
        .array(
          readingText(HEADER_HINT, (name) => {
            const lower = name.toLowerCase();
            return isForwardable(lower) ? lower : undefined;
          }),
          'must be an array of header names',
        )
        .check(z.maxLength(MAX_REQUEST_HEADERS, `must hold at most ${MAX_REQUEST_HEADERS} names`)),
    ),
    assertion: z.optional(z.boolean('must be true or false')),
    onSilence: z.optional(z.enum(['release', 'keep'], 'must be release or keep')),
    requireBinding: z.optional(z.enum(['none', 'intent'], 'must be none or intent')),
    params: z.optional(params),
    /** `parsePlacements` checks the rest of a placement; its code loads with the first call that needs it. */
    secrets: z.optional(
      z
        .array(
          z.looseObject({ secret: z.string(SECRET) }, SECRET),
          'must be an array of placements',
        )
        .check(z.maxLength(MAX_SECRETS, `must hold at most ${MAX_SECRETS} placements`)),
    ),
    /** Checked like `secrets`: the code of cards loads with the first call that needs it. */
    card: z.exactOptional(z.looseObject({}, 'must be an object')),
    bazaar: z.optional(z.boolean('must be true or false')),
    inputSchema: z.optional(inputSchema),
    arguments: z.optional(argumentPlaces),
    disabled: z.optional(z.boolean('must be true or false')),
  },
  'must be an object',
);

const schema = z.strictObject(
  {
    tools: z
      .array(toolSchema, 'must be an array of tools')
      .check(
        z.minLength(1, 'must hold at least one tool'),
        z.maxLength(MAX_TOOLS, `must hold at most ${MAX_TOOLS} tools`),
      ),
  },
  'must be an object {"tools": […]}',
);

const withDefaults = (tool: z.infer<typeof toolSchema>): Tool => ({
  ...tool,
  price: typeof tool.price === 'bigint' ? tool.price : tool.price.max,
  pricing: typeof tool.price === 'bigint' ? 'exact' : 'upto',
  ...(typeof tool.price === 'object' && 'meter' in tool.price ? { meteredPrice: tool.price } : {}),
  mimeType: tool.mimeType ?? 'application/json',
  timeoutSeconds: tool.timeoutSeconds ?? 10,
  maxBodyBytes: tool.maxBodyBytes ?? 1_048_576,
  requestHeaders: tool.requestHeaders ?? [],
  assertion: tool.assertion ?? true,
  onSilence: tool.onSilence ?? (tool.settlement === 'card' ? 'keep' : 'release'),
  requireBinding: tool.requireBinding ?? (tool.settlement === 'card' ? 'intent' : 'none'),
  params: tool.params ?? {},
  secrets: tool.secrets ?? [],
  bazaar: tool.bazaar ?? false,
  inputSchema: tool.inputSchema ?? OPEN_SCHEMA,
  arguments: tool.arguments ?? {},
  disabled: tool.disabled ?? false,
});

const MAX_TIMEOUT = 25;
/** Ids of the gateway's own routes: an intent for one of them must never reach an upstream. */
const GATEWAY_ID = /^countersign(?:\.|$)/;
/** The gateway's own tools over MCP: a sold tool of such a name could not be called there. */
const MCP_NAME = /^(?:search_tools|describe_tool|call_tool|spending)$/;

/** Modes whose money stays counted while the outcome of a call is unknown. */
const KEEPING: readonly Tool['settlement'][] = ['upfront', 'credit', 'card'];

/** Returns faults of a tool with settlement `card`, and of fields that only such a tool may have. */
const cardFaults = (tool: Tool): readonly FieldFault[] => {
  if (tool.settlement !== 'card') {
    const only = 'may be set only with settlement card';
    return (['asset', 'card'] as const)
      .filter((field) => tool[field] !== undefined)
      .map((field) => ({ field, reason: only }));
  }
  return [
    tool.asset === undefined
      ? { field: 'asset', reason: `must be ${USD} with settlement card` }
      : undefined,
    // A silent merchant may have charged the card: the amount stays counted until an operator resolves the call.
    tool.onSilence === 'keep'
      ? undefined
      : { field: 'onSilence', reason: 'must be keep with settlement card' },
    tool.requireBinding === 'intent'
      ? undefined
      : { field: 'requireBinding', reason: 'must be intent with settlement card' },
    // An error of an MCP server does not show whether the card was charged.
    isRemote(tool)
      ? { field: 'settlement', reason: 'may not be card for a tool of a remote MCP server' }
      : undefined,
    tool.bazaar
      ? {
          field: 'bazaar',
          reason: 'may not be true with settlement card: no x402 client can pay it',
        }
      : undefined,
  ].filter((fault) => fault !== undefined);
};

/** Returns faults that concern several fields of a tool. */
const contradictions = (tool: Tool): readonly FieldFault[] => {
  const faults: FieldFault[] = [];
  const fault = (field: string, reason: string) => faults.push({ field, reason });
  if (tool.settlement === 'free' && tool.price !== 0n)
    fault('price', 'must be "$0" for a free tool');
  if (tool.settlement !== 'free' && tool.price === 0n) {
    fault('price', 'may be "$0" only with settlement free');
  }
  // EIP-3009 transfers exactly the signed value, so only a debit from credit can be lower.
  if (
    tool.pricing === 'upto' &&
    tool.meteredPrice === undefined &&
    tool.settlement !== 'credit' &&
    tool.settlement !== 'card'
  ) {
    fault('price', 'may have a max only with settlement credit or card, or with a meter');
  }
  if (tool.timeoutSeconds > MAX_TIMEOUT && tool.onSilence !== 'keep') {
    fault('timeoutSeconds', `may be above ${MAX_TIMEOUT} only with onSilence keep`);
  }
  // A kept hold may wait for days, and an unsettled authorization would expire meanwhile.
  if (tool.onSilence === 'keep' && !KEEPING.includes(tool.settlement)) {
    fault('onSilence', 'may be keep only with settlement upfront, credit or card');
  }
  for (const { field, reason } of cardFaults(tool)) fault(field, reason);
  if (isRemote(tool) && (tool.method !== 'POST' || tool.path.endsWith('/*'))) {
    fault('method', 'must be POST, on a path without *, for a tool of a remote MCP server');
  }
  // No MCP server states a charge.
  if (isRemote(tool) && tool.pricing === 'upto') {
    fault('price', 'may have no max for a tool of a remote MCP server');
  }
  if (GATEWAY_ID.test(tool.id))
    fault('id', 'may not start with countersign., which is the gateway itself');
  if (MCP_NAME.test(tool.id)) fault('id', 'may not be the name of a tool of the gateway over MCP');
  return [...faults, ...placeFaults(tool)];
};

/** Returns faults that no schema finds: contradictions, and an upstream that the gateway may not call. */
const faultsIn = (tool: Tool, reach: EgressReach): readonly FieldFault[] => {
  const upstream = upstreamUrlFault(tool, reach);
  return [
    ...contradictions(tool),
    ...(upstream === undefined ? [] : [{ field: 'upstream', reason: upstream }]),
  ];
};

/** Parses `tools.json` and reports every fault with its path, e.g. `tools[3].price`. Rejects unknown fields. */
export const parseTools = (
  json: unknown,
  reach: EgressReach,
): Result<readonly Tool[], readonly FieldFault[]> => {
  const parsed = schema.safeParse(json);
  if (!parsed.success) return err(faultsOf(parsed.error.issues));
  const tools = parsed.data.tools.map(withDefaults);
  const ids = new Set<string>();
  const keys = new Set<string>();
  const faults = tools.flatMap((tool, at) => {
    const found = [...faultsIn(tool, reach)];
    if (ids.has(tool.id)) found.push({ field: 'id', reason: 'is the id of an earlier tool' });
    if (keys.has(routeKey(tool))) {
      found.push({ field: 'path', reason: 'is served by an earlier tool with the same method' });
    }
    ids.add(tool.id);
    keys.add(routeKey(tool));
    return found.map(({ field, reason }) => ({ field: `tools[${at}].${field}`, reason }));
  });
  return faults.length === 0 ? ok(tools) : err(faults);
};

/** Parses one tool in the form of `tools.json`; the fields of its faults are its own, e.g. `price`. */
export const parseTool = (
  json: unknown,
  reach: EgressReach,
): Result<Tool, readonly FieldFault[]> => {
  const parsed = toolSchema.safeParse(json);
  if (!parsed.success) return err(faultsOf(parsed.error.issues));
  const tool = withDefaults(parsed.data);
  const faults = faultsIn(tool, reach);
  return faults.length === 0 ? ok(tool) : err(faults);
};
