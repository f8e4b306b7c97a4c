import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A tool as the description of the stack lists it. */
export type SoldTool = {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** In dollars, e.g. `$0.001`; the maximum of a variable price. */
  readonly price: string;
  readonly settlement: string;
};

/** Valid tools: the text of `tools.json`, and the tools that are not disabled. */
export type Catalogue = { readonly text: string; readonly tools: readonly SoldTool[] };

export type LocalStackOptions = {
  /** Directory of the project. */
  readonly project: string;
  /** Name of its configuration: `wrangler.toml`, or one in JSON. */
  readonly config: string;
  readonly port: number;
  /** Seconds between blocks; by default each transaction gets a block. */
  readonly blockTime?: number;
  /** Origin of the upstream; empty if every tool names its own. */
  readonly upstream: string;
  /** How the entry of the Worker imports `tools.json`, e.g. `../tools.json`. */
  readonly toolsImports: readonly string[];
  readonly catalogue: Catalogue;
  /** Directory of the migrations of the database. */
  readonly migrations: string;
  readonly onProgress: (part: string, where: string, milliseconds: number) => void;
  /** Called when the gateway runs again after a crash. */
  readonly onNote: (text: string) => void;
};

/** The content of `.dev/stack.json`. Its keys are public. */
export type StackSummary = {
  readonly gateway: string;
  readonly rpc: string;
  readonly facilitator: string;
  readonly upstream: string;
  readonly payTo: string;
  readonly agent: { readonly address: `0x${string}`; readonly privateKey: `0x${string}` };
};

/** The gateway of a project, with chain, facilitator and relayer on this machine. */
export type RunningStack = {
  readonly description: StackSummary;
  /** Path of `.dev/stack.json`. */
  readonly file: string;
  /** Path of the log of the Worker. */
  readonly log: string;
  /** Replaces the tools on sale. Resolves with whether the Worker now serves them. */
  readonly publish: (catalogue: Catalogue) => Promise<boolean>;
  /** Resolves with a message when a part crashed and the others are stopped. Never rejects. */
  readonly crashed: Promise<string>;
  /** Ends every process. */
  readonly stop: () => Promise<void>;
};

/** The module of the local stack, which the package contains as a file of its own. */
export type LocalStackModule = {
  /** @throws Error when a part does not start, after the others are stopped */
  readonly startProjectStack: (options: LocalStackOptions) => Promise<RunningStack>;
  /** Calls back once when the parent process has ended. */
  readonly whenOrphaned: (callback: () => void) => void;
  readonly killEveryProcess: () => Promise<void>;
  readonly portTaken: (port: number) => Promise<boolean>;
  readonly freePort: () => Promise<number>;
};

/**
 * Loads the stack's module only when `countersign dev` runs, because it imports packages that only this command needs. `npm run build`
 * writes the module next to the command.
 */
export const loadLocalStack = async (): Promise<LocalStackModule> =>
  (await import(
    pathToFileURL(join(import.meta.dirname, 'local-stack.js')).href
  )) as LocalStackModule;
