import { recoverAddress } from 'viem/utils';
import * as z from 'zod/mini';
import { isAddress, type Hex } from '../core/hex.ts';
import { isHex } from '../crypto/bytes.ts';
import { MAX_SIGNATURE_TEXT } from '../crypto/signature-shape.ts';
import { CountersignError } from './errors.ts';
import { readJsonBody } from './json.ts';
import type { Signer } from './signer.ts';
import { digestOf, type TypedData } from './typed-data.ts';

export type RemoteAccountOptions = {
  /** A JSON-RPC endpoint that answers `eth_signTypedData_v4`, e.g. of web3signer or a wallet service. */
  readonly url: string;
  /** The account to sign with. Absent: the first that `eth_accounts` names. */
  readonly address?: string;
  /** E.g. an Authorization that the service wants. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly fetch?: typeof globalThis.fetch;
  /** The account is a contract (ERC-1271): its signatures cannot be checked here. */
  readonly contract?: boolean;
};

const TIMEOUT_MS = 30_000;
const MAX_BODY = 65_536;
/** Half the order of secp256k1: a signature with a larger s reverts on the chain. */
const HIGHEST_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const ECDSA = /^0x[0-9a-f]{64}([0-9a-f]{64})(1b|1c)$/;

const answerSchema = z.looseObject({
  result: z.optional(z.unknown()),
  error: z.optional(z.looseObject({ code: z.int() })),
});

/**
 * An account whose key is elsewhere: this process never sees it. Every signature that comes back is checked to be the account's,
 * and over what was asked for, before it is used.
 *
 * @throws CountersignError `signer_failed`, `options_invalid`
 */
export const remoteAccount = async (options: RemoteAccountOptions): Promise<Signer> => {
  const named = options.address ?? (await firstAccount(options));
  const address = named.toLowerCase();
  if (!isAddress(address)) {
    throw new CountersignError('options_invalid', 'The address of the account is no address.');
  }
  return {
    address,
    signTypedData: async (data) => {
      const result = await ask(options, 'eth_signTypedData_v4', [address, textOf(data)]);
      if (typeof result !== 'string' || result.length > MAX_SIGNATURE_TEXT || !isHex(result)) {
        throw failed('The service answered with what is no signature.');
      }
      const signature = result.toLowerCase() as Hex;
      return options.contract === true ? signature : await checked(address, data, signature);
    },
  };
};

/** Numbers as decimal strings: every service reads those, and JSON has no 256-bit numbers. */
const textOf = (data: TypedData): string =>
  JSON.stringify(data, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );

/** Some services write the recovery byte as 0 or 1; gateways and USDC take 27 and 28 only (design §4.7). */
const canonical = (signature: Hex): Hex => {
  const last = signature.slice(-2);
  if (signature.length !== 132 || (last !== '00' && last !== '01')) return signature;
  return `${signature.slice(0, -2)}${last === '00' ? '1b' : '1c'}` as Hex;
};

const checked = async (address: Hex, data: TypedData, signature: Hex): Promise<Hex> => {
  const form = canonical(signature);
  const s = ECDSA.exec(form)?.[1];
  if (s === undefined || BigInt(`0x${s}`) > HIGHEST_S) {
    throw failed('The service signed in a form that the chain does not take.');
  }
  const signer = await recoverAddress({ hash: digestOf(data), signature: form }).catch(() => '');
  if (signer.toLowerCase() === address) return form;
  throw failed('The service signed as another account, or something else than was asked for.');
};

const firstAccount = async (options: RemoteAccountOptions): Promise<string> => {
  const accounts = await ask(options, 'eth_accounts', []);
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  if (typeof first !== 'string') throw failed('The service names no account.');
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
      // A service that moved is for whoever configured it to follow: what is signed must not go elsewhere.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    // The cause may name the address, which often holds a key.
    throw failed('The service could not be reached.');
  }
  // Browsers hide the status of a redirect that is not followed.
  if (
    (response.status >= 300 && response.status < 400) ||
    String(response.type) === 'opaqueredirect'
  ) {
    throw failed('The service redirects to another address.');
  }
  const parsed = answerSchema.safeParse(await readJsonBody(response, MAX_BODY));
  if (!parsed.success) throw failed(`The service answered ${response.status} without JSON-RPC.`);
  const { error, result } = parsed.data;
  if (error !== undefined) throw failed(`The service refused ${method} (code ${error.code}).`);
  return result;
};

const failed = (text: string): CountersignError => new CountersignError('signer_failed', text);
