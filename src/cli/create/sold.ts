import type { ToolDocument } from '../../management/tool.route.ts';

/** The tools that a project sells. */
export type Sold = {
  readonly tools: readonly ToolDocument[];
  /** Becomes UPSTREAM_URL. */
  readonly upstream: string;
  /** What a sold tool still needs, e.g. credentials that the upstream expects. */
  readonly notes: readonly string[];
  /** What the command left out, and why. */
  readonly skipped: readonly string[];
};
