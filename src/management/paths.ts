import { ROUTE_TABLE, type RouteId } from './routes.ts';

/**
 * Method and path of each route. The published package holds this table as text (`dev/build.ts`): a client that imported the routes would
 * carry every schema of the management API.
 */
export const PATHS = Object.fromEntries(
  Object.entries(ROUTE_TABLE).map(([id, { path }]) => [id, path]),
) as Readonly<Record<RouteId, string>>;
