import type { Tool } from '@modelcontextprotocol/client';
import { type Named, namesOf, type Remote } from './names.ts';
import { shownTool } from './shown-tool.ts';
import { messageOf } from './texts.ts';

/** The tools of all remotes, under the names that the host sees. */
export type RemoteTools = {
  /** Lists the tools of every remote that answers: one that is down must not hide the others. */
  list(): Promise<readonly Tool[]>;
  /** Finds the tool that the host calls by this name. For an unknown name, lists the tools of the remotes again. */
  find(name: string): Promise<Named | undefined>;
};

export const openRemoteTools = (
  remotes: readonly Remote[],
  note: (line: string) => void,
): RemoteTools => {
  let known: ReadonlyMap<string, Named> = new Map();
  const list: RemoteTools['list'] = async () => {
    const lists = await Promise.all(
      remotes.map(async (remote) => {
        try {
          const { tools } = await remote.client.listTools();
          const shown = tools.flatMap((tool) => shownTool(tool) ?? []);
          if (shown.length < tools.length)
            note(`${remote.origin} lists tools of more than 64 KiB, which the bridge omits`);
          return { remote, tools: shown };
        } catch (cause) {
          note(`${remote.origin} did not list its tools: ${messageOf(cause)}`);
          return { remote, tools: [] };
        }
      }),
    );
    known = namesOf(lists);
    return [...known].map(([name, { tool }]) => ({ ...tool, name }));
  };
  return {
    list,
    find: async (name) => {
      if (!known.has(name)) await list();
      return known.get(name);
    },
  };
};
