import type { Tool } from '@modelcontextprotocol/client';
import {
  type CallToolResult,
  isCallToolResult,
  ProtocolError,
  Server,
} from '@modelcontextprotocol/server';
import { CountersignError, type ErrorCode } from '../../client/errors.ts';
import { shortText } from '../../core/plain-text.ts';
import type { Approval } from './approval.ts';
import { type Named, namesOf, type Remote } from './names.ts';
import { shownTool } from './shown-tool.ts';

/** The servers behind a bridge, and its ways to reach a person. */
export type BridgeOptions = {
  readonly remotes: readonly Remote[];
  readonly approval: Approval;
  /** Prints a line for the person who runs the host. Never to stdout, which is the transport. */
  readonly note: (line: string) => void;
};

/**
 * Opens an MCP server that forwards to remote servers: the host sees their tools, and the agent behind the remotes' clients pays. A call
 * that fails on this side is a result with `isError`, because the model must read the reason.
 */
export const openBridge = ({ remotes, approval, note }: BridgeOptions): Server => {
  const server = new Server(
    { name: 'countersign', version: '0.1.0' },
    { capabilities: { tools: {} }, instructions: instructionsOf(remotes) },
  );
  let known: ReadonlyMap<string, Named> = new Map();

  /** Lists the tools of every remote that answers: one that is down must not hide the others. */
  const list = async (): Promise<readonly Tool[]> => {
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

  server.setRequestHandler('tools/list', async () => ({ tools: [...(await list())] }));
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
    if (!known.has(params.name)) await list();
    const named = known.get(params.name);
    if (named === undefined) throw new ProtocolError(-32602, `Unknown tool: ${params.name}`);
    const { remote, tool } = named;
    const call = { name: tool.name, arguments: params.arguments ?? {} };
    try {
      return await approval.during({ server, origin: remote.origin, ...call }, async () =>
        resultOf(
          await remote.client.callTool(call, { signal: mcpReq.signal, timeout: TIMEOUT_MS }),
        ),
      );
    } catch (cause) {
      return failed(cause);
    }
  });
  return server;
};

/** A tool may take 25 s, or 300 s with `onSilence: keep`; a first payment waits for its block before. */
const TIMEOUT_MS = 330_000;

const resultOf = (result: unknown): CallToolResult => {
  if (isCallToolResult(result)) return result;
  throw new TypeError('The server answered with a result that is none of tools/call.');
};

const failed = (cause: unknown): CallToolResult => ({
  isError: true,
  content: [{ type: 'text', text: messageOf(cause) }],
});

/** Names the option of `countersign mcp` that decided. */
const HINTS: Partial<Readonly<Record<ErrorCode, string>>> = {
  over_per_call: 'The owner of this bridge can raise --max.',
  over_total: 'The owner of this bridge can restart it with a higher --total.',
  vetoed: 'The price is above --approve-above, and no person approved it. The bridge paid nothing.',
  approval_required:
    'The gateway lets a person decide on this call, and this bridge does not wait for that. Nothing ran. Do not repeat it: ask the owner to raise approveAbove, or call a cheaper tool.',
  answer_lost: 'The call may have run and may have been paid. Do not repeat it without asking.',
};

/** States the failure and the next step; never a stack. */
const messageOf = (cause: unknown): string => {
  if (cause instanceof CountersignError) {
    return `${cause.message} ${HINTS[cause.code] ?? cause.hint}`;
  }
  return cause instanceof Error ? cause.message : String(cause);
};

/** The most characters that each server may tell the model before a call. */
const MAX_INSTRUCTIONS = 2_048;

const instructionsOf = (remotes: readonly Remote[]): string => {
  const given = remotes.flatMap(({ client }) => {
    const text = client.getInstructions();
    return text === undefined ? [] : [shortText(text, MAX_INSTRUCTIONS)];
  });
  return [
    'This bridge signs and pays for calls, within the caps that its owner has set. A refusal states the cap.',
    ...new Set(given),
  ].join(' ');
};
