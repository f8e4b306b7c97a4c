import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type RunningServer, serveLoopback } from '../../../dev/stack/server.ts';
import { agedAnswers, ask, type RpcAnswer, type RpcRequest } from './stale-answers.ts';
import { draw, type Unrest } from './fault-source.ts';

/** How a node behaves for some time. */
export type NodeMood = 'well' | 'down' | 'slow' | 'stale' | 'wrong';

/** A node that the gateway asks, before the one that knows the chain. */
export type TroubledNode = RunningServer & {
  readonly feel: (mood: NodeMood) => void;
  /** Batches it was asked. */
  readonly asked: () => number;
};

type Fate = 'well' | 'down' | 'slow' | 'stale' | 'garbage' | 'otherIds' | 'errors' | 'partial';

/** What one batch meets while its node is well: nearly always the truth. */
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
const MOODS: Readonly<Record<NodeMood, Readonly<Record<Fate, number>>>> = {
  well: WELL,
  down: { ...NOTHING(), down: 1 },
  slow: { ...NOTHING(), slow: 1 },
  stale: { ...NOTHING(), stale: 1 },
  wrong: { ...NOTHING(), garbage: 1, otherIds: 1, errors: 1, partial: 1 },
};

function NOTHING(): Readonly<Record<Fate, number>> {
  return { well: 0, down: 0, slow: 0, stale: 0, garbage: 0, otherIds: 0, errors: 0, partial: 0 };
}

/** Milliseconds; longer than the gateway waits, sometimes. */
const SLOW = [500, 6_500] as const;
/** Blocks. */
const BEHIND = [1, 5] as const;

export const startTroubledNode = async (
  name: string,
  rpc: string,
  unrest: Unrest,
): Promise<TroubledNode> => {
  let mood: NodeMood = 'well';
  let asked = 0;
  const server = await serveLoopback({
    handler: async (request, { incoming }) => {
      const body = await request.text();
      asked += 1;
      const luck = unrest.luckOf(`node ${name}`);
      const fate = unrest.stirs('node') ? draw(luck, MOODS[mood]) : 'well';
      const calls = JSON.parse(body) as readonly RpcRequest[];
      switch (fate) {
        case 'down':
          incoming.socket.destroy();
          return RESPONSE_ALREADY_SENT;
        case 'garbage':
          return new Response('<html>Bad Gateway</html>', { status: luck.pick([200, 502]) });
        case 'slow':
          await new Promise((resolve) => setTimeout(resolve, luck.integer(...SLOW)));
          return Response.json(await ask(rpc, calls));
        case 'stale':
          return Response.json(
            Array.isArray(calls) ? await agedAnswers(rpc, calls, luck.integer(...BEHIND)) : [],
          );
        case 'well':
          return Response.json(await ask(rpc, calls));
        case 'otherIds':
        case 'errors':
        case 'partial':
          return Response.json(spoilt(fate, [await ask(rpc, calls)].flat()));
      }
    },
  });
  return {
    ...server,
    feel(next) {
      mood = next;
    },
    asked: () => asked,
  };
};

const spoilt = (
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
