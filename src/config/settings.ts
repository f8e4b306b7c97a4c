import * as z from 'zod/mini';
import { type Address, ZERO_ADDRESS } from '../core/hex.ts';
import { err, ok } from '../core/result.ts';
import { parseAddress } from '../crypto/address.ts';
import { byNetwork, MAX_URLS, readJson, type Setting, urlSchema } from './json-setting.ts';
import type { Network } from '../protocol/account-id.ts';
import {
  MAX_COMMAND_BYTES,
  MIN_COMMAND_BYTES,
  parseCommandBytes,
} from '../protocol/account/command-budget.ts';
import { type Jurisdiction, JURISDICTIONS, parseJurisdiction } from '../protocol/jurisdiction.ts';
import { egressFault, type EgressReach, isLoopbackHost } from '../protocol/egress-url.ts';

const MAX_AUDIENCES = 16;
/** The maximum length of an audience in an intent (`agentIntentSchema`): clients could not sign for a longer origin. */
const MAX_AUDIENCE = 256;
const MAX_OPERATORS = 64;

const isOrigin = (text: string): boolean => {
  const url = URL.parse(text);
  return (
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.origin === text &&
    !url.hostname.endsWith('.')
  );
};

/** Reads `AUDIENCES`: origins exactly as clients sign them, so only in the canonical form of a URL's origin. */
export const readAudiences = (text: string): Setting<[string, ...string[]]> => {
  const [first, ...more] = text.split(',').map((each) => each.trim());
  if (first === undefined || first === '') {
    return err([
      'must hold the origin of this gateway, e.g. "https://gw.example"; more follow after commas',
    ]);
  }
  const all = [first, ...more];
  if (all.length > MAX_AUDIENCES) return err([`may hold at most ${MAX_AUDIENCES} origins`]);
  if (all.some((each) => each.length > MAX_AUDIENCE)) {
    return err([`may hold only origins of at most ${MAX_AUDIENCE} characters`]);
  }
  if (!all.every(isOrigin)) {
    return err([
      'must hold origins only, like "https://gw.example": lower case, no path, no trailing slash, no default port',
    ]);
  }
  if (new Set(all).size !== all.length) return err(['names an origin twice']);
  return ok([first, ...more]);
};

/** Reserved names, which no one can register (RFC 2606, RFC 6761): no public gateway has one of them as its origin. */
const RESERVED = /\.(?:test|example|invalid|localhost)$/;

/**
 * Reads `LOCAL_STACK`: "true" lets the gateway call http URLs and its own machine, for development and tests (CWE-918).
 *
 * A deployed gateway cannot have it by accident: it is rejected if an audience is reachable from the internet, and without a reachable
 * audience no client's signature fits the gateway. The reader of `AUDIENCES` reports faults of that variable.
 */
export const readReach = (text: string, audiences: string): Setting<EgressReach> => {
  if (text === '' || text === 'false') return ok('public');
  if (text !== 'true') return err(['must be "true" or "false"']);
  const read = readAudiences(audiences);
  const reachable = read.ok ? read.value.find((origin) => !isUnreachable(origin)) : undefined;
  return reachable === undefined
    ? ok('local_stack')
    : err([`must not be "true": AUDIENCES names ${reachable}, which is not on this machine`]);
};

const isUnreachable = (origin: string): boolean => {
  const { hostname } = new URL(origin);
  return isLoopbackHost(hostname) || RESERVED.test(hostname);
};

/** `minLength` guarantees one item; the type of zod does not show it. */
const atLeastOne = <T>(item: z.ZodMiniType<T>, hint: string) =>
  z.pipe(
    z.array(item, hint).check(z.minLength(1, hint), z.maxLength(MAX_URLS, hint)),
    z.transform((list: T[]) => list as [T, ...T[]]),
  );

const rpcUrlsSchema = (reach: EgressReach) =>
  byNetwork(
    atLeastOne(urlSchema(reach), `must be an array of 1 to ${MAX_URLS} URLs`),
    'must be an object from network to an array of URLs',
  );

/** Reads `RPC_URLS`: JSON-RPC endpoints by network, tried in order. */
export const readRpcUrls = (
  text: string,
  reach: EgressReach,
): Setting<ReadonlyMap<Network, [string, ...string[]]>> =>
  readJson(text, rpcUrlsSchema(reach), '{"eip155:8453": ["https://…"]}');

