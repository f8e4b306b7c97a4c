import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TOOLS_FILE } from '../../dev/stack/tools.ts';

/** Longer than a slow machine may stall while a test watches a running call. */
const SECONDS = 15;

const demoTools = async (): Promise<readonly { readonly id: string }[]> => {
  const { tools } = JSON.parse(await readFile(TOOLS_FILE, 'utf8')) as {
    readonly tools: readonly { readonly id: string }[];
  };
  return tools;
};

const writeTools = async (directory: string, tools: readonly object[]): Promise<string> => {
  const file = join(directory, 'tools.json');
  await writeFile(file, JSON.stringify({ tools }));
  return file;
};

/** Writes the demo tools into a directory. `flaky` gets a longer upstream timeout. @returns the path */
export const writePatientTools = async (directory: string): Promise<string> => {
  const tools = await demoTools();
  return await writeTools(
    directory,
    tools.map((tool) => (tool.id === 'flaky' ? { ...tool, timeoutSeconds: SECONDS } : tool)),
  );
};

/** Writes the demo tools with the longest upstream timeout, so that a slow machine causes no timeouts under load. @returns the path */
export const writeToolsForLoad = async (directory: string): Promise<string> =>
  await writeTools(
    directory,
    (await demoTools()).map((tool) => ({ ...tool, timeoutSeconds: 25 })),
  );
