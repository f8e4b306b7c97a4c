import { recoverAddress } from 'viem/utils';
import * as z from 'zod/mini';
import { type Hex, isAddress } from '../core/hex.ts';
import { isHex } from '../crypto/bytes.ts';
import { MAX_SIGNATURE_TEXT } from '../crypto/signature-shape.ts';
import { intentFields } from '../protocol/intent/agent-intent.ts';
import { type AgentKey, agentKey, type PrivateAgentKey } from './agent-key.ts';
import { CountersignError } from './errors.ts';
import { readJsonBody } from './json.ts';
import { askSigner } from './signer-request.ts';
import { digestOf, type Signer, type SigningContext, type TypedData } from './signer.ts';

/** The service that holds the key, and the account to sign with. */
export type RemoteAccountOptions = {
  /**
   * JSON-RPC endpoint with `eth_signTypedData_v4`: that of a Countersign signer, which `countersign signer enrol` prints, of web3signer, or
   * of a wallet service.
   */
  readonly url: string;
  /**
   * The key that a Countersign signer knows the agent by: the result of `agentKey`, or a stored private JWK. Without it, requests are not
   * signed.
   */
  readonly key?: AgentKey | PrivateAgentKey;
  /** The account to sign with. Default: the first of `eth_accounts`. */
  readonly address?: string;
  /** Headers for the service, e.g. Authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** `true`: the account is a contract (ERC-1271), whose signatures the client cannot check. Default: `false`. */
  readonly contract?: boolean;
};

/** An account for `createAgent`, viem and x402 clients, which signs typed data and nothing else. */
export type RemoteAccount = Signer & {
  readonly type: 'local';
  readonly source: 'custom';
  /** Rejects, as the next three do: a service that also signed raw hashes or transactions could be made to sign anything. */
  readonly sign: () => Promise<never>;
  readonly signMessage: () => Promise<never>;
  readonly signTransaction: () => Promise<never>;
  readonly signAuthorization: () => Promise<never>;
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

/** As `remoteAccount`. */
export const openRemoteAccount = async (options: RemoteAccountOptions): Promise<RemoteAccount> => {
  const ask = await openService(options);
  const named = options.address ?? firstOf(await ask('eth_accounts', []));
  const address = named.toLowerCase();
  if (!isAddress(address)) {
    throw new CountersignError('options_invalid', 'address must be a 20-byte address.');
  }
  return {
    address,
    type: 'local',
    source: 'custom',
    signTypedData: async (data, context) => {
      const more = options.key === undefined ? [] : contextOf(context);
      const result = await ask('eth_signTypedData_v4', [address, textOf(data), ...more]);
      if (typeof result !== 'string' || result.length > MAX_SIGNATURE_TEXT || !isHex(result)) {
        throw failed('The service returned no signature.');
      }
      const signature = result.toLowerCase() as Hex;
      return options.contract === true ? signature : await checked(address, data, signature);
    },
    sign: async () => unsupported('raw hashes'),
    signMessage: async () => unsupported('messages'),
    signTransaction: async () => unsupported('transactions'),
    signAuthorization: async () => unsupported('EIP-7702 authorizations'),
  };
};

/** Sends one JSON-RPC request and returns its result. @throws CountersignError */
type Ask = (method: string, params: readonly unknown[]) => Promise<unknown>;

const openService = async (options: RemoteAccountOptions): Promise<Ask> => {
  const { key, headers = {}, fetch = globalThis.fetch } = options;
  if (key === undefined) return async (method, params) => await askOnce(options, method, params);
  // The target URI that the signature covers has the form of the URL parser, as the signer sees it.
  const url = URL.parse(options.url);
  if (url === null || url.hash !== '') {
    throw new CountersignError('options_invalid', 'url must be the URL that the owner gave you.');
  }
  const opened = 'privateKey' in key ? key : await agentKey(key);
  const connection = { url: url.href, key: opened, headers, fetch };
  return async (method, params) => await askSigner(connection, method, params);
};

/** The intent of a bound payment: the signer signs a payment only for an intent that its policy allows. */
const contextOf = (context: SigningContext | undefined): readonly unknown[] =>
  context === undefined ? [] : [{ intent: intentFields(context.intent) }];

const unsupported = (what: string): never => {
  throw new CountersignError(
    'signer_failed',
    `A remote account signs no ${what}, only typed data (signTypedData). Use a wallet that holds its key for anything else.`,
  );
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

const firstOf = (accounts: unknown): string => {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  if (typeof first !== 'string') throw failed('The service returned no account.');
  return first;
};

const askOnce = async (
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
