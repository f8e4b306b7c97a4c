import type { AgentAccountRpc } from '../protocol/account/rpc.ts';

/** A tool that was put at run time, as JSON; null for one that was removed. */
export type ChangedTool = { readonly id: string; readonly document: string | null };

/** `top`: the newest change. `tools`: those that changed since the version asked for. */
export type ToolChanges = { readonly top: number; readonly tools: readonly ChangedTool[] };

/** Reads what changed since a version, 0 for all. @throws Error where the tools cannot be read */
export type ReadTools = (since: number) => Promise<ToolChanges>;

/**
 * Reads tools from the gateway's own account, which decided each change: neither a queue nor D1 stands between a change and the
 * isolates that sell by it.
 *
 * @param keeper gives a fresh stub each time, because one that has thrown stays broken.
 */
export const readToolsOf =
  (keeper: () => Pick<AgentAccountRpc, 'documentsSince'>): ReadTools =>
  async (since) => {
    const found = await keeper().documentsSince('tool', since);
    if (found.verdict !== 'found') throw new Error('The gateway account did not answer.');
    const { top, documents } = found;
    return { top, tools: documents.map(({ name, text }) => ({ id: name, document: text })) };
  };
