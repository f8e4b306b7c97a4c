import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type RunningServer, serveLoopback } from '../../../dev/stack/loopback.ts';
import { callNode, staleAnswers, type RpcAnswer, type RpcRequest } from './stale-answers.ts';
import { draw, type FaultSource } from './fault-source.ts';

/** How a node behaves during an incident. */
export type NodeMode = 'well' | 'down' | 'slow' | 'stale' | 'wrong';

/** A proxy in front of the real node that delays, ages and corrupts answers. */
export type FaultyNode = RunningServer & {
  readonly setMode: (mode: NodeMode) => void;
};

type Fate = 'well' | 'down' | 'slow' | 'stale' | 'garbage' | 'otherIds' | 'errors' | 'partial';

/** Weights of the fates of a batch while its node works: 97 % arrive unharmed. */
const WELL = {
  well: 970,
  slow: 8,
  down: 6,
  stale: 6,
  garbage: 3,
  otherIds: 3,
  errors: 2,
  partial: 2,
};
const MODES: Readonly<Record<NodeMode, Readonly<Record<Fate, number>>>> = {
  well: WELL,
  down: { ...NOTHING(), down: 1 },
  slow: { ...NOTHING(), slow: 1 },
  stale: { ...NOTHING(), stale: 1 },
  wrong: { ...NOTHING(), garbage: 1, otherIds: 1, errors: 1, partial: 1 },
};

function NOTHING(): Readonly<Record<Fate, number>> {
  return { well: 0, down: 0, slow: 0, stale: 0, garbage: 0, otherIds: 0, errors: 0, partial: 0 };
}

/** Milliseconds; the longest exceed the gateway's timeout. */
const SLOW = [500, 6_500] as const;
/** Blocks. */
const BEHIND = [1, 5] as const;

export const startFaultyNode = async (
  name: string,
  rpc: string,
  faultSource: FaultSource,
): Promise<FaultyNode> => {
  let mode: NodeMode = 'well';
  const server = await serveLoopback({
    handler: async (request, { incoming }) => {
      const body = await request.text();
      const random = faultSource.randomOf(`node ${name}`);
      const fate = faultSource.isActive('node') ? draw(random, MODES[mode]) : 'well';
      const calls = JSON.parse(body) as readonly RpcRequest[];
      switch (fate) {
        case 'down':
          incoming.socket.destroy();
          return RESPONSE_ALREADY_SENT;
        case 'garbage':
          return new Response('<html>Bad Gateway</html>', { status: random.pick([200, 502]) });
        case 'slow':
          await new Promise((resolve) => setTimeout(resolve, random.integer(...SLOW)));
          return Response.json(await callNode(rpc, calls));
        case 'stale':
          return Response.json(
            Array.isArray(calls) ? await staleAnswers(rpc, calls, random.integer(...BEHIND)) : [],
          );
        case 'well':
          return Response.json(await callNode(rpc, calls));
        case 'otherIds':
        case 'errors':
        case 'partial':
          return Response.json(corrupted(fate, [await callNode(rpc, calls)].flat()));
      }
    },
  });
  return {
    ...server,
    setMode(next) {
      mode = next;
    },
  };
};

const corrupted = (
  fate: 'otherIds' | 'errors' | 'partial',
  answers: readonly RpcAnswer[],
): readonly unknown[] => {
  switch (fate) {
    case 'otherIds':
      return answers.map((answer) => ({ ...answer, id: answer.id + 1 }));
    case 'errors':
      return answers.map(({ id }) => ({
        jsonrpc: '2.0',
        id,
        error: { code: -32_000, message: 'header not found' },
      }));
    case 'partial':
      return answers.slice(1);
  }
};
