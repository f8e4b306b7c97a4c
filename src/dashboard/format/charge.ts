import type { ItemOf } from '../../client/management.ts';
import { decimalOf } from './amount.ts';
import { TOP_UP } from './text.ts';

type ChargedCall = Pick<ItemOf<'calls.list'>, 'tool' | 'spent' | 'charged' | 'refunded'>;

/**
 * Notes about the money of a call that its spend does not show: `top-up of 2.00`, `refunded 0.0004`. The spend of a top-up is zero, because
 * the calls that use the credit count. An amount that an operator decides later counts on the day of the decision.
 */
export const chargeNote = ({
  tool,
  spent,
  charged = '0',
  refunded = '0',
}: ChargedCall): string | undefined => {
  const notes = [
    ...(spent === undefined || spent === charged
      ? []
      : [
          tool === TOP_UP
            ? `top-up of ${decimalOf(BigInt(charged))}`
            : `later decided: ${decimalOf(BigInt(charged))}`,
        ]),
    ...(refunded === '0' ? [] : [`refunded ${decimalOf(BigInt(refunded))}`]),
  ];
  return notes.length === 0 ? undefined : notes.join(', ');
};
