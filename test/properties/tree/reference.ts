import type { Seconds } from '../../../src/core/clock.ts';
import { type Caller, least, type Left, type Limits, type Link, periodOf } from './limits.ts';
import { openStatements, type Statement } from './statements.ts';

type Call = Caller & { readonly price: bigint; readonly payer: string };
type Counted = Call & { readonly counters: ReadonlySet<string>; amount: bigint };
/** The limits of a call, as they were pushed to its account and as they are now. */
type Place = Pick<Left, 'account' | 'key'> & {
  readonly statements: readonly (readonly Limits[])[];
};

/**
 * The reference model: what a tree of accounts may do, without any lease. It knows the tree, every limit, every accepted call, and what
 * each account has received from its ancestors. A limit counts the calls of all accounts that have received it. An account that has not
 * received a change may act on the older state for up to a minute.
 */
export const openReference = () => {
  const calls = new Map<string, Counted>();
  const statements = openStatements();
  const credit = new Map<string, bigint>();

  const placesOf = (
    { account, chain }: Caller,
    since: (link: Link) => number,
  ): readonly Place[] => {
    const place = (of: string, from: number): Place => ({
      account: of,
      key: of,
      statements: statements
        .of(of)
        .slice(from)
        .map(({ policies }) => Object.values(policies)),
    });
    return [
      place(account, -1),
      ...chain.flatMap((link, index): Place[] => [
        {
          account: chain[index - 1]?.issuer ?? account,
          key: link.grant,
          statements: [[link.limits]],
        },
        place(link.issuer, since(link)),
      ]),
    ];
  };
  const nowOf = (caller: Caller): readonly Place[] => placesOf(caller, () => -1);

  /** Returns the highest limit among the statements on which the account may still act. Undefined if one of them sets none. */
  const bound = (place: Place, of: (limits: Limits) => bigint | undefined): bigint | undefined => {
    const each = place.statements.map((list) => least(list.map(of)));
    return each.reduce((a, b) => (a === undefined || b === undefined ? undefined : a > b ? a : b));
  };

  const sum = (counter: string, name: string, at: Seconds): bigint => {
    let all = 0n;
    for (const call of calls.values()) {
      if (!call.counters.has(counter) || periodOf(name, call.at) !== periodOf(name, at)) continue;
      all += call.amount;
    }
    return all;
  };
  const paidBy = (account: string): bigint =>
    [...calls.values()].reduce(
      (all, each) => all + (each.payer === account ? each.amount : 0n),
      0n,
    );

  /** Returns why these statements of its ancestors require that the account denies the call. */
  const reasonToDeny = (
    { account, chain, at }: Caller,
    statementOf: (link: Link) => Statement | undefined,
  ): string | undefined => {
    const own = statements.current(account);
    if (!own.active) return `${account} is not active`;
    if (own.dead.includes(chain[0]?.grant ?? '')) return `its grant is dead at ${account}`;
    for (const [index, link] of chain.entries()) {
      if (at >= link.until) return `the grant ${link.grant} has run out`;
      const statement = statementOf(link);
      if (statement === undefined) return `${link.issuer} has no statement that is still followed`;
      const links = [link.grant, chain[index + 1]?.grant ?? ''];
      if (!statement.active || links.some((grant) => statement.dead.includes(grant))) {
        return `${link.issuer} does not allow it`;
      }
    }
    return undefined;
  };

  return {
    statements,
    topUp: (account: string, amount: bigint): unknown =>
      credit.set(account, (credit.get(account) ?? 0n) + amount),

    /** Records an accepted call. @throws Error if the call breaks a law */
    admit(id: string, call: Call): void {
      const trusted = (link: Link) => statements.trusted(call.account, link, call.at) ?? Infinity;
      const no = reasonToDeny(call, (link) => statements.of(link.issuer)[trusted(link)]);
      if (no !== undefined) throw new Error(`admitted although ${no}`);
      const places = placesOf(call, trusted);
      const counted = places.flatMap((place) =>
        (place.statements[0] ?? []).flatMap(({ counters }) =>
          Object.keys(counters).map((name) => ({ place, name, counter: `${place.key} ${name}` })),
        ),
      );
      const counters = new Set(counted.map(({ counter }) => counter));
      calls.set(id, { ...call, counters, amount: call.price });
      for (const place of places) {
        const dear = bound(place, ({ perCall }) => perCall);
        if (dear !== undefined && call.price > dear) throw new Error(`dearer than ${place.key}`);
      }
      for (const { place, name, counter } of call.price === 0n ? [] : counted) {
        const limit = bound(place, (each) => each.counters[name]);
        const spent = sum(counter, name, call.at);
        if (limit !== undefined && spent > limit) {
          throw new Error(`${spent} of ${limit} are spent of ${counter}`);
        }
      }
      const paid = paidBy(call.payer);
      const had = credit.get(call.payer) ?? 0n;
      if (paid > had) throw new Error(`${paid} of ${had} are spent of the credit of ${call.payer}`);
    },
    /** Records the final charge of a call. */
    settle(id: string, amount: bigint): void {
      const call = calls.get(id);
      if (call !== undefined) call.amount = amount;
    },

    /** Tells whether neither the account nor an ancestor denies such a call now. */
    lives: (caller: Caller): boolean =>
      reasonToDeny(caller, ({ issuer }) => statements.current(issuer)) === undefined,
    /** Tells whether the caller has the current state of all its ancestors. */
    isInformed: ({ account, chain, at }: Caller): boolean =>
      chain.every((link) => {
        const last = statements.last(link.issuer);
        return (statements.trusted(account, link, at) ?? last) === last;
      }),
    creditLeft: (account: string): bigint => (credit.get(account) ?? 0n) - paidBy(account),
    perCall: (caller: Caller): bigint | undefined =>
      least(nowOf(caller).map((place) => bound(place, ({ perCall }) => perCall))),
    left: (caller: Caller): readonly Left[] =>
      nowOf(caller).flatMap(({ account, key, statements: [limits = []] }) =>
        limits.flatMap(({ counters }) =>
          Object.entries(counters).map(([name, limit]) => {
            const remaining = limit - sum(`${key} ${name}`, name, caller.at);
            return { account, key, name, limit, remaining };
          }),
        ),
      ),
  };
};

export type Reference = ReturnType<typeof openReference>;
