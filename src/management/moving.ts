import { dayOf } from '../audit/day.ts';
import { type Config, gatewayAccount } from '../config/config.ts';
import { ok } from '../core/result.ts';
import type { TokenId } from '../protocol/account-id.ts';
import { PROMISED_FOR, type Promised, promised } from '../settlement/promised.ts';
import { asOf } from './as-of.ts';
import type { Handlers } from './handler.ts';
import { creditOf } from './ledger-credit.ts';
import type { MOVING_ROUTES } from './moving.route.ts';
import { attempt } from './page.ts';
import { asOfMember, queryReason, refuse, reply } from './reply.ts';
import type { AnswerOf } from './routes.ts';

type Moving = AnswerOf<'moving'>;
type PayeeItem = Moving['payees'][number];
type AudienceItem = Moving['audiences'][number];

/** The counts of some promises. */
const countsOf = (
  some: readonly Promised[],
): Pick<PayeeItem, 'calls' | 'open_payments' | 'until'> => {
  const total = (value: (each: Promised) => number): number =>
    some.reduce((sum, each) => sum + value(each), 0);
  return {
    calls: total(({ calls }) => calls),
    open_payments: total(({ open }) => open),
    ...(some.length === 0
      ? {}
      : { until: Math.max(...some.map(({ lastAt }) => lastAt)) + PROMISED_FOR }),
  };
};

/** Counts what the gateway promised to pay one payee. Its payments are all in the token of its network, so their amounts add up. */
const promisedTo = (
  some: readonly Promised[],
): Pick<PayeeItem, 'calls' | 'open_payments' | 'open_amount' | 'until'> => ({
  ...countsOf(some),
  open_amount: some.reduce((sum, { amount }) => sum + amount, 0n).toString(),
});

/** The payees of the configuration in its order, then others that calls were accepted for. */
export const payeeItems = (
  { payTo, payees }: Pick<Config, 'payTo' | 'payees'>,
  all: readonly Promised[],
): readonly PayeeItem[] => {
  const calls = Map.groupBy(all, ({ network, payee }) => `${network} ${payee}`);
  const configured = [...payees].flatMap(([network, own]) =>
    own.map((payee) => ({
      ...{ network, payee },
      state: payee === payTo.get(network) ? ('offered' as const) : ('former' as const),
    })),
  );
  const known = new Set(configured.map(({ network, payee }) => `${network} ${payee}`));
  const others = [...calls].flatMap(([name, [first]]) =>
    first === undefined || known.has(name)
      ? []
      : [{ network: first.network, payee: first.payee, state: 'unconfigured' as const }],
  );
  return [...configured, ...others].map((item) => ({
    ...item,
    ...promisedTo(calls.get(`${item.network} ${item.payee}`) ?? []),
  }));
};

/** The audiences of the configuration in its order, then others that calls were accepted for. */
export const audienceItems = (
  { audiences }: Pick<Config, 'audiences'>,
  all: readonly Promised[],
): readonly AudienceItem[] => {
  const calls = Map.groupBy(all, ({ audience = '' }) => audience);
  const names = new Set([...audiences, ...calls.keys()].filter((name) => name !== ''));
  return [...names].map((audience) => ({
    audience,
    state: audiences.includes(audience) ? 'offered' : 'unconfigured',
    ...countsOf(calls.get(audience) ?? []),
  }));
};

export const movingHandlers: Handlers<keyof typeof MOVING_ROUTES> = {
  moving: async ({ context, now }) => {
    const { config, db } = context;
    const complete = await asOf(context, undefined, now);
    const found = await attempt(async () => {
      const today = dayOf(now);
      const [all, credit] = await Promise.all([promised(db, now), creditOf(db, today, today)]);
      return ok({ all, credit });
    });
    if (!found.ok) return refuse(queryReason(found.error));
    const { all, credit } = found.value;
    const body: Moving = {
      gateway_account: gatewayAccount(config),
      payees: [...payeeItems(config, all)],
      audiences: [...audienceItems(config, all)],
      credits: credit
        .filter(({ line, amount }) => line === 'credit_liability' && amount !== 0n)
        .map(({ asset, amount }) => ({ asset: asset as TokenId, amount: amount.toString() })),
      ...asOfMember(complete),
    };
    return reply(body);
  },
};
