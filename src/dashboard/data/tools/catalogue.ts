import type { ItemOf, Management } from '../../../client/management.ts';
import { MAX_TOOLS } from '../../../catalog/tool.ts';
import { firstRows } from '../reading/list.ts';

/** A tool as an operator sees it. */
export type CatalogueTool = ItemOf<'tools.list'>;

/** The whole catalogue, disabled and faulty tools included. */
export const readCatalogue = async (
  management: Management,
  signal?: AbortSignal,
): Promise<readonly CatalogueTool[]> =>
  (await firstRows(management, 'tools.list', {}, MAX_TOOLS, signal)).items;
