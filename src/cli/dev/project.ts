import { join } from 'node:path';
import { readEgressUrl } from '../../protocol/egress-url.ts';
import { readText } from '../lib/atomic-file.ts';
import type { ConfigFiles } from '../lib/config-files.ts';
import { CliError, usageError } from '../lib/errors.ts';
import { parseConfigText, textAt } from '../lib/wrangler-config.ts';

/** Origin of the upstream: --upstream, else UPSTREAM_URL. Empty if neither is set. @throws CliError usage */
export const upstreamIn = (
  { variables, secrets }: ConfigFiles,
  option: string | undefined,
): string => {
  if (option === undefined)
    return (secrets['UPSTREAM_URL'] ?? variables['UPSTREAM_URL'] ?? '').trim();
  const url = readEgressUrl(option, 'local_stack');
  if (!url.ok)
    throw usageError(`--upstream: the URL ${url.error}.`, 'Give e.g. http://localhost:3000.');
  return url.value.origin;
};

const DEFAULT_MAIN = 'src/index.ts';

/**
 * How the entry of the Worker imports `tools.json`. The stack replaces these modules with a valid copy, so that a fault in the file does
 * not stop the gateway.
 */
export const toolsImportsIn = async (
  directory: string,
  { file, toml }: ConfigFiles,
): Promise<readonly string[]> => {
  const table = parseConfigText(file, toml);
  const main = table.ok ? textAt(table.value, 'main') : undefined;
  const entry = join(directory, main ?? DEFAULT_MAIN);
  const text = await readText(entry);
  if (text === undefined)
    throw new CliError(`The entry of the Worker, ${entry}, is missing.`, {
      hint: `Correct \`main\` in ${file}.`,
      code: 'no_entry',
    });
  const found = [...text.matchAll(/['"](\.{1,2}\/(?:[^'"\n]*\/)?tools\.json)['"]/g)];
  return [...new Set(found.map(([, path = '']) => path))];
};
