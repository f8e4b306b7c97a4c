import { isObject, type JsonObject } from '../../../core/json-object.ts';
import { isFiat } from '../../../protocol/fiat-asset.ts';

/** The tools of the list that the gateway shows to anyone (`GET /`). */
export const publicToolsIn = (listing: unknown): readonly JsonObject[] =>
  isObject(listing) && Array.isArray(listing['tools'])
    ? (listing['tools'] as readonly unknown[]).filter(isObject)
    : [];

/** Reads that list. @throws if the gateway does not answer */
export const readPublicTools = async (signal: AbortSignal): Promise<readonly JsonObject[]> => {
  const headers = { Accept: 'application/json' };
  return publicToolsIn(await (await fetch('/', { headers, redirect: 'manual', signal })).json());
};

/** Whether one of the public tools is priced in dollars and charges a card (docs/cards.md). */
export const sellsForDollars = (tools: readonly JsonObject[]): boolean =>
  tools.some(({ asset }) => typeof asset === 'string' && isFiat(asset));
