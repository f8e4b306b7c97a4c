import {
  type CallToolResult,
  ProtocolError,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Agent } from '../../client/agent.ts';
import { ApprovalRequired } from '../../client/pending-approval.ts';
import { shortText } from '../../core/plain-text.ts';
import { formatDollars } from '../../protocol/amount.ts';
import type { NameOf } from '../lib/next-step.ts';
import type { Approval } from './approval.ts';
import type { Named, Remote } from './names.ts';
import { CALL_AGAIN, OWN_TOOLS, SPENDING } from './own-tools.ts';
import { parkedCall } from './parked-calls.ts';
import { openRemoteTools } from './remote-tools.ts';
import { standingAt, stoppedText } from './standing.ts';
import { againWith, failed, withNextStep, withSpending, words } from './texts.ts';
import { resultOf, type Waiter, type Waiting } from './waiting.ts';

/** The servers behind a bridge, and its ways to reach a person. */
export type BridgeOptions = {
  readonly agent: Pick<Agent, 'spending'>;
  /** The address that signs. */
  readonly payer: string;
  readonly remotes: readonly Remote[];
  readonly approval: Approval;
  readonly waiting: Waiting;
  /** Names of this machine for accounts. */
  readonly nameOf: NameOf;
  /** Prints a line for the person who runs the host. Never to stdout, which is the transport. */
  readonly note: (line: string) => void;
};

/**
 * Opens an MCP server that forwards to remote servers: the host sees their tools, and the agent behind the remotes' clients pays. A call
 * that fails on this side is a result with `isError`, because the model must read the reason.
 */
export const openBridge = (options: BridgeOptions): Server => {
  const { agent, payer, remotes, approval, waiting, nameOf, note } = options;
  const server = new Server(
    { name: 'countersign', version: '0.1.0' },
    { capabilities: { tools: {} }, instructions: instructionsOf(remotes) },
  );
  const tools = openRemoteTools(remotes, note);

  const callAgain = async (call: unknown, waiter: Waiter): Promise<CallToolResult> => {
    const all = await waiting.all();
    if (typeof call === 'string') {
      const result = await waiting.again(call, waiter);
      return result ?? failed(new Error(`No call ${shortText(call, 80)} waits here.`), listed(all));
    }
    return { content: [words(all.length === 0 ? 'No call waits.' : listed(all).trim())] };
  };

  const listed = (all: Awaited<ReturnType<Waiting['all']>>): string =>
    all
      .map(({ tool, price, saved }) => ` ${tool} ${price} waits: ${againWith(saved.call)}.`)
      .join('');

  const spending = async (): Promise<CallToolResult> => {
    const { signed, charged, remaining } = agent.spending();
    const bridge = {
      ...{ signed: formatDollars(signed), charged: formatDollars(charged) },
      remaining: formatDollars(remaining),
      waiting: (await waiting.all()).length,
    };
    const gateways = await Promise.all(
      remotes.map(async (remote) => ({ origin: remote.origin, ...(await standingAt(remote)) })),
    );
    const said = { bridge, gateways };
    return { content: [{ type: 'text', text: JSON.stringify(said) }], structuredContent: said };
  };

  const callNamed = async (
    name: string,
    given: Readonly<Record<string, unknown>>,
    waiter: Waiter,
  ): Promise<CallToolResult> => {
    const named = await tools.find(name);
    if (named !== undefined) return await callRemote(name, named, given, waiter);
    const unknown = new ProtocolError(-32602, `Unknown tool: ${shortText(name, MAX_NAME)}`);
    const reasons = await reasonsOf(remotes);
    if (reasons === '') throw unknown;
    return failed(unknown, reasons);
  };

  const callRemote = async (
    shownName: string,
    { remote, tool }: Named,
    given: Readonly<Record<string, unknown>>,
    waiter: Waiter,
  ): Promise<CallToolResult> => {
    const call = { name: tool.name, arguments: given };
    try {
      return await approval.during({ server, origin: remote.origin, ...call }, async () =>
        resultOf(
          await remote.client.callTool(call, { signal: waiter.signal, timeout: TIMEOUT_MS }),
        ),
      );
    } catch (cause) {
      if (cause instanceof ApprovalRequired) {
        const { approval: pending } = cause;
        const parked = parkedCall(
          { tool: shownName, origin: remote.origin, payer },
          pending.save(),
        );
        return await waiting.park(parked, pending.resume, waiter);
      }
      return failed(cause, isUnknownTool(cause) ? await reasonsOf([remote]) : '');
    }
  };

  server.setRequestHandler('tools/list', async () => ({
    tools: [...(await tools.list()), ...OWN_TOOLS],
  }));
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
    const { name, arguments: given = {} } = params;
    const waiter = waiterOf(mcpReq);
    if (name === SPENDING) return await spending();
    const result =
      name === CALL_AGAIN
        ? await callAgain(given['call'], waiter)
        : await callNamed(name, given, waiter);
    return withSpending(withNextStep(result, nameOf), agent.spending().remaining);
  });
  return server;
};

/** Explains missing tools: a gateway hides them from a revoked agent. Returns an empty text if no gateway denies every call. */
const reasonsOf = async (remotes: readonly Remote[]): Promise<string> => {
  const reasons = await Promise.all(remotes.map(stoppedText));
  return reasons.flatMap((reason) => (reason === undefined ? [] : ` ${reason}`)).join('');
};

/** A tool may take 25 s, or 300 s with `onSilence: keep`; a first payment also waits for its block. */
const TIMEOUT_MS = 330_000;
const MAX_NAME = 128;

const isUnknownTool = (cause: unknown): boolean =>
  cause instanceof Error && (cause as { readonly code?: unknown }).code === -32602;

/** Sends progress to a host that requested it. */
const waiterOf = ({ _meta, signal, notify }: ServerContext['mcpReq']): Waiter => {
  const progressToken = _meta?.progressToken;
  let progress = 0;
  return {
    signal,
    progress: async (message) => {
      if (progressToken === undefined) return;
      progress += 1;
      await notify({
        method: 'notifications/progress',
        params: { progressToken, progress, message },
      });
    },
  };
};

/** The most characters that each server may tell the model before a call. */
const MAX_INSTRUCTIONS = 2_048;

const instructionsOf = (remotes: readonly Remote[]): string => {
  const given = remotes.flatMap(({ client }) => {
    const text = client.getInstructions();
    return text === undefined ? [] : [shortText(text, MAX_INSTRUCTIONS)];
  });
  return [
    'This bridge signs and pays for calls, within the caps that its owner has set. A refusal states the cap. A call that waits for a person, or whose answer you missed, goes on with the tool call_again; never repeat it. The tool spending says what is left.',
    ...new Set(given),
  ].join(' ');
};
