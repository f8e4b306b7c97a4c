import { type Catalogue, cheapestPrice } from '../catalog/catalogue.ts';
import { creditsTool, MAX_TOP_UP } from '../catalog/own-tool.ts';
import type { Config } from '../config.ts';
import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import { ZERO_ADDRESS } from '../core/hex.ts';
import { min, parseAmount } from '../protocol/amount.ts';
import { nowSeconds } from '../core/clock.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { utf8 } from '../crypto/bytes.ts';
import { carryOut } from './call.ts';
import { answered, type Dispatched } from './dispatch.ts';
import type { Gateway } from './gateway.ts';
import { readOwnHead } from './head.ts';
import type { Reserved } from './reserve.ts';

/**
 * `POST /credits?amount=<atomic units>[&account=<CAIP-10>]`: a call like any other that is paid first, whose "tool" is that the
 * account keeps the money as credit (design §4.4). What is wrong with the query is said before any proof is looked at.
 */
export const topUp = async (gateway: Gateway, request: Request): Promise<Response> => {
  const sold = await gateway.catalogue.current(nowSeconds(), gateway.waitUntil);
  const least = smallestTopUp(sold);
  const asked = readQuery(new URL(request.url).searchParams, gateway.config, least);
  if (!asked.ok) return problem(asked.error);
  const { amount, account } = asked.value;
  const tool = creditsTool(amount);
  const head = readOwnHead(request, gateway.config, tool);
  if (!head.ok) return problem(head.error);
  return carryOut(onChainOf(gateway, account), {
    tool,
    head: head.value,
    request,
    topUp: { to: account },
    begin: () => bought,
  });
};

type Asked = { readonly amount: bigint; readonly account: AccountId | undefined };

const FIELDS: readonly string[] = ['amount', 'account'];

/** Strict, because it is money: each key once, none that is not known, one way to write each value. */
const readQuery = (
  query: URLSearchParams,
  config: Config,
  least: bigint,
): Result<Asked, Reason> => {
  const refuse = (field: string, hint: string): Result<Asked, Reason> =>
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
  // Nobody holds the key of the zero address: what became its credit would be nobody's.
  const isUsable = parsed !== undefined && parsed.address !== ZERO_ADDRESS;
  return !isUsable || !config.payTo.has(parsed.network)
    ? refuse(
        'account',
        `must be an account in lower-case CAIP-10 form on one of: ${config.networks.join(', ')}`,
      )
    : ok({ amount, account: account as AccountId });
};

/**
 * The price of the cheapest tool sold now, atomic units. Every top-up is a settlement that the operator pays for, so none is smaller
 * than what the operator settles anyway (law 12).
 */
const smallestTopUp = (sold: Catalogue): bigint => min(MAX_TOP_UP, cheapestPrice(sold) ?? 1n);

/** Money that becomes another account's credit stays on its chain: for this errand there is no other. */
const onChainOf = (gateway: Gateway, account: AccountId | undefined): Gateway => {
  const on = account === undefined ? undefined : parseAccountId(account)?.network;
  return on === undefined ? gateway : { ...gateway, config: { ...gateway.config, networks: [on] } };
};

/** The money has moved when this runs, so nothing is left to do but to say so. */
const bought = ({ call }: Reserved): Promise<Dispatched> => {
  const body = {
    account: call.topUp?.to ?? call.account,
    asset: call.asset,
    amount: call.price.toString(),
    payment: call.call,
  };
  return answered(
    200,
    new Headers({ 'Content-Type': 'application/json', 'Cache-Control': 'private, no-store' }),
    new Uint8Array(utf8(JSON.stringify(body))),
  );
};
