import type { JsonObject } from '../../../core/json-object.ts';
import { isFiat } from '../../../protocol/fiat-asset.ts';

/** Whether one of the public tools is priced in dollars and charges a card (docs/cards.md). */
export const sellsForDollars = (tools: readonly JsonObject[]): boolean =>
  tools.some(({ asset }) => typeof asset === 'string' && isFiat(asset));
