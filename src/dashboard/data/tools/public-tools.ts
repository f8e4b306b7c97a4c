import { isObject, type JsonObject } from '../../../core/json-object.ts';

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
