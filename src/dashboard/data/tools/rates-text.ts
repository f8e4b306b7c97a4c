import type { ToolDocument } from '../../../management/tool.route.ts';
import { parseMoney } from '../../../protocol/amount.ts';
import { meterWords, type WordedMeter } from '../../../protocol/meter/meter-words.ts';

/** The rates of a metered tool in words; undefined for another tool, and for a document that the gateway cannot read either. */
export const ratesText = ({ price }: Pick<ToolDocument, 'price'>): string | undefined => {
  if (typeof price === 'string' || price.meter === undefined) return undefined;
  const { max, min, meter } = price;
  const least = typeof min === 'string' ? parseMoney(min) : undefined;
  try {
    const worded = { ...(meter as WordedMeter), ...(least && { min: least.toString() }) };
    return meterWords(worded, parseMoney(max) ?? 0n);
  } catch {
    return undefined;
  }
};
