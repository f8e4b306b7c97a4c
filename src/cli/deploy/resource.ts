import type { Project } from './project.ts';
import type { Wrangler } from './wrangler.ts';

/** The state, in the Cloudflare account, of a resource that the project names. */
export type Item = {
  readonly name: string;
  /** `blocked`: the deployment cannot continue before a person acts. */
  readonly state: 'exists' | 'make' | 'blocked' | 'unknown';
  /** More about it, for people. */
  readonly says?: string;
  /** Whether the resource already exists, and the project only lacks a part of its name. */
  readonly isThere?: true;
  /** The next step of a blocked item. */
  readonly hint?: string;
};

/** What the steps of one deployment share. */
export type Deploying = {
  readonly project: Project;
  readonly wrangler: Wrangler;
  readonly signal: AbortSignal;
};

/** A kind of resource that belongs to the Cloudflare account, next to the Worker. */
export type ResourceKind = {
  /** Its name in the plan, e.g. `queue`. */
  readonly what: string;
  readonly wanted: (project: Project) => readonly string[];
  /** Looks up the wanted resources. */
  readonly look: (deploying: Deploying) => Promise<readonly Item[]>;
  /**
   * Creates the items that `look` returned as `make`.
   *
   * Race: a crash may follow any change, so `look` must find items that `create` has made, and `create` must not make them twice.
   */
  readonly create: (deploying: Deploying, items: readonly Item[]) => Promise<void>;
  /** The command that creates one by hand. */
  readonly byHand: (name: string, project: Pick<Project, 'jurisdiction'>) => string;
};

/** The option of `wrangler` that creates, or lists, in the project's jurisdiction. */
export const within = ({ jurisdiction }: Pick<Project, 'jurisdiction'>): readonly string[] =>
  jurisdiction === 'none' ? [] : ['--jurisdiction', jurisdiction];

export const placeText = (jurisdiction: string): string =>
  jurisdiction === 'none' || jurisdiction === '' ? 'no jurisdiction' : jurisdiction;
