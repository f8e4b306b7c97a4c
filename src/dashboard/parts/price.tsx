import type { ToolDocument } from '../../management/tool.route.ts';
import { parseMoney } from '../../protocol/amount.ts';
import { Amount } from './amount.tsx';

/**
 * The price of a tool as its document writes it, `"$0.02"` or a maximum. A label with its own decimals, because prices are never added up.
 */
export const Price = ({ tool: { price, asset } }: { readonly tool: ToolDocument }) => {
  const money = typeof price === 'string' ? price : price.max;
  const atomic = parseMoney(money);
  return (
    <>
      {typeof price === 'string' ? null : (
        <span class="muted">{price.meter === undefined ? 'up to ' : 'by use, up to '}</span>
      )}
      {atomic === undefined ? (
        '–'
      ) : atomic === 0n ? (
        'free'
      ) : (
        <Amount atomic={atomic} asset={asset ?? ''} />
      )}
    </>
  );
};
