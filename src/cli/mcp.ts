import { join } from 'node:path';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { type Agent, createAgent } from '../client/agent.ts';
import { addressOf } from '../client/signer.ts';
import type { Server } from '@modelcontextprotocol/server';
import { nameOf } from './lib/accounts.ts';
import type { Command } from './lib/command.ts';
import { CliError, cliErrorOf, EXIT } from './lib/errors.ts';
import { originOf } from './lib/profile.ts';
import { homeOf, type Session } from './lib/session.ts';
import { counted } from './lib/text.ts';
import { amountIn } from './lib/units.ts';
import { openApproval } from './mcp/approval.ts';
import { openBridge } from './mcp/bridge.ts';
import type { Remote } from './mcp/names.ts';
import { openParkedCalls } from './mcp/parked-calls.ts';
import { openWaiting } from './mcp/waiting.ts';

export const command: Command = {
  summary: 'give an MCP host the tools of a gateway, and pay for its calls',
  arguments: [{ syntax: '[urls...]', summary: 'MCP endpoints (default: /mcp of the gateway)' }],
  options: [
    { flags: '--max <amount>', summary: 'pay at most this much for a call (default: $0.05)' },
    {
      flags: '--total <amount>',
      summary: 'pay at most this much until the host stops (default: $1)',
    },
    {
      flags: '--approve-above <amount>',
      summary: 'ask in the host before paying more than this for a call',
    },
    {
      flags: '--wait <seconds>',
      summary: 'wait this long in one request for a person to approve a call (default: 50)',
    },
    { flags: '--grant <hash>', summary: 'grant to spend from (default: the default grant)' },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'claude mcp add --env COUNTERSIGN_PASSWORD=... --transport stdio shop -- npx countersign mcp https://gateway.example/mcp --as team/alice',
    'countersign mcp https://a.example/mcp https://b.example/mcp --max 0.10 --total 5 --approve-above 0.02',
  ],
  run: async (session, input) => {
    const urls =
      input.arguments.length > 0 ? input.arguments : [`${await session.profile.gateway()}/mcp`];
    const [first = ''] = urls;
    const signer = await session.profile.signer('agent', originOf(first, 'The argument'));
    const threshold = input.text('approveAbove');
    const approval = openApproval(
      threshold === undefined ? undefined : amountIn(threshold, '--approve-above'),
      session.out.note,
    );
    const grant = input.text('grant');
    const agent = createAgent({
      account: signer,
      spend: {
        perCall: amountIn(input.text('max') ?? '$0.05', '--max'),
        total: amountIn(input.text('total') ?? '$1', '--total'),
      },
      ...(grant === undefined ? {} : { authority: grant as `0x${string}` }),
      hooks: { onOffer: approval.allows },
    });
    const remotes = await Promise.all(urls.map(async (url) => await connect(agent, url)));
    const { note } = session.out;
    const payer = addressOf(signer);
    const calls = openParkedCalls({
      directory: join(homeOf(session.env), 'waiting', payer),
      now: session.now,
      note,
    });
    const kept = (await calls.all()).length;
    if (kept > 0)
      note(
        `${counted(kept, 'call')} of an earlier run may wait; the tool call_again continues them`,
      );
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, session.signal]);
    const waitMs = (input.number('wait', 1, 3_600) ?? WAIT_SECONDS) * 1000;
    const names = await nameOf(session);
    const waiting = openWaiting({ calls, agent, waitMs, signal });
    note(`serving ${urls.join(', ')} over stdio; the host ends it`);
    await served(
      session,
      () => openBridge({ agent, payer, remotes, approval, waiting, note, nameOf: names }),
      note,
    );
    ended.abort();
  },
};

/** Clients of the official SDK time a request out after 60 s, unless progress resets the timeout. */
const WAIT_SECONDS = 50;

const connect = async (agent: Agent, url: string): Promise<Remote> => {
  const origin = originOf(url, 'The argument');
  try {
    return { origin, client: await agent.mcp(url) };
  } catch (cause) {
    const { exit, message } = cliErrorOf(cause);
    const isDown = exit === EXIT.network;
    const { pathname } = new URL(url);
    throw new CliError(
      isDown
        ? `The bridge cannot reach ${origin}. ${message}`
        : `${origin} does not serve MCP at ${pathname}.`,
      {
        hint: isDown
          ? `Check the address and your network. \`countersign doctor --gateway ${origin}\` checks each part.`
          : `A gateway serves MCP at /mcp: \`countersign mcp ${origin}/mcp\`.`,
        exit: EXIT.network,
        code: 'mcp_unreachable',
        cause,
      },
    );
  }
};

/** Resolves when the host closes the pipe: a bridge without its host must not stay behind. */
const served = async (
  { signal }: Session,
  open: () => Server,
  note: (line: string) => void,
): Promise<void> => {
  const handle = serveStdio(open, { onerror: ({ message }) => note(message) });
  await new Promise<void>((resolve) => {
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await handle.close();
};
