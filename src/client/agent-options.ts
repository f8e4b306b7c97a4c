import { nowSeconds, type Seconds } from '../core/clock.ts';
import { type Address, type Hex, ZERO_HASH } from '../core/hex.ts';
import { parseAddress } from '../crypto/address.ts';
import { assetId, type AssetId } from '../protocol/account-id.ts';
import { MONEY_HINT, parseMoney } from '../protocol/amount.ts';
import { tokenNetworks, tokenOf } from '../protocol/x402/networks.ts';
import { createBudget, createKnownCredit } from './budget.ts';
import { type AgentContext, createMemory } from './context.ts';
import { CountersignError } from './errors.ts';
import type { AgentHooks } from './hooks.ts';
import { createReceiptKeys } from './receipt-keys.ts';
import { addressOf, type Signer } from './signer.ts';
import { sleep } from './transport.ts';

/**
 * US dollars such as `"$0.05"`, atomic units such as `"50000u"`, or atomic units as `bigint`. USDC has six decimals, so one dollar is
 * 1,000,000 atomic units.
 */
export type Amount = bigint | string;

/** The caps of an agent. It checks all of them before it signs. */
export type SpendRules = {
  /** The most that one call may cost. */
  readonly perCall: Amount;
  /** The most that all signatures of this agent together may move. */
  readonly total: Amount;
  /** CAIP-19, e.g. `eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913`. Default: USDC on every network that the client knows. */
  readonly assets?: readonly string[];
  /** Addresses that the agent may pay. Default: every payee that the called server names. */
  readonly payees?: readonly string[];
  /**
   * `false`: the agent signs no permit of the scheme `upto`, and pays the maximum of a variable price by `exact`. For accounts that sign only
   * `TransferWithAuthorization`. Default: `true`.
   */
  readonly upto?: boolean;
  /**
   * `true`: `total` counts a permit of `upto` as its maximum until a receipt of the gateway verifies, and as the charge afterwards. A gateway
   * that signs a false receipt could take more than `total`, up to the maximum of each call. `false` (default): the maximum stays counted.
   */
  readonly trustReceipts?: boolean;
  /** `true`: the agent pays calls from credit and signs a payment only for `topUp`. Default: `false`. */
  readonly onlyCredit?: boolean;
  /**
   * Caps of calls to tools that are priced in dollars and paid by a card of the operator (`iso4217:USD`). They are apart from `perCall` and
   * `total`, which are in tokens. Default: the agent calls no such tool.
   */
  readonly card?: { readonly perCall: Amount; readonly total: Amount };
};

/** The account that pays, its caps, and how the agent sends requests. */
export type AgentOptions = {
  /** Signs for the agent: a viem `LocalAccount`, or the result of `remoteAccount`. */
  readonly account: Signer;
  readonly spend: SpendRules;
  /** Hash of the grant (`hashDelegation`) that calls are made under. Default: the gateway uses the account's default grant, if any. */
  readonly authority?: Hex;
  /**
   * The audience of each gateway that the agent reaches through another address, by the origin that it calls:
   * `{ 'http://10.0.0.7:8787': 'https://gateway.example' }`. No other server may ask for a signature for that audience.
   */
  readonly audiences?: Readonly<Record<string, string>>;
  readonly hooks?: AgentHooks;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** The current time in Unix seconds. Default: the system clock. */
  readonly now?: () => Seconds;
  /** Timeout of one attempt, in seconds. Default: 120. */
  readonly timeoutSeconds?: number;
  /** The most repeats of a request whose answer was lost, with the same signature. Default: 4. */
  readonly retries?: number;
  /**
   * A call may have to wait until a person approves it. `return` (default): the call rejects with `approval_required`, and
   * `error.approval.resume()` continues it. `wait`: the call waits until it is decided, up to an hour.
   */
  readonly approval?: 'wait' | 'return';
};

