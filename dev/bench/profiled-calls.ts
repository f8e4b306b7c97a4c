import type { Bundles } from './bundles.ts';
import type { Open } from './contenders.ts';
import { openInspector } from './inspector.ts';
import { deal, mustAllBe, runOut } from './load.ts';
import { sampleAllocations, sampleCpu, type SampledProfile } from './sampled-profile.ts';
import { framesOf } from './source-frames.ts';
import { costsByStep, STEPS, type Step } from './steps.ts';
import type { Bench, Upstream } from './subject.ts';
import { freePort } from '../stack/loopback.ts';
import { ROOT } from '../root.ts';

/** Cost of a call: microseconds, allocated bytes. */
export type StepCost = { readonly microseconds: number; readonly bytes: number };

/** A function, without its callees. */
export type FunctionCost = {
  readonly name: string;
  readonly place: string;
  readonly microseconds: number;
};

/** What calls of a subject cost. */
export type ProfiledCalls = {
  /** CPU of the whole process under the profiler, of a call. */
  readonly cpu: number;
  readonly steps: Readonly<Record<Step, StepCost>>;
  /** All functions, the most expensive first. */
  readonly functions: readonly FunctionCost[];
  /** The CPU profile for Chrome DevTools. */
  readonly devTools: object;
};

export type Load = {
  readonly agents: number;
  readonly connections: number;
  readonly requests: number;
};

/** Scripts with source maps, by the name of their Worker. */
const SCRIPTS = {
  gateway: ({ gateway: { main, first, later } }: Bundles) => [
    ...new Set([main, ...first, ...later]),
  ],
  floor: ({ of }: Bundles) => [of('floor')],
};

/** Profiles calls of a subject in a process of its own: once for the CPU, then for allocations. */
export const profileCalls = async (
  bench: Bench,
  upstream: Upstream,
  worker: keyof typeof SCRIPTS,
  open: Open,
  { agents, connections, requests }: Load,
): Promise<ProfiledCalls> => {
  const port = await freePort();
  const contender = await open(bench, upstream, { inspector: port });
  const { subject, afterwork } = contender;
  const prepare = async (): Promise<() => Promise<number>> => {
    const lanes = deal(await contender.requests(agents, requests), agents, connections);
    return async () => {
      const measured = await runOut(subject.port, lanes, subject, afterwork);
      return mustAllBe(measured, 200, `profile of ${worker}`).cpuPerRequest;
    };
  };
  try {
    const inspector = await openInspector(port, worker);
    const warmUp = await prepare();
    // Only code that V8 compiles under a profiler tells which functions it has inlined.
    await sampleCpu(inspector, async () => {
      await warmUp();
    });
    const [forCpu, forAllocations] = [await prepare(), await prepare()];
    let cpu = 0;
    const time = await sampleCpu(inspector, async () => {
      cpu = await forCpu();
    });
    const allocated = await sampleAllocations(inspector, async () => {
      await forAllocations();
    });
    inspector.close();
    const frames = (profile: SampledProfile) =>
      framesOf(profile.nodes, SCRIPTS[worker](bench.bundles), ROOT);
    const microseconds = costsByStep(time, frames(time));
    const bytes = costsByStep(allocated, frames(allocated));
    const costOf = (step: Step): StepCost => ({
      microseconds: (microseconds.get(step) ?? 0) / requests,
      bytes: (bytes.get(step) ?? 0) / requests,
    });
    return {
      cpu,
      steps: Object.fromEntries(STEPS.map((step) => [step, costOf(step)])) as Record<
        Step,
        StepCost
      >,
      functions: functionsOf(time, frames(time), requests),
      devTools: time.devTools,
    };
  } finally {
    await subject.stop();
  }
};

const functionsOf = (
  { nodes, costs }: SampledProfile,
  frames: ReturnType<typeof framesOf>,
  requests: number,
): readonly FunctionCost[] => {
  const found = new Map<string, FunctionCost>();
  for (const { id } of nodes) {
    const frame = frames.get(id);
    if (frame === undefined || frame.name === '(idle)') continue;
    const key = `${frame.name} ${frame.place}`;
    const before = found.get(key)?.microseconds ?? 0;
    const microseconds = before + (costs.get(id) ?? 0) / requests;
    found.set(key, { ...frame, microseconds });
  }
  return [...found.values()].toSorted((a, b) => b.microseconds - a.microseconds);
};
