import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';

/**
 * The D1 table of one-time cards, one row a call. It holds ids and amounts, never a number, a CVC or a date of a card (PCI DSS 3.3.1, 3.5.1).
 * Every change is one conditional update, so a call, an event of the issuer and the sweep may race for a card.
 */

/**
 * `making`: the issuer may have made the card, but no party has its number yet. `open`: a merchant may have the number. `charged`: the
 * issuer approved a payment, which the merchant may raise up to the cap. `sealed`: the call has read what the card was charged, and the
 * gateway approves no further raise. `closing`: the gateway ends the card, and the issuer has not confirmed that yet. `closed`: the
 * issuer has confirmed it, and approved no payment.
 */
export type CardState = 'making' | 'open' | 'charged' | 'sealed' | 'closing' | 'closed';

export type CardRow = {
  readonly call: Hex;
  readonly account: AccountId;
  readonly tool: string;
  /** Name of the secret that holds the issuer's key. */
  readonly secret: string;
  /** Of `cardRequest`. */
  readonly request: string;
  /** Cents. */
  readonly cap: number;
  readonly currency: string;
  /** The issuer's id; null until it is known. */
  readonly card: string | null;
  readonly state: CardState;
  /** The issuer's id of the approved authorization, and its cents. */
  readonly authorization: string | null;
  readonly charged: number;
  /** From when on the sweep ends the card. */
  readonly until: Seconds;
};

export type NewCard = Pick<
  CardRow,
  'call' | 'account' | 'tool' | 'secret' | 'request' | 'cap' | 'currency' | 'until'
>;

/** Ended rows stay this long: a payment on one is an alert, and a merchant may post it for weeks. */
const KEPT: Seconds = 90 * 86_400;
const SWEPT = 20;

/** All functions throw if the database does not answer. */
export type CardTable = {
  /** False if the call has a card already. */
  readonly insert: (card: NewCard, now: Seconds) => Promise<boolean>;
  /** Before a merchant gets the number. False if the sweep has ended the card. */
  readonly open: (call: Hex, card: string) => Promise<boolean>;
  readonly byCall: (call: Hex) => Promise<CardRow | undefined>;
  readonly byCard: (card: string) => Promise<CardRow | undefined>;
  /** Approves the one payment on an open card, or a raise of it, within the cap. Returns true again for a repeated event. */
  readonly approve: (card: string, of: Payment) => Promise<boolean>;
  /** Records a payment that the issuer approved, whatever the card's state. */
  readonly charge: (call: Hex, of: Payment) => Promise<void>;
  /**
   * Returns the charge of a call in cents, and seals the card against raises; undefined if no payment was approved.
   *
   * Attack: a merchant charges $1, answers, and raises the same authorization to the cap after the call ended with $1 (CWE-367).
   */
  readonly seal: (call: Hex) => Promise<number | undefined>;
  /** Lets no further payment begin. False if one was approved. */
  readonly close: (call: Hex, card: string | null) => Promise<boolean>;
  readonly closed: (call: Hex) => Promise<void>;
  /** The call succeeded before a payment was approved: the merchant may still charge until this time. */
  readonly extend: (call: Hex, until: Seconds) => Promise<void>;
  /** Cards whose time is up, and whose end the call's account does not know. */
  readonly due: (now: Seconds) => Promise<readonly CardRow[]>;
  /** The account knows the end of the card. */
  readonly conclude: (call: Hex, now: Seconds) => Promise<void>;
  readonly prune: (now: Seconds) => Promise<void>;
};

/** A payment of the issuer: its authorization and its cents. */
export type Payment = { readonly id: string; readonly amount: number; readonly currency?: string };

export const openCardTable = (db: D1Database): CardTable => {
  const run = async (sql: string, ...values: unknown[]): Promise<boolean> => {
    const { meta } = await db
      .prepare(sql)
      .bind(...values)
      .run();
    return meta.changes > 0;
  };
  const first = async (where: string, value: string): Promise<CardRow | undefined> =>
    (await db.prepare(`SELECT * FROM cards WHERE ${where}`).bind(value).first<CardRow>()) ??
    undefined;
  return {
    insert: ({ call, account, tool, secret, request, cap, currency, until }, now) =>
      run(
        `INSERT INTO cards (call, account, tool, secret, request, cap, currency, until, state, charged, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'making', 0, ?9) ON CONFLICT DO NOTHING`,
        ...[call, account, tool, secret, request, cap, currency, until, now],
      ),
    open: (call, card) =>
      run(
        `UPDATE cards SET state = 'open', card = ?2 WHERE call = ?1 AND state = 'making'`,
        call,
        card,
      ),
    byCall: (call) => first('call = ?1', call),
    byCard: (card) => first('card = ?1', card),
    approve: (card, { id, amount, currency }) =>
      run(
        `UPDATE cards SET state = iif(state = 'sealed', state, 'charged'), authorization = ?2, charged = max(charged, ?3)
         WHERE card = ?1 AND ?3 <= iif(state = 'sealed', charged, cap) AND currency = ?4
           AND (state = 'open' OR state IN ('charged', 'sealed') AND authorization = ?2)`,
        ...[card, id, amount, currency],
      ),
    charge: async (call, { id, amount }) => {
      await run(
        `UPDATE cards SET state = iif(state IN ('sealed', 'closed'), 'sealed', 'charged'),
           authorization = ?2, charged = max(charged, ?3) WHERE call = ?1`,
        ...[call, id, amount],
      );
    },
    seal: async (call) =>
      (
        await db
          .prepare(
            `UPDATE cards SET state = 'sealed' WHERE call = ?1 AND state IN ('charged', 'sealed') RETURNING charged`,
          )
          .bind(call)
          .first<{ readonly charged: number }>()
      )?.charged,
    close: (call, card) =>
      run(
        `UPDATE cards SET state = 'closing', card = coalesce(card, ?2)
         WHERE call = ?1 AND state IN ('making', 'open', 'closing')`,
        ...[call, card],
      ),
    closed: async (call) => {
      await run(`UPDATE cards SET state = 'closed' WHERE call = ?1 AND state = 'closing'`, call);
    },
    extend: async (call, until) => {
      await run('UPDATE cards SET until = ?2 WHERE call = ?1', call, until);
    },
    due: async (now) => {
      const { results } = await db
        .prepare(
          `SELECT * FROM cards WHERE concluded_at IS NULL AND until <= ?1 ORDER BY until LIMIT ${SWEPT}`,
        )
        .bind(now)
        .all<CardRow>();
      return results;
    },
    conclude: async (call, now) => {
      await run(`UPDATE cards SET concluded_at = ?2, request = '' WHERE call = ?1`, call, now);
    },
    prune: async (now) => {
      await run(
        'DELETE FROM cards WHERE call IN (SELECT call FROM cards WHERE concluded_at < ?1 LIMIT 500)',
        now - KEPT,
      );
    },
  };
};
