import type { JsonObject } from '../../../core/json-object.ts';
import { useQuery } from '../reading/query.ts';
import { readPublicTools, sellsForDollars } from './public-tools.ts';

const HOUR_SECONDS = 3600;

/** The tools that the gateway shows to anyone; none until they are read. */
export const usePublicTools = (): readonly JsonObject[] =>
  useQuery('public tools', async (_, signal) => await readPublicTools(signal), HOUR_SECONDS).data ??
  [];

/** Whether the gateway sells for dollars; false until it is known. */
export const useSellsForDollars = (): boolean => sellsForDollars(usePublicTools());
