import { meterWords, restWords } from '../protocol/meter/meter-words.ts';
import type { PublicTool } from './public-tool.ts';

/** States what a call costs, e.g. `$0.02 a call`, or the rates of a metered tool and the maximum. */
export const callPrice = ({ price, dollars, pricing, meter }: PublicTool): string => {
  if (meter !== undefined) return meterWords(meter, price);
  return `${pricing === 'upto' ? 'at most ' : ''}${dollars} a call`;
};

/** Adds to the description of a metered tool its rates, and which payments move more than the charge. */
export const describedWithRates = (tool: PublicTool): PublicTool => {
  if (tool.meter === undefined) return tool;
  const rest = restWords(tool.meter);
  const sentences = [
    tool.description,
    `Price: ${callPrice(tool)}.`,
    ...(rest === undefined ? [] : [rest]),
  ];
  return { ...tool, description: sentences.join(' ') };
};
