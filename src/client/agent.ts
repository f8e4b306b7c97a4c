import { assetId, type AccountId, type AssetId } from '../protocol/account-id.ts';
import { type Hex } from '../core/hex.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import { parseAddress } from '../crypto/checksum.ts';
import { ZERO_HASH } from '../core/hex.ts';
import { tokenNetworks, tokenOf } from '../protocol/x402/tokens.ts';
import { amountOf, type Amount } from './amount.ts';
import { call } from './call.ts';
import type { CallRecord } from './call-record.ts';
import { sleep, type Context } from './context.ts';
import { createCredit } from './credit.ts';
import { CountersignError } from './errors.ts';
import type { AgentHooks } from './hooks.ts';
import { look } from './look.ts';
import { createMemory } from './memory.ts';
import { readOutgoing, type FetchInit, type FetchInput } from './outgoing.ts';
import { createReceiptKeys } from './receipt-keys.ts';
import type { AgentResponse } from './report.ts';
import { addressOf, type Signer } from './signer.ts';
import { createBudget, type Spending } from './spend.ts';
import { topUp } from './top-up.ts';

/** What an agent may spend. All of it is checked before anything is signed. */
export type SpendRules = {
  /** The most that one call may cost. */
  readonly perCall: Amount;
  /** The most that all signatures of this agent together may move. */
  readonly total: Amount;
  /** CAIP-19, e.g. `eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913`. Absent: USDC on every known network. */
  readonly assets?: readonly string[];
  /** Who may be paid. Absent: whoever the called server names. */
  readonly payees?: readonly string[];
  /** `true`: calls are paid from credit, and no payment is signed for one. */
  readonly onlyCredit?: boolean;
};

export type AgentOptions = {
  readonly account: Signer;
  readonly spend: SpendRules;
  /** Hash of the grant that every signed call stands on (`AgentDelegation`). Absent: the gateway takes the account's only or default one. */
  readonly authority?: Hex;
  /** Origins that may be signed for besides the one called: a gateway behind another address. */
  readonly audiences?: readonly string[];
  readonly hooks?: AgentHooks;
  readonly fetch?: typeof globalThis.fetch;
  /** Unix seconds. */
  readonly now?: () => Seconds;
  /** For each attempt to get an answer; 120. */
  readonly timeoutSeconds?: number;
  /** How often a lost answer is asked for again; 4. */
  readonly retries?: number;
};

/** A `fetch` that pays, within its caps. */
export type Agent = {
  /** As `fetch`: what wants no payment is left as it is. @throws CountersignError */
  fetch(input: FetchInput, init?: FetchInit): Promise<AgentResponse>;
  /**
   * Pays an amount ahead: it becomes credit of this account at the gateway, or of `options.account`, and counts toward the total
   * now. Calls there are then paid from credit while it lasts.
   */
  topUp(
    gateway: string,
    amount: Amount,
    options?: { readonly account?: AccountId },
  ): Promise<AgentResponse>;
  /** What became of a call of this account, by its id. Costs nothing. */
  look(gateway: string, callId: string): Promise<CallRecord>;
  spending(): Spending;
};

/**
 * Makes an agent of an account and its caps. Signs the bound form where a gateway offers it, plain x402 (version 2 or 1) where
 * not, and never more than the caps, whatever a server says.
 *
 * @throws CountersignError `options_invalid`, which names the option; `spend_missing`
 */
export const createAgent = (options: AgentOptions): Agent => {
  const context = contextOf(options);
  const terms = { perCall: context.rules.perCall, binding: 'any', from: 'credit' } as const;
  return {
    fetch: async (input, init) => {
      const { response } = await call(context, await readOutgoing(input, init), terms);
      return response;
    },
    topUp: async (gateway, amount, more = {}) =>
      await topUp(context, gateway, amountOf(amount, 'amount'), more.account),
    look: async (gateway, callId) => await look(context, gateway, callId),
    spending: () => context.budget.spending(),
  };
};

const contextOf = (options: AgentOptions): Context => {
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
      ...(spend.assets === undefined ? {} : { assets: new Set(spend.assets.map(assetOf)) }),
      ...(spend.payees === undefined ? {} : { payees: new Set(spend.payees.map(payeeOf)) }),
    },
    audiences: new Set((options.audiences ?? []).map(originOf)),
    hooks: options.hooks ?? {},
    budget: createBudget(amountOf(spend.total, 'spend.total')),
    credit: createCredit(),
    memory: createMemory(),
    keys: createReceiptKeys(fetcher, timeoutMs),
    fetch: fetcher,
    now: options.now ?? nowSeconds,
    sleep,
    timeoutMs,
    retries: wholeNumber(options.retries ?? 4, 'retries', 0),
  };
};

/** Callers without types may leave the caps out. @throws CountersignError `spend_missing` */
const spendOf = ({ spend }: Partial<AgentOptions>): SpendRules => {
  const { perCall, total }: Partial<SpendRules> = spend ?? {};
  const missing = [
    ...(perCall === undefined ? ['spend.perCall'] : []),
    ...(total === undefined ? ['spend.total'] : []),
  ];
  if (spend !== undefined && missing.length === 0) return spend;
  throw new CountersignError('spend_missing', `createAgent has no ${missing.join(' and no ')}.`);
};

const KNOWN_ASSETS: ReadonlySet<string> = new Set(
  tokenNetworks.map((on) => assetId(on, tokenOf(on)?.address ?? '0x')),
);

const invalid = (text: string): CountersignError => new CountersignError('options_invalid', text);

const assetOf = (asset: string): AssetId => {
  const lower = asset.toLowerCase();
  if (!KNOWN_ASSETS.has(lower)) throw invalid(`spend.assets holds no known asset: ${asset}`);
  return lower as AssetId;
};

const payeeOf = (payee: string) => {
  const address = parseAddress(payee);
  if (address === undefined) throw invalid(`spend.payees holds what is no address: ${payee}`);
  return address;
};

const originOf = (audience: string): string => {
  const origin = URL.canParse(audience) ? new URL(audience).origin : 'null';
  if (origin === 'null') throw invalid(`audiences holds what is no origin: ${audience}`);
  return origin;
};

const authorityOf = (authority: Hex): Hex => {
  if (!/^0x[0-9a-f]{64}$/.test(authority)) {
    throw invalid('authority must be the hash of a grant: 0x and 64 lower-case hex digits');
  }
  return authority;
};

const wholeNumber = (value: number, option: string, least: number): number => {
  if (!Number.isSafeInteger(value) || value < least || value > 86_400) {
    throw invalid(`${option} must be a whole number from ${least} to 86400`);
  }
  return value;
};
