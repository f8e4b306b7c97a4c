import {
  answerAsModel,
  eventCountOf,
  type ModelMode,
  type ModelScript,
} from '../../dev/upstream/model-answer.ts';
import { USAGE_PRESETS } from '../../src/catalog/usage-presets.ts';
import { openEventGuard } from '../../src/gateway/event-guard.ts';
import { openUsageReader } from '../../src/gateway/meter/usage-charge.ts';
import type { StreamingAnswer } from '../../src/gateway/paid-request.ts';
import { passOn } from '../../src/gateway/pass-on.ts';
import { outcomeOfStream } from '../../src/gateway/stream.ts';
import type { Outcome } from '../../src/protocol/account/call.ts';
import type { Meter } from '../../src/protocol/meter/meter.ts';
import type { Random } from './random.ts';

/** A metered answer of a model, and whether its caller leaves at the first byte. */
export type PlannedStream = {
  readonly script: ModelScript;
  readonly usage: 'openai' | 'counted';
  readonly missing: 'max' | 'none';
  readonly leaves: boolean;
};

/** A hanging model is one that breaks off later: `test/chaos/` waits for it. */
const MODES = [
  ...(['whole', 'complete', 'complete', 'breaks', 'breaks'] as const),
  ...(['overuses', 'absurd', 'unreported'] as const),
] as const satisfies readonly [ModelMode, ...ModelMode[]];
const MAX_EVENTS = 6;
/** Longer than every jump of the clock. */
const NEVER = 1_000_000_000;
const UNIT = '$0.000001';

export const drawStream = (price: bigint, random: Random): PlannedStream => ({
  script: {
    mode: random.pick(MODES),
    events: random.integer(0, MAX_EVENTS),
    tokens: random.integer(0, Number(price)),
  },
  usage: random.pick(['openai', 'openai', 'counted']),
  missing: random.pick(['max', 'none']),
  leaves: random.chance(0.3),
});

/** What a stream costs by the rules of docs/tools.md, from its script alone. A token or a counted event costs a unit. */
export const ruledCharge = ({ script, usage, missing }: PlannedStream, price: bigint): bigint => {
  const { mode, tokens } = script;
  const atMost = (amount: number): bigint => (BigInt(amount) < price ? BigInt(amount) : price);
  if (usage === 'counted') return atMost(mode === 'whole' ? 1 : eventCountOf(script));
  switch (mode) {
    case 'whole':
    case 'complete':
      return atMost(tokens);
    case 'overuses':
      return price;
    case 'unreported':
      return missing === 'max' ? price : 0n;
    case 'breaks':
    case 'hangs':
    case 'absurd':
      return 0n;
  }
};

const meterOf = ({ usage, missing }: PlannedStream): Meter => ({
  usage: USAGE_PRESETS[usage],
  rates: { [usage === 'openai' ? 'output_tokens' : 'events']: UNIT },
  ...(usage === 'openai' ? { missing } : {}),
  readOn: { seconds: NEVER, bytes: NEVER },
  idleSeconds: NEVER,
});

/** Meters an answer of the model with the code of the gateway. */
export const runStream = async (planned: PlannedStream, price: bigint): Promise<Outcome> => {
  const { status, headers, body } = answerAsModel(planned.script);
  if (body === null) throw new Error('the model answered without a body');
  const meter = meterOf(planned);
  const metering = { meter, rates: { ...(meter.rates as Readonly<Record<string, string>>) } };
  const answer: StreamingAnswer = {
    ...{ kind: 'streaming', status, headers: {}, body, calledAt: Date.now() },
    isEventStream: planned.script.mode !== 'whole',
    metered: openUsageReader(headers, metering, price),
  };
  const guard = openEventGuard(answer, false);
  const caller = new WritableStream<Uint8Array>({
    write: () => {
      if (planned.leaves) throw new Error('the caller has left');
    },
  });
  const limits = { seconds: NEVER, idleSeconds: NEVER, readOn: meter.readOn };
  const passed = await passOn(body.getReader(), caller.getWriter(), limits, guard);
  return outcomeOfStream(answer, passed, guard).outcome;
};
