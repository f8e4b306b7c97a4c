import type * as z from 'zod/mini';
import type { Method, RouteId } from './paths.ts';

/**
 * Who may use a route about an account. `operator`: of this gateway. `above`: an account whose grant, or whose delegate's grant, the
 * account consented to. `self`: the account. `sovereign`: the account, where it hangs below nobody.
 */
export type Role = 'operator' | 'above' | 'self' | 'sovereign';

/** What is said of a route by hand. */
export type Rules = {
  readonly roles: readonly Role[];
  readonly query?: z.ZodMiniType;
  readonly body?: z.ZodMiniType;
  /** The longest body, in bytes. */
  readonly maxBody?: number;
  /** `etag`: If-Match and If-None-Match count, and what is there already is not replaced without. */
  readonly precondition?: 'etag';
  /** `Dry-Run: ?1` only says what would happen. */
  readonly dryRun?: true;
};

export type Route = Rules & {
  readonly id: RouteId;
  readonly method: Method;
  /** With `:name` for what varies. */
  readonly path: string;
  /** Changes something: its intent is good once, and is kept as evidence. */
  readonly write: boolean;
  readonly maxBody: number;
};
