import { nowSeconds } from '../core/clock.ts';
import { readText } from '../core/read-text.ts';
import type { AlertBody } from '../protocol/alert.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { type KeySource, textOf } from '../vault/vault-keys.ts';
import { type Authorized, readCardEvent } from './card-event.ts';
import { CENT } from './card-call.ts';
import { WEBHOOK_SECRET } from './card-settings.ts';
import { type CardRow, type CardTable, openCardTable, type Payment } from './card-table.ts';
import { STRIPE_VERSION } from './stripe-card.ts';
import { verifyStripeSignature } from './stripe-signature.ts';

export type WebhookDeps = {
  readonly db: D1Database;
  readonly env: object;
  /** Raises an operator alert; false if it could not be recorded. */
  readonly raise: (alert: AlertBody) => Promise<boolean>;
};

const MAX_EVENT = 256 * 1_024;

const unsigned: Reason = {
  reason: 'malformed_request',
  field: 'Stripe-Signature',
  hint: `must be of this body, of the secret ${WEBHOOK_SECRET} and of the last five minutes`,
};

/**
 * Serves `POST /webhooks/cards/stripe`. `issuing_authorization.request` asks for a decision: the gateway approves one payment on the open
 * card of a call, within the held amount, and its raises until the call has ended. `issuing_authorization.created` and
 * `issuing_authorization.updated` report what the issuer approved. Each may arrive twice, late or out of order.
 *
 * The signature is verified over the received bytes before they are parsed. An event that the gateway cannot record gets 503, so that the
 * issuer sends it again.
 */
export const takeCardEvent = async (deps: WebhookDeps, request: Request): Promise<Response> => {
  const secret = await textOf(Reflect.get(deps.env, WEBHOOK_SECRET) as KeySource | undefined).catch(
    () => '',
  );
  if (secret === '') return problem({ reason: 'not_found' });
  const body = await readText(request, MAX_EVENT).catch(() => undefined);
  if (body === undefined) return problem({ reason: 'body_too_large', limit: MAX_EVENT });
  const header = request.headers.get('stripe-signature');
  if (!(await verifyStripeSignature(header, body, secret, nowSeconds()))) return problem(unsigned);
  const event = readCardEvent(body);
  if (event === undefined) {
    return problem({ reason: 'malformed_request', field: 'body', hint: 'must be an event' });
  }
  const table = openCardTable(deps.db);
  switch (event.kind) {
    case 'decide':
      return decision(await decide(table, event.authorization));
    case 'decided':
      return event.approved ? await record(deps, table, event.authorization) : received();
    case 'other':
      return received();
  }
};

const received = () => Response.json({ received: true });

/** The answer that the issuer expects within two seconds (docs.stripe.com/issuing/controls/real-time-authorizations). */
const decision = (approved: boolean): Response =>
  Response.json({ approved }, { headers: { 'Stripe-Version': STRIPE_VERSION } });

/** Decline if the database does not answer: the issuer could otherwise approve a payment that the gateway does not count. */
const decide = async (table: CardTable, authorization: Authorized): Promise<boolean> => {
  const { id, card, amount } = authorization;
  try {
    const approved = amount > 0 && (await table.approve(card, authorization));
    if (!approved) console.error({ event: 'card_declined', authorization: id, card });
    return approved;
  } catch (cause) {
    console.error({ event: 'card_undecided', authorization: id, cause: String(cause) });
    return false;
  }
};

/** Records a payment. If no call expects it, the operator pays, so it raises an alert. */
const record = async (
  { raise }: WebhookDeps,
  table: CardTable,
  { id, card, amount, currency }: Authorized,
): Promise<Response> => {
  try {
    const row = await table.byCard(card);
    const isKnown = row?.authorization === id && amount <= row.charged;
    const kind = isKnown ? undefined : surpriseOf(row, { id, amount, currency });
    const known = row === undefined ? {} : { account: row.account, call: row.call, tool: row.tool };
    if (kind !== undefined) {
      const detail = { kind, card, ...known, amount: (BigInt(amount) * CENT).toString() };
      if (!(await raise({ rule: 'card_charged', detail }))) throw new Error('no alert');
    }
    const isOther = row?.authorization !== null && row?.authorization !== id;
    if (row !== undefined && !isKnown && !isOther) await table.charge(row.call, { id, amount });
    return received();
  } catch (cause) {
    console.error({ event: 'card_event_unrecorded', authorization: id, cause: String(cause) });
    return problem({ reason: 'storage_unavailable' });
  }
};

/** The reason why no call pays for a payment that the issuer approved. */
const surpriseOf = (
  row: CardRow | undefined,
  { id, amount, currency }: Payment,
): string | undefined => {
  if (row === undefined) return 'unknown_card';
  if (row.state === 'closed') return 'after_release';
  if (amount > row.cap || currency !== row.currency) return 'above_hold';
  if (row.authorization !== null && row.authorization !== id) return 'second_payment';
  return row.state === 'sealed' ? 'raised_after_end' : undefined;
};
