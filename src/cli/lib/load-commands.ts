import type { CommandLoader, CommandSpec, CommandTree } from './command.ts';

/**
 * Loads the files that a command line needs: the named command, or all commands of a group if the line asks for the group's help. Every
 * other command is a bare name, which is all that the parser needs to suggest it. `all` loads every file.
 */
export const loadCommands = async (
  tree: CommandTree,
  words: readonly string[] | 'all',
): Promise<readonly CommandSpec[]> => {
  const at = words === 'all' ? -1 : words.findIndex((word) => Object.hasOwn(tree, word));
  const named = words === 'all' ? undefined : words[at];
  const rest = words === 'all' ? words : words.slice(at + 1);
  return await Promise.all(
    Object.entries(tree).map(async ([name, node]): Promise<CommandSpec> => {
      const isNeeded = named === undefined || named === name;
      if (typeof node === 'function') return await load(name, isNeeded ? node : undefined);
      const { commands, ...group } = node;
      const isShown = words === 'all' || named === name;
      return {
        name,
        ...group,
        commands: isShown
          ? await loadCommands(commands, rest)
          : Object.keys(commands).map((child) => ({ name: child })),
      };
    }),
  );
};

const load = async (name: string, loader: CommandLoader | undefined): Promise<CommandSpec> =>
  loader === undefined ? { name } : { name, ...(await loader()).command };
