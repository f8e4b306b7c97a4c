import * as z from 'zod/mini';
import { type Address, ZERO_ADDRESS } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { parseAddress } from '../crypto/address.ts';
import { chainIdOf, type Network } from '../protocol/account-id.ts';
import { egressFault, type EgressReach } from '../protocol/egress-url.ts';
import { type FieldFault, faultsOf } from '../protocol/fault.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { readingText } from '../protocol/wire-fields.ts';

/** The value of a variable, or its faults: ends of sentences that start with the variable's name. A fault never contains the value. */
export type Setting<T> = Result<T, readonly string[]>;

export const MAX_URLS = 8;
const MAX_NETWORKS = 16;

/** Parses a variable that contains JSON. */
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

/** Returns a fault inside a variable as the end of a sentence that starts with the variable's name. */
export const sentence = ({ field, reason }: FieldFault): string =>
  field === '' ? reason : `at ${field}: ${reason}`;

export const networkSchema = readingText<Network>(
  'must be a CAIP-2 network like "eip155:8453"',
  (text) => (chainIdOf(text) === undefined ? undefined : (text as Network)),
);

/** A JSON object from network to value, in the written order. The path of a fault contains the key. */
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

/** The address of an account: not zero, and with a right EIP-55 checksum if in mixed case. */
export const accountSchema = readingText<Address>(
  'must be an address: 0x and 40 hex digits, not zero, with a right EIP-55 checksum if in mixed case',
  (text) => {
    const address = parseAddress(text);
    return address === ZERO_ADDRESS ? undefined : address;
  },
);

const ADDRESSES = 'must be an array of 1 to 64 different addresses';

/** A JSON object from network to addresses. */
export const addressesByNetwork = byNetwork<readonly Address[]>(
  z
    .array(accountSchema, ADDRESSES)
    .check(
      z.refine(
        (all) => all.length > 0 && all.length <= 64 && new Set(all).size === all.length,
        ADDRESSES,
      ),
    ),
  'must be an object from network to addresses',
);

/** A URL that the gateway may call. */
export const urlSchema = (reach: EgressReach) =>
  z.string('must be an absolute URL').check((payload) => {
    const message = egressFault(payload.value, reach);
    if (message !== undefined) {
      payload.issues.push({ code: 'custom', input: payload.value, message, continue: false });
    }
  });

/** Whether every setting could be read. */
export const isComplete = <Parts extends object>(
  parts: Parts,
): parts is { [Name in keyof Parts]: Exclude<Parts[Name], undefined> } =>
  Object.values(parts).every((part) => part !== undefined);
