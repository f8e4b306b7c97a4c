import { mnemonicToAccount } from 'viem/accounts';
import { recoverAddress } from 'viem/utils';
import * as z from 'zod/mini';
import { type Hex, isAddress } from '../core/hex.ts';
import { isHex } from '../crypto/bytes.ts';
import { MAX_SIGNATURE_TEXT } from '../crypto/signature-shape.ts';
import { CountersignError } from './errors.ts';
import { readJsonBody } from './json.ts';
import { digestOf, type Signer, type TypedData } from './signer.ts';

/** The service that holds the key, and the account to sign with. */
export type RemoteAccountOptions = {
  /** JSON-RPC endpoint with `eth_signTypedData_v4`, e.g. of web3signer or a wallet service. */
  readonly url: string;
  /** The account to sign with. Default: the first of `eth_accounts`. */
  readonly address?: string;
  /** Headers for the service, e.g. Authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** `true`: the account is a contract (ERC-1271), whose signatures the client cannot check. Default: `false`. */
  readonly contract?: boolean;
};

const TIMEOUT_MS = 30_000;
const MAX_BODY = 65_536;
/** Half the order of secp256k1. USDC rejects a larger s (EIP-2). */
const HIGHEST_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const ECDSA = /^0x[0-9a-f]{64}([0-9a-f]{64})(1b|1c)$/;

const answerSchema = z.looseObject({
  result: z.optional(z.unknown()),
  error: z.optional(z.looseObject({ code: z.int() })),
});

/**
 * Creates a signer whose key stays in another service. Before the client uses a signature, it checks that the account signed exactly
 * the requested data, except for a contract account. Each request to the service times out after 30 s.
 *
 * @throws CountersignError `signer_failed`, `options_invalid`
 */
export const remoteAccount = async (options: RemoteAccountOptions): Promise<Signer> => {
  const named = options.address ?? (await firstAccount(options));
  const address = named.toLowerCase();
  if (!isAddress(address)) {
    throw new CountersignError('options_invalid', 'address must be a 20-byte address.');
  }
  return {
    address,
    signTypedData: async (data) => {
      const result = await ask(options, 'eth_signTypedData_v4', [address, textOf(data)]);
      if (typeof result !== 'string' || result.length > MAX_SIGNATURE_TEXT || !isHex(result)) {
        throw failed('The service returned no signature.');
      }
      const signature = result.toLowerCase() as Hex;
      return options.contract === true ? signature : await checked(address, data, signature);
    },
  };
};

/** Writes numbers as decimal strings, because JSON has no 256-bit numbers. */
const textOf = (data: TypedData): string =>
  JSON.stringify(data, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );

/** Converts a recovery byte of 0 or 1 to 27 or 28, the only values that gateways and USDC accept (docs/wire-format.md §4). */
const canonical = (signature: Hex): Hex => {
  const last = signature.slice(-2);
  if (signature.length !== 132 || (last !== '00' && last !== '01')) return signature;
  return `${signature.slice(0, -2)}${last === '00' ? '1b' : '1c'}` as Hex;
};

const checked = async (address: Hex, data: TypedData, signature: Hex): Promise<Hex> => {
  const form = canonical(signature);
  const s = ECDSA.exec(form)?.[1];
  if (s === undefined || BigInt(`0x${s}`) > HIGHEST_S) {
    throw failed('The service returned a signature in a form that the chain rejects.');
  }
  const signer = await recoverAddress({ hash: digestOf(data), signature: form }).catch(() => '');
  if (signer.toLowerCase() === address) return form;
  throw failed('The service signed with another account, or signed other data than requested.');
};

const firstAccount = async (options: RemoteAccountOptions): Promise<string> => {
  const accounts = await ask(options, 'eth_accounts', []);
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  if (typeof first !== 'string') throw failed('The service returned no account.');
  return first;
};

const ask = async (
  { url, headers, fetch = globalThis.fetch }: RemoteAccountOptions,
  method: string,
  params: readonly unknown[],
): Promise<unknown> => {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      // Only the operator may move the service: typed data must not go to another address.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    // Without the cause: it may contain the URL, which often holds an API key (CWE-532).
    throw failed('The client cannot reach the service.');
  }
  // Browsers hide the status of an unfollowed redirect.
  if (
    (response.status >= 300 && response.status < 400) ||
    String(response.type) === 'opaqueredirect'
  ) {
    throw failed('The service redirected the request.');
  }
  const parsed = answerSchema.safeParse(await readJsonBody(response, MAX_BODY));
  if (!parsed.success) throw failed(`The service answered ${response.status} without JSON-RPC.`);
  const { error, result } = parsed.data;
  if (error !== undefined) throw failed(`The service refused ${method} (code ${error.code}).`);
  return result;
};

const failed = (text: string): CountersignError => new CountersignError('signer_failed', text);

/** Accounts of agents that derive from one mnemonic. */
export type Fleet = {
  /**
   * Derives the account of one agent.
   *
   * @param index 0 … 2^31-1
   * @throws CountersignError `options_invalid`
   */
  agent(index: number): ReturnType<typeof mnemonicToAccount>;
};

const LIMIT = 2 ** 31;

/**
 * Derives accounts at `m/44'/60'/<organisation>'/0'/<index>'` (BIP-32). Every step is hardened: with unhardened steps, the leaked key
 * of one agent and an extended public key would reveal the parent key.
 *
 * @param organisation separates fleets of one mnemonic, 0 … 2^31-1. Default: 0
 * @throws CountersignError `options_invalid` for an invalid number; viem's error for an invalid mnemonic
 */
export const fleet = (
  mnemonic: string,
  { organisation = 0 }: { readonly organisation?: number } = {},
): Fleet => {
  const branch = hardened(organisation, 'organisation');
  return {
    agent: (index) =>
      mnemonicToAccount(mnemonic, {
        path: `m/44'/60'/${branch}/0'/${hardened(index, 'index')}`,
      }),
  };
};

const hardened = (index: number, name: string): string => {
  if (Number.isSafeInteger(index) && index >= 0 && index < LIMIT) return `${index}'`;
  throw new CountersignError('options_invalid', `${name} must be a whole number below 2^31`);
};
