import { openConnection } from './connection.ts';
import { quantile, spread, type Spread } from './statistics.ts';
import type { Workerd } from './workerd.ts';

/** Requests of one connection, in sequence. */
export type Lane = readonly Buffer[];

/** Cost of a run of requests: milliseconds, and microseconds of CPU of the whole process. */
export type Measured = {
  readonly requests: number;
  readonly perSecond: number;
  readonly cpuPerRequest: number;
  /** CPU until the last answer. */
  readonly cpuUntilAnswered: number;
  readonly p50: number;
  readonly p99: number;
  /** Number of answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
};

/** Distributes requests over connections. The requests of one agent stay in sequence on one connection. */
export const deal = (
  requests: readonly Buffer[],
  agents: number,
  connections: number,
): readonly Lane[] => {
  const lanes: Buffer[][] = Array.from({ length: connections }, () => []);
  for (const [at, request] of requests.entries()) {
    const owner = agents < connections ? at : at % agents;
    lanes[owner % connections]?.push(request);
  }
  return lanes.filter((lane) => lane.length > 0);
};

/** Sends all requests and measures their cost. Opens the connections before the measurement. */
export const run = async (
  port: number,
  lanes: readonly Lane[],
  { cpu }: Pick<Workerd, 'cpu'>,
): Promise<Measured> => {
  const connections = await Promise.all(lanes.map(() => openConnection(port)));
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  const cpuBefore = cpu();
  const began = performance.now();
  await Promise.all(
    lanes.map(async (lane, at) => {
      const connection = connections[at];
      if (connection === undefined) throw new Error('A lane has no connection.');
      for (const request of lane) {
        const sent = performance.now();
        const { status } = await connection.send(request);
        latencies.push(performance.now() - sent);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  const used = cpu() - cpuBefore;
  for (const connection of connections) connection.close();
  const requests = latencies.length;
  return {
    requests,
    perSecond: requests / seconds,
    cpuPerRequest: used / requests,
    cpuUntilAnswered: used / requests,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    statuses,
  };
};

/** Like `run`, including the CPU of work after the last answer, for `afterwork` milliseconds. */
export const runOut = async (
  port: number,
  lanes: readonly Lane[],
  process: Pick<Workerd, 'cpu'>,
  afterwork: number,
): Promise<Measured> => {
  const before = process.cpu();
  const measured = await run(port, lanes, process);
  if (afterwork === 0) return measured;
  await new Promise((resolve) => setTimeout(resolve, afterwork));
  return { ...measured, cpuPerRequest: (process.cpu() - before) / measured.requests };
};

/** Checks that every answer had the expected status. @throws Error otherwise. */
export const mustAllBe = (measured: Measured, status: number, what: string): Measured => {
  if (measured.statuses[status] === measured.requests) return measured;
  throw new Error(`${what}: not every answer was ${status}: ${JSON.stringify(measured.statuses)}`);
};

/** Spread over blocks of calls: milliseconds, and microseconds of CPU. */
export type Figures = {
  readonly cpuPerRequest: Spread;
  readonly p50: Spread;
  readonly p99: Spread;
};

/** Summarises blocks of calls. */
export const figuresOf = (blocks: readonly Measured[]): Figures => ({
  cpuPerRequest: spread(blocks.map(({ cpuPerRequest }) => cpuPerRequest)),
  p50: spread(blocks.map(({ p50 }) => p50)),
  p99: spread(blocks.map(({ p99 }) => p99)),
});
