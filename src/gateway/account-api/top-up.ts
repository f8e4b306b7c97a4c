import { type Catalogue, cheapestTool } from '../../catalog/catalogue.ts';
import { creditsTool } from '../../catalog/gateway-tools.ts';
import type { Config } from '../../config/config.ts';
import { nowSeconds } from '../../core/clock.ts';
import { ZERO_ADDRESS } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { utf8 } from '../../crypto/bytes.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import { MAX_TOP_UP, min, parseAmount } from '../../protocol/amount.ts';
import { problem } from '../../protocol/problem/problem.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import { PRIVATE } from '../answer-headers.ts';
import { servePaidRequest } from '../call.ts';
import { answered } from '../dispatch.ts';
import type { Gateway } from '../gateway.ts';
import { observeOwnHead } from '../observe.ts';
import type { DispatchResult, ReservedCall } from '../paid-request.ts';

/**
 * `POST /credits?amount=<atomic units>[&account=<CAIP-10>]`: a paid request with upfront settlement and no upstream; the account keeps the
 * money as credit. Rejects a wrong query before it reads any proof.
 */
export const topUp = async (gateway: Gateway, request: Request): Promise<Response> => {
  const catalogue = await gateway.catalogue.current(nowSeconds(), gateway.waitUntil);
  const least = minTopUp(catalogue);
  const query = readQuery(new URL(request.url).searchParams, gateway.config, least);
  if (!query.ok) return problem(query.error);
  const { amount, account } = query.value;
  const tool = creditsTool(amount);
  const head = observeOwnHead(request, gateway.config, tool);
  if (!head.ok) return problem(head.error);
  return servePaidRequest(onChainOf(gateway, account), {
    tool,
    head: head.value,
    request,
    topUp: { to: account },
    run: async (_received, _checked, reserved) => creditBought(reserved),
  });
};

type TopUpQuery = { readonly amount: bigint; readonly account: AccountId | undefined };

const FIELDS: readonly string[] = ['amount', 'account'];

/** Strict, because the query is about money: each key once, no unknown key, one way to write each value. */
const readQuery = (
  query: URLSearchParams,
  config: Config,
  least: bigint,
): Result<TopUpQuery, Reason> => {
  const refuse = (field: string, hint: string): Result<TopUpQuery, Reason> =>
    err({ reason: 'malformed_request', field, hint });
  const keys = [...query.keys()];
  const unknown = keys.find((key) => !FIELDS.includes(key));
  if (unknown !== undefined) return refuse('query', 'may hold amount and account only');
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice !== undefined) return refuse(twice, 'must be in the query once');

  const amount = parseAmount(query.get('amount') ?? '');
  if (amount === undefined || amount < least || amount > MAX_TOP_UP) {
    return refuse(
      'amount',
      `must be in the query: atomic units as a decimal integer from ${least} to ${MAX_TOP_UP}, e.g. ?amount=1000000`,
    );
  }
  const account = query.get('account');
  if (account === null) return ok({ amount, account: undefined });
  const parsed = parseAccountId(account);
  // No one holds the key of the zero address, so its credit could never be spent.
  const isUsable = parsed !== undefined && parsed.address !== ZERO_ADDRESS;
  return !isUsable || !config.payTo.has(parsed.network)
    ? refuse(
        'account',
        `must be an account in lower-case CAIP-10 form on one of: ${config.networks.join(', ')}`,
      )
    : ok({ amount, account: account as AccountId });
};

/**
 * Returns the minimum top-up: the price of the cheapest tool that tokens pay for, atomic units. The operator pays for the settlement of every top-up, so none
 * is smaller than payments that the operator settles anyway (law 12).
 */
const minTopUp = ({ tools }: Catalogue): bigint =>
  min(MAX_TOP_UP, cheapestTool(tools, undefined)?.price ?? 1n);

/** Returns a gateway with only the account's network: money stays on its chain when it becomes credit. */
const onChainOf = (gateway: Gateway, account: AccountId | undefined): Gateway => {
  const on = account === undefined ? undefined : parseAccountId(account)?.network;
  return on === undefined ? gateway : { ...gateway, config: { ...gateway.config, networks: [on] } };
};

/** Answers a top-up. The money has moved already, so there is nothing left to run. */
const creditBought = ({ call }: ReservedCall): DispatchResult => {
  const body = {
    account: call.topUp?.to ?? call.account,
    asset: call.asset,
    amount: call.price.toString(),
    payment: call.id,
  };
  return answered(
    200,
    { ...PRIVATE, 'content-type': 'application/json' },
    new Uint8Array(utf8(JSON.stringify(body))),
  );
};
