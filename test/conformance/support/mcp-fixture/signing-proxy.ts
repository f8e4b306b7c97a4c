import { type IncomingMessage, request, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LocalAccount } from 'viem';
import { LOOPBACK } from '../../../../dev/stack/loopback.ts';
import { canonicalJson } from '../../../../src/core/canonical-json.ts';
import { agentIntent, intentFor, signFields } from '../intent.ts';
import type { World } from '../world.ts';

type Json = Readonly<Record<string, unknown>>;

const bodyOf = async (from: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** The headers that sign a `tools/call`. Other messages get none. */
const proofFor = async (
  world: World,
  account: LocalAccount,
  body: Buffer,
): Promise<Readonly<Record<string, string>>> => {
  let message: Json;
  try {
    message = JSON.parse(body.toString()) as Json;
  } catch {
    return {};
  }
  const {
    name,
    arguments: given = {},
    inputResponses,
    requestState,
  } = (message['params'] ?? {}) as Json;
  if (message['method'] !== 'tools/call' || typeof name !== 'string') return {};
  const members = {
    ...(typeof inputResponses === 'object' && inputResponses !== null ? { inputResponses } : {}),
    ...(typeof requestState === 'string' ? { requestState } : {}),
  };
  const call = {
    method: 'tools/call',
    path: '/mcp',
    body: canonicalJson({ ...members, arguments: given, name }),
  };
  const intent = intentFor(world, account.address, call, { tool: name });
  return agentIntent(await signFields(account, intent));
};

/** Starts a proxy that adds a signed intent to each `tools/call` and changes nothing else, because the conformance suite cannot sign. */
export const startSigningProxy = async (
  world: World,
  account: LocalAccount,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> => {
  const { hostname, port } = new URL(world.stack.description.gateway);
  const server = createServer((from, to) => {
    void (async () => {
      const body = await bodyOf(from);
      const headers = { ...from.headers, ...(await proofFor(world, account, body)) };
      // Replace only this proxy's own Host by the gateway's. The suite also sends a foreign Host, which the gateway must reject.
      if (from.headers.host === `${LOOPBACK}:${(server.address() as AddressInfo).port}`)
        headers.host = `${hostname}:${port}`;
      const out = request(
        { hostname, port, method: from.method, path: from.url, headers },
        (answer) => {
          to.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(to);
        },
      );
      to.on('close', () => out.destroy());
      out.on('error', () => to.destroy());
      out.end(body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const url = `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url, stop };
};
