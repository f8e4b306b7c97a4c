import * as z from 'zod/mini';
import {
  LEAST_COMMAND_BYTES,
  MOST_COMMAND_BYTES,
  parseCommandBytes,
} from './protocol/command-bytes.ts';
import { chainIdOf, type Network } from './protocol/account-id.ts';
import { type Address, ZERO_ADDRESS } from './core/hex.ts';
import { egressFault, type EgressReach } from './protocol/egress-url.ts';
import { type FieldFault, faultsOf } from './protocol/fault.ts';
import { err, ok, type Result } from './core/result.ts';
import { parseStrictJson } from './protocol/strict-json.ts';
import { parseAddress } from './crypto/checksum.ts';
import { readingText } from './protocol/wire-fields.ts';
import { tokenOf } from './protocol/x402/tokens.ts';

/** What a variable must be, said as the end of a sentence that starts with its name. Never holds the value. */
export type Setting<T> = Result<T, readonly string[]>;

const MAX_AUDIENCES = 16;
/** What an intent can name (`agentIntentSchema`): a longer origin could be served, but never be signed for. */
const MAX_AUDIENCE = 256;
const MAX_OPERATORS = 64;
export const MAX_URLS = 8;
const MAX_NETWORKS = 16;

const isOrigin = (text: string): boolean => {
  const url = URL.parse(text);
  return (
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.origin === text &&
    !url.hostname.endsWith('.')
  );
};

/** `AUDIENCES`: origins exactly as clients sign them, so only in the one form that a URL's origin has. */
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

export const readJson = <T>(
  text: string,
  schema: z.ZodMiniType<T>,
  example: string,
): Setting<T> => {
  if (text === '') return err([`must be set, e.g. ${example}`]);
  const json = parseStrictJson(text);
  if (!json.ok) return err([`must be JSON, with no key twice, e.g. ${example}`]);
  const parsed = schema.safeParse(json.value);
  return parsed.success ? ok(parsed.data) : err(faultsOf(parsed.error.issues).map(sentence));
};

/** A fault inside a variable, as a sentence that follows the variable's name. */
export const sentence = ({ field, reason }: FieldFault): string =>
  field === '' ? reason : `at ${field}: ${reason}`;

export const networkSchema = readingText<Network>(
  'must be a CAIP-2 network like "eip155:8453"',
  (text) => (chainIdOf(text) === undefined ? undefined : (text as Network)),
);

/** A JSON object by network, in the order written. The key of a fault is shown in its path. */
export const byNetwork = <T>(value: z.ZodMiniType<T>, hint: string) =>
  z.pipe(
    z.record(z.string(), value, hint),
    z.transform((record: Record<string, T>, payload): ReadonlyMap<Network, T> => {
      const entries = Object.entries(record);
      if (entries.length === 0 || entries.length > MAX_NETWORKS) {
        const message = `must name 1 to ${MAX_NETWORKS} networks`;
        payload.issues.push({ code: 'custom', input: record, message, continue: false });
      }
      const map = new Map<Network, T>();
      for (const [key, each] of entries) {
        const network = networkSchema.safeParse(key);
        if (network.success) map.set(network.data, each);
        else {
          const message = network.error.issues[0]?.message ?? '';
          payload.issues.push({
            code: 'custom',
            input: key,
            message,
            path: [key],
            continue: false,
          });
        }
      }
      return map;
    }),
  );

const payToSchema = byNetwork(
  readingText<Address>(
    'must be an address: 0x and 40 hex digits, not zero, with a right EIP-55 checksum if in mixed case',
    (text) => {
      const address = parseAddress(text);
      return address === ZERO_ADDRESS ? undefined : address;
    },
  ),
  'must be an object from network to address',
);

/** `PAY_TO`: where money goes, by network. A network without a pinned token could not be offered, so it is refused. */
export const readPayTo = (text: string): Setting<ReadonlyMap<Network, Address>> => {
  const read = readJson(text, payToSchema, '{"eip155:8453": "0x…"}');
  if (!read.ok) return read;
  const unknown = [...read.value.keys()].filter((network) => tokenOf(network) === undefined);
  return unknown.length === 0
    ? read
    : err(unknown.map((network) => `at ${network}: no token is known on this network`));
};

