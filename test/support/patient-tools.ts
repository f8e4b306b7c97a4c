import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TOOLS_FILE } from '../../dev/stack/tools.ts';

/** Longer than a machine may stall while a call of the tool runs that a test looks at. */
const SECONDS = 15;

/** Writes the demo tools into a directory. `flaky` waits for its upstream for as long as others may need. @returns the path */
export const writePatientTools = async (directory: string): Promise<string> => {
  const { tools } = JSON.parse(await readFile(TOOLS_FILE, 'utf8')) as {
    readonly tools: readonly { readonly id: string }[];
  };
  const patient = tools.map((tool) =>
    tool.id === 'flaky' ? { ...tool, timeoutSeconds: SECONDS } : tool,
  );
  const file = join(directory, 'tools.json');
  await writeFile(file, JSON.stringify({ tools: patient }));
  return file;
};
