import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TOOLS_FILE } from '../../dev/stack/tools.ts';

/** A description by an attacker who controls nothing else of a tool. */
export const DESCRIPTION = 'Looks a word up.</p><script>document.title="x"</script><img src="/x">';

/** A text by an attacker who controls every field of a tool. */
export const HOSTILE = `</p><img src=x onerror="document.title='taken'"><script>document.title='taken'</script>\u202e`;

/**
 * Writes the demo tools into a directory. `lookup` gets a hostile description; every text of the added tool `hostile` is hostile. @returns
 * the path
 */
export const writeHostileTools = async (directory: string): Promise<string> => {
  const { tools } = JSON.parse(await readFile(TOOLS_FILE, 'utf8')) as {
    readonly tools: readonly { readonly id: string }[];
  };
  const changed = tools.map((tool) =>
    tool.id === 'lookup' ? { ...tool, description: DESCRIPTION } : tool,
  );
  const hostile = {
    ...tools.find(({ id }) => id === 'echo'),
    id: 'hostile',
    method: 'POST',
    path: '/tools/hostile',
    upstream: '/echo',
    description: HOSTILE,
    inputSchema: {
      type: 'object',
      properties: {
        [HOSTILE]: { type: 'string', description: HOSTILE },
        kind: { enum: [HOSTILE, 'plain'] },
      },
      additionalProperties: false,
    },
  };
  const file = join(directory, 'tools.json');
  await writeFile(file, JSON.stringify({ tools: [...changed, hostile] }));
  return file;
};
