import { PATHS } from '../src/management/paths.ts';

/**
 * The paths of the management API as a module without imports, for bundles of the client. `src/management/paths.ts` computes them from the table
 * of routes, which would bring every schema of the API into the client, the dashboard and each command.
 */
export const PATHS_MODULE = `export const PATHS = ${JSON.stringify(PATHS)};\n`;

/** The file that the module replaces. */
export const PATHS_FILE = /src\/management\/paths\.ts$/;
