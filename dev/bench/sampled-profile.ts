import type { Inspector } from './inspector.ts';

/** A function within its callers, as the DevTools protocol reports it. */
export type SampledNode = {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** The first line is 0. */
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  readonly children?: readonly number[];
};

/** What each function cost by itself: microseconds, or allocated bytes. */
export type SampledProfile = {
  readonly nodes: readonly SampledNode[];
  readonly costs: ReadonlyMap<number, number>;
};

type CpuProfile = {
  readonly nodes: readonly SampledNode[];
  /** Node of each sample, and microseconds since the previous sample. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

type Allocations = Pick<SampledNode, 'id' | 'callFrame'> & {
  readonly selfSize: number;
  readonly children: readonly Allocations[];
};

/** Microseconds between samples of the CPU. */
const INTERVAL = 200;
/** Mean bytes between sampled allocations. */
const ALLOCATED = 4_096;

/** Samples the CPU during some work. @returns also the profile in the form of Chrome DevTools. */
export const sampleCpu = async (
  { call }: Inspector,
  work: () => Promise<void>,
): Promise<SampledProfile & { readonly devTools: object }> => {
  await call('Profiler.enable');
  await call('Profiler.setSamplingInterval', { interval: INTERVAL });
  await call('Profiler.start');
  await work();
  const { profile } = (await call('Profiler.stop')) as { readonly profile: CpuProfile };
  const costs = new Map<number, number>();
  for (const [at, node] of profile.samples.entries()) {
    costs.set(node, (costs.get(node) ?? 0) + (profile.timeDeltas[at] ?? 0));
  }
  return { nodes: profile.nodes, costs, devTools: profile };
};

/** Samples all allocations during some work, also those that are garbage by then. */
export const sampleAllocations = async (
  { call }: Inspector,
  work: () => Promise<void>,
): Promise<SampledProfile> => {
  await call('HeapProfiler.startSampling', {
    samplingInterval: ALLOCATED,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await work();
  const { profile } = (await call('HeapProfiler.stopSampling')) as {
    readonly profile: { readonly head: Allocations };
  };
  const all = flat(profile.head);
  return {
    nodes: all.map((node) => ({ ...node, children: node.children.map(({ id }) => id) })),
    costs: new Map(all.map(({ id, selfSize }) => [id, selfSize])),
  };
};

const flat = (node: Allocations): readonly Allocations[] => [node, ...node.children.flatMap(flat)];