/** Reads `JURISDICTION`. The runtime of this machine has none, and throws at each look-up of an object. */
export const readJurisdiction = (
  text: string,
  reach: EgressReach,
): Setting<Jurisdiction | 'none'> => {
  const jurisdiction = parseJurisdiction(text);
  if (jurisdiction === undefined) return err([`must be empty, or ${JURISDICTIONS.join(', ')}`]);
  return jurisdiction === 'none' || reach === 'public'
    ? ok(jurisdiction)
    : err(['must be empty with LOCAL_STACK: the local runtime has no jurisdictions']);
};

/** Reads `UPSTREAM_URL`: an origin, or empty. */
export const readUpstreamUrl = (text: string, reach: EgressReach): Setting<string | undefined> => {
  if (text === '') return ok(undefined);
  if (!isOrigin(text)) {
    return err(['must be an origin like "https://api.example": no path, no trailing slash']);
  }
  const fault = egressFault(text, reach);
  return fault === undefined ? ok(text) : err([fault]);
};

/** Reads `MCP_PASSTHROUGH`: an MCP endpoint whose prompts and resources the gateway passes through. */
export const readPassthrough = (text: string, reach: EgressReach): Setting<string | undefined> => {
  if (text === '') return ok(undefined);
  const fault = egressFault(text, reach);
  return fault === undefined ? ok(text) : err([fault]);
};

/** Reads `PAUSED`. Rejects everything but "true", "false" and empty: a misspelt "true" must not serve. */
export const readPaused = (text: string): Setting<boolean> => {
  if (text === '' || text === 'false') return ok(false);
  return text === 'true' ? ok(true) : err(['must be "true" or "false"']);
};

/** The content of `tools/list` of MCP: every tool, the tools that search them, or the latter above 40 tools. */
export type McpTools = 'auto' | 'list' | 'search';

/** Reads `MCP_TOOLS`. */
export const readMcpTools = (text: string): Setting<McpTools> =>
  text === '' || text === 'auto' || text === 'list' || text === 'search'
    ? ok(text === '' ? 'auto' : text)
    : err(['must be "auto", "list" or "search"']);

/** Reads `OPERATORS`: comma-separated addresses that may use operator routes. Empty: no address may (law 8). */
export const readOperators = (text: string): Setting<readonly Address[]> => {
  if (text === '') return ok([]);
  const all = text.split(',');
  const known = all.flatMap((each) => parseAddress(each.trim()) ?? []);
  if (known.length !== all.length || known.includes(ZERO_ADDRESS) || known.length > MAX_OPERATORS) {
    return err([
      `must be at most ${MAX_OPERATORS} addresses: 0x and 40 hex digits, not zero, with a right EIP-55 checksum if in mixed case`,
    ]);
  }
  return new Set(known).size === known.length ? ok(known) : err(['names an address twice']);
};

const integer =
  (fallback: number, from: number, to: number) =>
  (text: string): Setting<number> => {
    if (text === '') return ok(fallback);
    const value = /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : Number.NaN;
    return value >= from && value <= to
      ? ok(value)
      : err([`must be an integer from ${from} to ${to}`]);
  };

/** Reads `CONFIRMATIONS`: 1 if empty. */
export const readConfirmations = integer(1, 1, 64);

/** Reads `RECONCILE_DEPTH`: 64 if empty, which is two minutes of a rollup's blocks. */
export const readReconcileDepth = integer(64, 1, 10_000);

/** Reads `RECONCILE_DAYS`: 3 if empty. */
export const readReconcileDays = integer(3, 1, 30);

/** Reads `RETAIN_DAYS`: 90 if empty. Longer than `RECONCILE_DAYS` can be, so that reconciliation never misses a call that D1 forgot. */
export const readRetainDays = integer(90, 31, 3_650);

/** Reads `COMMAND_BYTES_PER_DAY`: 4 MiB if empty. The account objects read it as well. */
export const readCommandBytes = (text: string): Setting<number> => {
  const bytes = parseCommandBytes(text);
  return bytes === undefined
    ? err([`must be an integer from ${MIN_COMMAND_BYTES} to ${MAX_COMMAND_BYTES}`])
    : ok(bytes);
};

/** Cloudflare's limit for a D1 database, bytes. */
const D1_LIMIT = 10_000_000_000;

/** Reads `DATABASE_MAX_BYTES`: 10 GB if empty. */
export const readDatabaseMax = (text: string): Setting<number> => {
  if (text === '') return ok(D1_LIMIT);
  const bytes = /^[1-9][0-9]{0,14}$/.test(text) ? Number(text) : 0;
  return bytes >= 1_000_000 ? ok(bytes) : err(['must be an integer of bytes, at least 1000000']);
};