/** Validates the options of an agent. @throws CountersignError `options_invalid`, which names the option; `spend_missing` */
export const contextOf = (options: AgentOptions): AgentContext => {
  const { account } = options;
  addressOf(account);
  const spend = spendOf(options);
  const timeoutMs = wholeNumber(options.timeoutSeconds ?? 120, 'timeoutSeconds', 1) * 1000;
  const fetcher = options.fetch ?? globalThis.fetch.bind(globalThis);
  return {
    signer: account,
    authority: authorityOf(options.authority ?? ZERO_HASH),
    rules: {
      perCall: amountOf(spend.perCall, 'spend.perCall'),
      onlyCredit: spend.onlyCredit ?? false,
      upto: spend.upto ?? true,
      trustReceipts: spend.trustReceipts ?? false,
      ...(spend.assets === undefined ? {} : { assets: new Set(spend.assets.map(assetOf)) }),
      ...(spend.payees === undefined ? {} : { payees: new Set(spend.payees.map(payeeOf)) }),
    },
    audiences: new Map(
      Object.entries(options.audiences ?? {}).map((pair) => pair.map(originOf) as [string, string]),
    ),
    hooks: options.hooks ?? {},
    budget: createBudget(amountOf(spend.total, 'spend.total')),
    card: spend.card && {
      perCall: amountOf(spend.card.perCall, 'spend.card.perCall'),
      budget: createBudget(amountOf(spend.card.total, 'spend.card.total')),
    },
    credit: createKnownCredit(),
    memory: createMemory(),
    keys: createReceiptKeys(fetcher, timeoutMs),
    approval: approvalOf(options.approval ?? 'return'),
    fetch: fetcher,
    now: options.now ?? nowSeconds,
    sleep,
    timeoutMs,
    retries: wholeNumber(options.retries ?? 4, 'retries', 0),
  };
};

const UINT256_MAX = (1n << 256n) - 1n;

/** Reads an amount as atomic units. @throws CountersignError `options_invalid`, which names the option */
export const amountOf = (amount: Amount, option: string): bigint => {
  // JavaScript callers may pass a number. Rejected: 0.05 and 50000 look alike and differ by a factor of a million.
  const given: unknown = amount;
  const value =
    typeof given === 'bigint' ? given : typeof given === 'string' ? parseMoney(given) : undefined;
  if (value === undefined || value < 0n || value > UINT256_MAX) {
    throw invalid(`${option} ${MONEY_HINT}; or a bigint of atomic units.`);
  }
  return value;
};

/** JavaScript callers may omit the caps. @throws CountersignError `spend_missing` */
const spendOf = ({ spend }: Partial<AgentOptions>): SpendRules => {
  const { perCall, total }: Partial<SpendRules> = spend ?? {};
  const missing = [
    ...(perCall === undefined ? ['spend.perCall'] : []),
    ...(total === undefined ? ['spend.total'] : []),
  ];
  if (spend !== undefined && missing.length === 0) return spend;
  throw new CountersignError(
    'spend_missing',
    `The options of createAgent lack ${missing.join(' and ')}.`,
  );
};

const KNOWN_ASSETS: ReadonlySet<string> = new Set(
  tokenNetworks.map((on) => assetId(on, tokenOf(on)?.address ?? '0x')),
);

const invalid = (text: string): CountersignError => new CountersignError('options_invalid', text);

const assetOf = (asset: string): AssetId => {
  const lower = asset.toLowerCase();
  if (!KNOWN_ASSETS.has(lower)) {
    throw invalid(`spend.assets has an asset that the client does not know: ${asset}`);
  }
  return lower as AssetId;
};

const payeeOf = (payee: string): Address => {
  const address = parseAddress(payee);
  if (address === undefined) throw invalid(`spend.payees has a malformed address: ${payee}`);
  return address;
};

const originOf = (audience: string): string => {
  const origin = URL.canParse(audience) ? new URL(audience).origin : 'null';
  if (origin === 'null') throw invalid(`audiences has an entry that is not an origin: ${audience}`);
  return origin;
};

const authorityOf = (authority: Hex): Hex => {
  if (!/^0x[0-9a-f]{64}$/.test(authority)) {
    throw invalid('authority must be the hash of a grant: 0x and 64 lower-case hex digits');
  }
  return authority;
};

const approvalOf = (approval: string): AgentContext['approval'] => {
  if (approval === 'wait' || approval === 'return') return approval;
  throw invalid("approval must be 'wait' or 'return'");
};

const wholeNumber = (value: number, option: string, least: number): number => {
  if (!Number.isSafeInteger(value) || value < least || value > 86_400) {
    throw invalid(`${option} must be a whole number from ${least} to 86400`);
  }
  return value;
};
