import { PATHS } from './paths.ts';
import type { Method } from './route.ts';
import type { RouteId } from './routes.ts';

export type { RouteId };

const TOOL_PREFIX = 'countersign.admin.';

/** The tool that an intent for a route names. */
export const toolIdOf = (id: RouteId): string => TOOL_PREFIX + id;

/** Method and path of a route. */
export const endpointOf = (id: RouteId): { readonly method: Method; readonly path: string } => {
  const [method = '', path = ''] = PATHS[id].split(' ');
  return { method: method as Method, path };
};