/** A URL that the gateway calls. */
export const urlSchema = (reach: EgressReach) =>
  z.string('must be an absolute URL').check((payload) => {
    const message = egressFault(payload.value, reach);
    if (message !== undefined) {
      payload.issues.push({ code: 'custom', input: payload.value, message, continue: false });
    }
  });

/** Checked to be at least one by `minLength`, which the type does not show. */
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

/** `RPC_URLS`: JSON-RPC endpoints by network, tried in order. */
export const readRpcUrls = (
  text: string,
  reach: EgressReach,
): Setting<ReadonlyMap<Network, [string, ...string[]]>> =>
  readJson(text, rpcUrlsSchema(reach), '{"eip155:8453": ["https://…"]}');

/** `UPSTREAM_URL`: an origin, or empty. */
export const readUpstreamUrl = (text: string, reach: EgressReach): Setting<string | undefined> => {
  if (text === '') return ok(undefined);
  if (!isOrigin(text)) {
    return err(['must be an origin like "https://api.example": no path, no trailing slash']);
  }
  const fault = egressFault(text, reach);
  return fault === undefined ? ok(text) : err([fault]);
};

/** `PAUSED`. Anything else than the two words is refused: a misspelt "true" must not serve. */
export const readPaused = (text: string): Setting<boolean> => {
  if (text === '' || text === 'false') return ok(false);
  return text === 'true' ? ok(true) : err(['must be "true" or "false"']);
};

/** `OPERATORS`: who may give orders, addresses after each other with commas. Empty: nobody may (law 8). */
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

/** `CONFIRMATIONS`: 1 when empty. */
export const readConfirmations = (text: string): Setting<number> => {
  if (text === '') return ok(1);
  const count = /^[1-9][0-9]?$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= 64 ? ok(count) : err(['must be an integer from 1 to 64']);
};

/** `RECONCILE_DEPTH`: 64 when empty, which is what two minutes of a rollup are. */
export const readReconcileDepth = (text: string): Setting<number> => {
  if (text === '') return ok(64);
  const blocks = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  return blocks >= 1 && blocks <= 10_000 ? ok(blocks) : err(['must be an integer from 1 to 10000']);
};

/** `RECONCILE_DAYS`: 3 when empty. */
export const readReconcileDays = (text: string): Setting<number> => {
  if (text === '') return ok(3);
  const days = /^[1-9][0-9]?$/.test(text) ? Number(text) : 0;
  return days >= 1 && days <= 30 ? ok(days) : err(['must be an integer from 1 to 30']);
};

/** `COMMAND_BYTES_PER_DAY`: 4 MiB when empty. The account objects read it themselves. */
export const readCommandBytes = (text: string): Setting<number> => {
  const bytes = parseCommandBytes(text);
  return bytes === undefined
    ? err([`must be an integer from ${LEAST_COMMAND_BYTES} to ${MOST_COMMAND_BYTES}`])
    : ok(bytes);
};

/** The size that Cloudflare lets a D1 database grow to. */
const D1_MOST = 10_000_000_000;

/** `DATABASE_MAX_BYTES`: 10 GB when empty. */
export const readDatabaseMax = (text: string): Setting<number> => {
  if (text === '') return ok(D1_MOST);
  const bytes = /^[1-9][0-9]{0,14}$/.test(text) ? Number(text) : 0;
  return bytes >= 1_000_000 ? ok(bytes) : err(['must be an integer of bytes, at least 1000000']);
};

const KEY_HINT = 'must be an Ed25519 private key as JWK {kty: "OKP", crv: "Ed25519", x, d}';
const half = z.string(KEY_HINT).check(z.regex(/^[A-Za-z0-9_-]{43}$/, KEY_HINT));
const receiptKeySchema = z.looseObject(
  { kty: z.literal('OKP', KEY_HINT), crv: z.literal('Ed25519', KEY_HINT), x: half, d: half },
  KEY_HINT,
);

/** `RECEIPT_KEY`: checked for its form here; `openSigner` checks that the halves belong together. */
export const readReceiptKey = (text: string): Setting<string> => {
  const json = parseStrictJson(text);
  // One sentence for every fault: nothing about a secret is worth telling apart.
  return json.ok && receiptKeySchema.safeParse(json.value).success
    ? ok(text)
    : err([`${KEY_HINT}: \`npm run keys\` prints one`]);
};
