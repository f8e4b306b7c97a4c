import type { CardRow, CardTable } from './card-table.ts';
import type { Issuer } from './stripe-card.ts';

/** The end of a card. `unknown`: the issuer or the database did not answer, so a payment is possible. */
export type CardEnd =
  | { readonly end: 'charged'; readonly cents: number }
  | { readonly end: 'closed' }
  | { readonly end: 'unknown' };

/**
 * Ends a card that a merchant may have: lets no payment begin, cancels it at the issuer, and then reads what the issuer has approved. Idempotent.
 *
 * Race: the last step finds a payment that the issuer approved before the cancellation, and the first step fails if the gateway has
 * approved one. So `closed` means that no payment exists and none can follow.
 */
export const endCard = async (
  table: CardTable,
  issuer: Issuer,
  { call, card }: Pick<CardRow, 'call'> & { readonly card: string },
): Promise<CardEnd> => {
  try {
    if (!(await table.close(call, card))) {
      const cents = await table.seal(call);
      if (cents !== undefined) return { end: 'charged', cents };
      return (await table.byCall(call))?.state === 'closed'
        ? { end: 'closed' }
        : { end: 'unknown' };
    }
    const cancelled = await issuer.cancel(card);
    const approved = await issuer.approvedOn(card);
    if (!approved.ok) return { end: 'unknown' };
    if (approved.value !== undefined) {
      await table.charge(call, approved.value);
      return { end: 'charged', cents: (await table.seal(call)) ?? approved.value.amount };
    }
    if (!cancelled.ok) return { end: 'unknown' };
    await table.closed(call);
    return { end: 'closed' };
  } catch (cause) {
    console.error({ event: 'card_unended', call, cause: String(cause) });
    return { end: 'unknown' };
  }
};
